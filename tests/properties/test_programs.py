"""Random programs of statements (`statements`), run on arrays, recorded, and by both engines.

The value must be NumPy's, the gradient that of differences of the NumPy program, and a compiled program must
give what the recorder gives, or say that it can't be compiled. What may be refused is on a list.

By hand: ``python -m tests.properties.test_programs 10000 --seed 500`` runs so many and prints what differs.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.compiling.interpreted import interpreted
from tests.properties.statements import Program, draw
from tinygrad_course import CannotCompile, Tensor, compiled, grad, hvp, value_and_grad
from tinygrad_course.compiling.machine import jit
from tinygrad_course.engine import partial_writes, saved_arrays
from tinygrad_course.engine.trees import leaves

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the NumPy programs: of NaN, say

Way = Callable[[Program], Callable[..., tuple[Any, Any]]]

#: What may be refused, by words of the message.
REFUSED = {
    "written over": "NumPy reads the values, a view of",
    "a plain array": "is written into a plain array|turned into a plain array",
    "a view of broadcasting": "gives a view that can't be written to, as NumPy's",
    "a number": "is a number: nothing can be written",
    "a diagonal of no rows": "stands for axes of different lengths",
}


def _backward(program: Program) -> Callable[..., tuple[Any, Any]]:
    f = program.function(np.float32)

    def run(x: Any, *constants: Any) -> tuple[Any, Any]:
        t = Tensor(x)
        J = f(t.copy("K"), *constants)
        J.backward()
        return J.data, t.grad

    return run


def _engine(engine: str) -> Way:
    return lambda program: compiled(value_and_grad(program.function(np.float32)), engine=engine)


#: Ways to get value and gradient, by name: each turns a program into a function of x and the constants.
WAYS: dict[str, Way] = {
    "recorded": lambda program: value_and_grad(program.function(np.float32)),
    "backward": _backward,
}
ENGINES: dict[str, Way] = {"numpy": _engine("numpy"), "machine": _engine("machine")}


class Wide:
    """The program in double precision, of NumPy alone: value, and slopes by differences."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.f = program.function(np.float64)
        self.x = program.x.astype(float, order="K")
        self.direction = np.empty_like(self.x)  # lies as x does: so does their sum, on which views depend
        self.direction[...] = np.cos(1.0 + 2.0 * np.arange(self.x.size)).reshape(self.x.shape)

    def constants(self) -> list[Any]:
        """The constants, those of single precision widened."""
        return [c.astype(float) if c.dtype == np.float32 else c for c in self.program.copies()]

    def J(self, step: float) -> float:
        """The value this far along the direction."""
        return float(self.f(self.x + step * self.direction, *self.constants()))

    def slope(self) -> tuple[float, float]:
        """The derivative along the direction, and how far it can be trusted."""
        try:
            found = [
                (8 * (self.J(h) - self.J(-h)) - (self.J(2 * h) - self.J(-2 * h))) / (12 * h)
                for h in (1e-4, 5e-5)
            ]
        except (IndexError, ValueError):  # it is a program at these numbers alone
            return np.nan, np.inf
        right = found[-1]
        return right, 20 * abs(found[0] - found[1]) + 1e-7 * max(1.0, abs(right), abs(self.J(0.0)))


def refused(error: BaseException) -> str | None:
    """Return which of the things that may be refused this is."""
    cause = error.__cause__
    text = f"{error} {cause}"
    return next((name for name, words in REFUSED.items() if re.search(words, text)), None)


