"""NumPy's types for pyright, with Tensors: ``python -m tinygrad_course.pyright_stubs typings``.

Pyright has no plugins, and looks into the folder ``typings`` of a project first. There go the types of the
NumPy that is installed, and before each function's own a line more: a Tensor goes in, a Tensor comes out.
"""

import argparse
import functools
import re
import sys
from pathlib import Path

import numpy as np

from tinygrad_course.rules.table import COMPOSED, NO_DERIVATIVE, RULES

_MARK = "made_by_tinygrad_course"
_IMPORTS = """
from collections.abc import Sequence as _Sequence
from typing import Any as _Any, Literal as _Literal, overload as _overload
from tinygrad_course import Tensor as _Tensor
"""
_OPERATORS = ("add", "sub", "mul", "truediv", "matmul", "pow", "mod", "floordiv")
_UFUNCS = {
    "_UFunc_Nin1_Nout1": ["_a: _Tensor"],
    "_UFunc_Nin2_Nout1": ["_a: _Tensor, _b: _Any", "_a: _Any, _b: _Tensor"],
}
_OPERANDS = [f"{'_a: _Any, _b: _Any, '[: 10 * i]}_c: _Tensor | _Sequence[_Tensor]" for i in range(3)]


def write_stubs(folder: Path) -> Path:
    """Write the types into ``folder/numpy``, and return that.

    Raises FileExistsError if something else is there.
    """
    target = folder / "numpy"
    if target.exists() and not (target / _MARK).exists():
        raise FileExistsError(f"{target} is there, and not made by this program: name another folder")
    source = Path(np.__file__).parent
    for path in [*source.rglob("*.pyi"), *source.glob("_typing/*.py")]:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = with_tensors(path.read_text(encoding="utf-8"))
        place.write_text(f"# type: ignore\n{text}", encoding="utf-8")  # NumPy's own are not to be judged here
    (target / _MARK).write_text("python -m tinygrad_course.pyright_stubs\n", encoding="utf-8")
    return target


@functools.cache
def _differentiable() -> tuple[set[str], str]:
    """Return the functions that give a Tensor for a Tensor by their names, and the ufuncs as literals."""
    known = {f for f, rule in RULES.items() if not rule.outputs} | set(COMPOSED)
    functions: set[str] = set()
    ufuncs: set[str] = set()
    for module in (np, np.linalg):
        for name, f in vars(module).items():
            if callable(f) and not isinstance(f, type) and f in known and f not in NO_DERIVATIVE:
                (ufuncs if isinstance(f, np.ufunc) else functions).add(name)
                ufuncs |= {f.__name__} if isinstance(f, np.ufunc) else set()
    return functions, ", ".join(f'"{name}"' for name in sorted(ufuncs))


def with_tensors(text: str) -> str:
    """Return a file of types with lines for Tensors before those of each function, ufunc and operator.

    >>> print(with_tensors("def trace(a: ArrayLike) -> Any: ...").splitlines()[6])
    def trace(_c: _Tensor | _Sequence[_Tensor], /, *args: _Any, **kwargs: _Any) -> _Tensor: ...
    """
    lines: list[str] = []
    room, met = "", set()
    for line in text.splitlines():
        if found := re.match(r"class (\w+)", line):
            room = found[1]
        found = re.match(r"(    )?def (\w+)\(", line)
        if found and (key := (room if found[1] else "", found[2])) not in met:
            met.add(key)
            if more := _lines(*key):
                decorated = bool(lines) and "@overload" in lines[-1]
                at = len(lines) - decorated
                indent = found[1] or ""
                lines[at:at] = [indent + new for signature in more for new in ("@_overload", signature)]
                if not decorated:
                    lines.append(f"{indent}@_overload")
        lines.append(line)
    if "@_overload" not in "".join(lines):
        return text
    start = next((i for i, line in enumerate(lines) if re.match(r"(from|import) (?!__future__)", line)), 0)
    return "\n".join([*lines[:start], *_IMPORTS.split("\n"), *lines[start:], ""])


def _lines(within: str, name: str) -> list[str]:
    """Return the signatures with Tensors of a function, or of a method of a class."""
    functions, ufuncs = _differentiable()
    if not within and name in functions:
        return [f"def {name}({given}, /, *args: _Any, **kwargs: _Any) -> _Tensor: ..." for given in _OPERANDS]
    if name == "__call__" and within in _UFUNCS:
        whose = f"self: {within}[_Literal[{ufuncs}], _Any, _Any]"
        return [
            f"def {name}({whose}, {given}, /, **kwargs: _Any) -> _Tensor: ..." for given in _UFUNCS[within]
        ]
    if within == "ndarray" and name.strip("_") in _OPERATORS:
        return [f"def {name}(self, other: _Tensor, /) -> _Tensor: ..."]
    return []


def main() -> int:
    """Write them where the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_course.pyright_stubs", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("typings"))
    sys.stdout.write(f"{write_stubs(parser.parse_args().folder)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
