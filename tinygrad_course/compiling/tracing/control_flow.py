"""Which way a function takes through its code: the same on tracers as on arrays, or a program is wrong."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tinygrad_course.compiling.tracing.library_code import of_library

#: What asks an argument for its type and is answered for the tracer: ``type(x) is np.ndarray``.
ASKING = {"type", "isscalar", "dispatch_cache", "Number", "Complex", "Real", "Integral"}


@contextmanager
def way_taken(*, watched: bool) -> Iterator[list[int]]:
    """Give a list in which one number stands for all instructions that the user's functions run inside."""
    taken = [0]

    def step(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            taken[0] = hash((taken[0], id(frame.f_code), frame.f_lasti))
        return step

    def call(frame: FrameType, *_: Any) -> Any:
        filename = frame.f_code.co_filename
        if of_library(filename) or filename == "<string>":  # what namedtuple and dataclass have written
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    before = sys.gettrace()
    if watched:
        sys.settrace(call)
    try:
        yield taken
    finally:
        if watched:
            sys.settrace(before)