def check(
    program: Program,
    *,
    second: bool,
    ways: tuple[str, ...] = ("recorded", "backward"),
    engines: tuple[str, ...] = (),
    told: Counter[str] | None = None,
) -> list[str]:
    """Return what is wrong with a program's value and gradients: nothing, it is to be hoped."""
    told = Counter() if told is None else told
    x, exact = program.x, program.function(np.float32)
    effects = program.copies()
    value = float(exact(x.copy("K"), *effects))
    narrow = "float32" in str(program) or "f4" in program.text
    wide = Wide(program)
    try:
        right, doubt = wide.slope()
    except AttributeError:  # 1j times NumPy's double is a number of Python's, that of single precision is not
        told["not in double precision"] += 1
        return []
    if narrow:
        doubt = max(doubt, 2e-3 * max(1.0, abs(right)))
    decided = doubt < 5e-3 * max(1.0, abs(right))  # else at a kink
    # a comparison of numbers with themselves, rounded, has chosen otherwise in double precision
    decided = decided and abs(wide.J(0.0) - value) < 1e-2 * max(1.0, abs(value))
    wrong: list[str] = []
    for name in ways:
        constants = program.copies()
        try:
            J, g = WAYS[name](program)(x.copy("K"), *constants)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is reported)
            why = refused(error)
            told[f"{name} refused: {why}"] += 1
            if why is None:
                wrong.append(f"{name} raised {traceback.format_exc(limit=-3)}")
            return wrong
        if not np.isclose(float(J), value, rtol=1e-5 if narrow else 1e-12, atol=1e-5 if narrow else 1e-12):
            wrong.append(f"{name}: the value is {float(J)!r}, NumPy's {value!r}")
        if g.dtype != x.dtype or g.shape != x.shape:
            wrong.append(f"{name}: the gradient is {g.dtype} {g.shape}, x {x.dtype} {x.shape}")
        elif decided and not abs(np.sum(g * wide.direction) - right) <= doubt:
            wrong.append(f"{name}: the slope is {np.sum(g * wide.direction)!r}, by differences {right!r}")
        if any(not np.array_equal(a, b) for a, b in zip(constants, effects, strict=True)):
            wrong.append(f"{name}: the constants are {constants} afterwards, NumPy's {effects}")
    told["undecided"] += not decided
    if decided and second and not wrong and not narrow:
        wrong += _second(program, wide)
    for engine in engines:
        wrong += _compiled(program, engine, told, narrow)
    return wrong


def _second(program: Program, wide: Wide) -> list[str]:
    f = program.function(np.float32)
    g = grad(f)
    found = []
    for h in (1e-4, 5e-5):
        ahead, behind = (g(wide.x + s * h * wide.direction, *program.copies()) for s in (1, -1))
        found.append((ahead - behind) / (2 * h))
    largest = max(1.0, float(np.max(np.abs(found[1]))))
    doubt = 20 * np.max(np.abs(found[0] - found[1])) + 1e-6 * largest
    if not doubt < 1e-2 * largest:
        return []
    ours = hvp(lambda x: f(x, *program.copies()))(program.x.copy("K"), wide.direction)
    if not np.max(np.abs(ours - found[1])) > doubt:  # NaN says that there is none
        return []
    return [f"recorded: the Hessian times a direction is {ours}, by differences {found[1]}"]


def _short(error: Exception) -> str:
    return re.sub(r".*?(?= (?:was|were|changes|has|can't|is|runs|depends) )", "", str(error).split("\n")[0])[
        :60
    ]


def _compiled(program: Program, engine: str, told: Counter[str], narrow: bool) -> list[str]:
    """Return where compiled ones differ: the step from the recorder, the forward pass from NumPy."""
    step = value_and_grad(program.function(np.float32))
    forward = replace(program, begins="1.0 * x", ending="[{0}]").function(np.float32)
    wrong = _calls(program, engine, told, narrow, step, ENGINES[engine](program))
    return wrong or _calls(program, engine, told, narrow, forward, compiled(forward, engine=engine))


def _calls(
    program: Program, engine: str, told: Counter[str], narrow: bool, of: Any, compiled_one: Any
) -> list[str]:
    """Return where two calls at two points differ, the first one's results looked at again in the end."""
    x, calls = program.x, []
    for k, at in enumerate((x, (0.8 * x[::-1] + 0.1).astype(x.dtype))):
        given, known = program.copies(), program.copies()
        if k:
            for a, b in zip(given[:2], known[:2], strict=True):
                a[...] = b[...] = b[::-1]
        try:
            right = _numbers(of(at.copy("K"), *known))
        except Exception:  # noqa: BLE001  (a program's shapes may depend on the values of x)
            return []
        try:
            found = _numbers(compiled_one(at.copy("K"), *given))
        except CannotCompile as error:
            told[f"{engine} refused: {_short(error)}"] += 1
            return []
        except Exception:  # noqa: BLE001
            return [f"{engine} raised {traceback.format_exc(limit=-4)}"]
        told[f"{engine} ran"] += 1
        kinds, theirs = ([(np.shape(a), getattr(a, "dtype", None)) for a in nest] for nest in (found, right))
        if kinds != theirs:
            return [f"{engine}: call {k} gives {kinds}, without it {theirs}"]
        if any(not np.array_equal(a, b) for a, b in zip(given, known, strict=True)):
            return [f"{engine}: the constants are {given} afterwards, without it {known}"]
        calls.append((found, [np.copy(a) for a in right]))
    for k, (found, right) in [*enumerate(calls), ("0, after the next,", calls[0])]:
        finite = [np.max(np.abs(a), initial=1.0, where=np.isfinite(a)) for a in right]
        close = (1e-3 if narrow else 1e-9) * max(finite)
        pairs = zip(found, right, strict=True)
        if not all(np.allclose(a, b, rtol=0, atol=close, equal_nan=True) for a, b in pairs):
            return [f"{engine}: call {k} gives {found}, without it {right}"]
    return []


