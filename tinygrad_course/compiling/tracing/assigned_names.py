"""The user's names for what her code computes, found where the code says ``name = ...``."""

from __future__ import annotations

import dis
import functools
import inspect
from pathlib import Path
from types import CodeType, FrameType

from tinygrad_course.compiling.tracing.library_code import of_library

_LIBRARY = Path(__file__).parents[2]
_BACKWARD = tuple(
    str(_LIBRARY / name) for name in ("autodiff/gradients.py", "autodiff/transforms.py", "engine/sweep.py")
)


def assigned_name() -> str | None:
    """Return the name that the user's code is about to give to the value of the call in progress.

    None on the way back, where the user's code has only called for gradients.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_BACKWARD):
            return None
        if not of_library(filename):
            return _stores(frame.f_code).get(frame.f_lasti)
        frame = frame.f_back
    return None


@functools.cache
def _stores(code: CodeType) -> dict[int, str]:
    """Return the names that are assigned right after an instruction, by the instruction's offset."""
    instructions = list(dis.get_instructions(code))
    found = {}
    for i, instruction in enumerate(instructions[:-1]):
        following = instructions[i + 1]
        if following.opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_DEREF", "STORE_GLOBAL")):
            name = following.argval
            found[instruction.offset] = name[0] if isinstance(name, tuple) else name
        elif i + 3 < len(instructions) and instructions[i + 3].opname == "STORE_SUBSCR":
            key = instructions[i + 2].argval  # cache["A1"] = ...
            if isinstance(key, str) and instructions[i + 2].opname == "LOAD_CONST":
                found[instruction.offset] = key
    return {o: name for o, name in found.items() if name.isidentifier() and not name.startswith("_")}