def _numbers(nest: Any) -> list[Any]:
    """Return the arrays and numbers in what a function returned."""
    return [leaf for _, leaf in leaves(nest) if leaf is not None]


def shrunk(program: Program, wrong: Callable[[Program], list[str]]) -> Program:
    """Return the program without the lines that its fault does not need."""
    kind = [w[:16] for w in wrong(program)]
    for k in reversed(range(len(program.lines))):
        shorter = replace(program, lines=program.lines[:k] + program.lines[k + 1 :])
        with suppress(Exception):  # it may be a program no more
            if [w[:16] for w in wrong(shorter)] == kind:
                program = shorter
    return program


BLOCK = 30


@pytest.mark.sampled(3)
@pytest.mark.parametrize("block", range(10))
def test_programs(block, monkeypatch):
    monkeypatch.setattr(jit, "compile_source", interpreted)
    with np.errstate(all="ignore"):
        for seed in range(BLOCK * block, BLOCK * block + BLOCK):
            program = draw(seed)
            wrong = check(
                program,
                second=seed % 5 == 0,
                ways=("recorded",) + ("backward",) * (seed % 4 == 0),
                engines=("numpy",) * (seed % 10 == 0) + ("machine",) * (seed % 30 == 0),
            )
            assert not wrong, f"{program}\n" + "\n".join(wrong)


def test_the_check_notices_a_lost_gradient():
    """The programs are no proof if a wrong derivative passes: one that drops the first entry's must not."""
    right = WAYS["recorded"]

    def forgetful(program: Program) -> Any:
        def run(*args: Any) -> tuple[Any, Any]:
            J, g = right(program)(*args)
            g = g.copy()
            g.flat[0] = 0.0
            return J, g

        return run

    WAYS["recorded"] = forgetful
    try:
        with np.errstate(all="ignore"):
            assert sum(bool(check(draw(seed), second=False, ways=("recorded",))) for seed in range(20)) >= 10
    finally:
        WAYS["recorded"] = right


def main() -> None:
    """Run many programs and print those that differ."""
    parser = argparse.ArgumentParser(description="Run random programs and print those that differ.")
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--compiled", type=int, default=5, help="compile each such program; 0: none")
    parser.add_argument("--machine", type=int, default=0, help="and by the machine-code engine, as Python")
    parser.add_argument("--backward", type=int, default=5, help="each such one by J.backward() too")
    parser.add_argument("--second", type=int, default=3, help="second derivatives of each such program")
    parser.add_argument("--locked", action="store_true", help="lock every constant, copy none")
    parser.add_argument(
        "--filled", action="store_true", help="write to each array in place, copy what is read"
    )
    options = parser.parse_args()
    if options.filled:
        partial_writes.WHOLE = partial_writes.PART = 0
    if options.locked:
        saved_arrays.SMALL = saved_arrays.COPIED = 0  # type: ignore[misc]
        REFUSED["locked"] = "read-only"
    jit.compile_source = interpreted  # type: ignore[assignment]
    began, bad, told = time.process_time(), 0, Counter[str]()

    def each(n: int, seed: int) -> bool:
        return n > 0 and seed % n == 0

    with np.errstate(all="ignore"):
        for seed in range(options.seed, options.seed + options.count):
            program = draw(seed)
            how = partial(
                check,
                second=each(options.second, seed),
                ways=("recorded",) + ("backward",) * each(options.backward, seed),
                engines=("numpy",) * each(options.compiled, seed)
                + ("machine",) * each(options.machine, seed),
            )
            wrong = how(program, told=told)
            if wrong:
                bad += 1
                program = shrunk(program, how)
                wrong = how(program)
                print(f"{program}\n" + "\n".join(wrong) + "\n", flush=True)
            if (seed + 1) % 1000 == 0:
                print(f"{seed + 1 - options.seed} programs, {bad} differ", file=sys.stderr, flush=True)
    took = time.process_time() - began
    print(f"{options.count} programs from seed {options.seed}: {bad} differ; {took:.0f} s")
    for what, count in told.most_common():
        print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
