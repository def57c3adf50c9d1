"""Random programs as people write them: assignments, views, aliases, in-place operators, loops, helpers.

A program is a list of statements over variables, run by a small interpreter on whatever it is given: on
arrays it is the NumPy program, on Tensors it is recorded. The value must be NumPy's, the gradient that of
differences of the NumPy program.

By hand: ``python tests/properties/test_programs.py 10000 [first seed]`` runs so many and prints what differs.
"""

from __future__ import annotations

import operator as op_of
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tinygrad_course import grad, hvp, value_and_grad

Variables = list[Any]


@dataclass
class Statement:
    """One line: its text, and what it does to the variables and the constants."""

    text: str
    run: Callable[[Variables, list[Any]], Any]


@dataclass
class Program:
    """Statements on x, which is variable 0; constants are made anew for each run."""

    x: Any
    constants: list[Any]
    statements: list[Statement] = field(default_factory=list)

    def __call__(self, x: Any) -> Any:
        v: Variables = [x]
        c = [a.copy("K") for a in self.constants]
        for statement in self.statements:
            statement.run(v, c)
        total = 0.0
        for i, a in enumerate(v):
            total = total + np.sum(a * np.cos(0.3 + np.arange(a.size) + i).reshape(a.shape))
        return total

    def __str__(self) -> str:
        layout = "F" if self.x.flags.f_contiguous and not self.x.flags.c_contiguous else "C"
        lines = [f"x = v[0]: {self.x.shape} {self.x.dtype} {layout}"]
        return "\n    ".join(lines + [s.text for s in self.statements])


# ------------------------------------------------------------------ the statements


def _put(v: Variables, value: Any) -> None:
    v.append(value)


UNARY: dict[str, Callable[[Any], Any]] = {
    "np.sin({})": np.sin,
    "np.tanh({})": np.tanh,
    "{} ** 2": lambda a: a**2,
    "-{}": lambda a: -a,
    "np.exp(-({} ** 2))": lambda a: np.exp(-(a**2)),
    "1.5 * {}": lambda a: 1.5 * a,
    "{}.copy()": lambda a: a.copy(),
    "np.copy({})": np.copy,
    "{} + 0.5": lambda a: a + 0.5,
    "np.maximum({}, 0.1)": lambda a: np.maximum(a, 0.1),
    "np.where({0} > 0, {0}, 0.2 * {0})": lambda a: np.where(a > 0, a, 0.2 * a),
    "np.select([{0} > 1, {0} > 0], [{0}, 2 * {0}], 0.0)": lambda a: np.select(
        [a > 1, a > 0], [a, 2 * a], 0.0
    ),
    "{}.flatten()": lambda a: a.flatten(),
    "np.sum({}, axis=0)": lambda a: np.sum(a, axis=0),
    "{}.mean(axis=-1, keepdims=True)": lambda a: a.mean(axis=-1, keepdims=True),
    "np.sort({}, axis=-1)": lambda a: np.sort(a, axis=-1),
    "np.cumsum({}, axis=0)": lambda a: np.cumsum(a, axis=0),
    "np.stack([{0}, 2 * {0}])": lambda a: np.stack([a, 2 * a]),
    "np.concatenate([{0}, {0}])": lambda a: np.concatenate([a, a]),
    "{}[np.array([0, 0])]": lambda a: a[np.array([0, 0])],
    "np.take({}, [0, -1], axis=0)": lambda a: np.take(a, [0, -1], axis=0),
}

VIEWS: dict[str, Callable[[Any], Any]] = {
    "{}[0]": lambda a: a[0],
    "{}[-1]": lambda a: a[-1],
    "{}[1:]": lambda a: a[1:],
    "{}[::-1]": lambda a: a[::-1],
    "{}[::2]": lambda a: a[::2],
    "{}[..., 0]": lambda a: a[..., 0],
    "{}[..., :1]": lambda a: a[..., :1],
    "{}[None]": lambda a: a[None],
    "{}[...]": lambda a: a[...],
    "{}.T": lambda a: a.T,
    "{}.ravel()": lambda a: a.ravel(),
    "np.ravel({}, order='F')": lambda a: np.ravel(a, order="F"),
    "{}.reshape(-1)": lambda a: a.reshape(-1),
    "{}.reshape(1, -1)": lambda a: a.reshape(1, -1),
    "np.reshape({}, (-1, 1), order='F')": lambda a: np.reshape(a, (-1, 1), order="F"),
    "np.swapaxes({}, 0, -1)": lambda a: np.swapaxes(a, 0, -1),
    "np.moveaxis({}, 0, -1)": lambda a: np.moveaxis(a, 0, -1),
    "np.expand_dims({}, 0)": lambda a: np.expand_dims(a, 0),
    "np.squeeze({})": np.squeeze,
    "np.flip({})": np.flip,
    "np.split({}, [1])[-1]": lambda a: np.split(a, [1])[-1],
    "np.array_split({}, 2)[0]": lambda a: np.array_split(a, 2)[0],
    "np.diagonal({})": np.diagonal,
    "np.atleast_2d({})": np.atleast_2d,
    "np.broadcast_to({0}, (2, *{0}.shape))": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "np.real({})": np.real,
    "np.rot90({})": np.rot90,
    "np.einsum('ii->i', {})": lambda a: np.einsum("ii->i", a),
    "np.lib.stride_tricks.sliding_window_view({}, 2, axis=0)": lambda a: (
        np.lib.stride_tricks.sliding_window_view(a, 2, axis=0)
    ),
}

INDICES: dict[str, Any] = {
    "0": 0,
    "-1": -1,
    "...": ...,
    ":": slice(None),
    "1:": slice(1, None),
    "::2": slice(None, None, 2),
    "..., 0": (..., 0),
    "::-1": slice(None, None, -1),
    "[0, -1]": [0, -1],
    "np.array([0, 0])": np.array([0, 0]),
}

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda a, b: _in_place(a, b, "+"),
    "-=": lambda a, b: _in_place(a, b, "-"),
    "*=": lambda a, b: _in_place(a, b, "*"),
    "/=": lambda a, b: _in_place(a, 2.5 + b * b, "/"),
    "**=": lambda a, b: _in_place(a, 2, "**"),
    "//=": lambda a, b: _in_place(a, 0.75, "//"),
}


def _in_place(a: Any, b: Any, operator: str) -> Any:
    match operator:
        case "+":
            a += b
        case "-":
            a -= b
        case "*":
            a *= b
        case "/":
            a /= b
        case "**":
            a **= b
        case "//":
            a //= b
    return a


def _rows_scaled(a: Any) -> None:
    for row in a:
        row /= 1.5 + np.sum(row * row)


def _rows_written(a: Any) -> None:
    for k, row in enumerate(a):
        row[...] = np.sin(row) * (k + 1)


def _running(a: Any) -> None:
    for k in range(1, len(a)):
        a[k] = np.tanh(a[k] + 0.5 * a[k - 1])


def _swapped(a: Any) -> None:
    a[[0, -1]] = a[[-1, 0]]


def _helper(a: Any) -> None:
    def scaled(h: Any) -> None:
        h *= 0.1
        h[0] = h[-1] * 2

    scaled(a)


def _to_flat(a: Any) -> None:
    a.flat[::2] = 0.25


def _masked(a: Any) -> None:
    a[a > 0.5] = 0.5


def _masked_augmented(a: Any) -> None:
    a[a < 0] *= 0.01


CHANGES: dict[str, Callable[[Any], Any]] = {
    "for row in {0}: row /= 1.5 + np.sum(row * row)": _rows_scaled,
    "for k, row in enumerate({0}): row[...] = np.sin(row) * (k + 1)": _rows_written,
    "for k in range(1, len({0})): {0}[k] = np.tanh({0}[k] + 0.5 * {0}[k - 1])": _running,
    "{0}[[0, -1]] = {0}[[-1, 0]]": _swapped,
    "helper({0})": _helper,
    "{0}.fill(0.3)": lambda a: a.fill(0.3),
    "{0}.sort()": lambda a: a.sort(),
    "{0}.flat[::2] = 0.25": _to_flat,
    "{0}[{0} > 0.5] = 0.5": _masked,
    "{0}[{0} < 0] *= 0.01": _masked_augmented,
    "np.fill_diagonal({0}, 0.7)": lambda a: np.fill_diagonal(a, 0.7),
    "np.sin({0}, out={0})": lambda a: np.sin(a, out=a),
    "np.clip({0}, -0.5, 0.8, out={0})": lambda a: np.clip(a, -0.5, 0.8, out=a),
    "np.negative({0}, out={0}, where={0} > 0)": lambda a: np.negative(a, out=a, where=np.asarray(a > 0)),
    "np.put({0}, [0, -1], [0.1, 0.2])": lambda a: np.put(a, [0, -1], [0.1, 0.2]),
    "np.putmask({0}, {0} > 0, [0.1, 0.2, 0.3])": lambda a: np.putmask(a, a > 0, [0.1, 0.2, 0.3]),
    "np.place({0}, {0} < 0, [0.4])": lambda a: np.place(a, a < 0, [0.4]),
    "np.add.at({0}, [0, 0, -1], 0.5)": lambda a: np.add.at(a, [0, 0, -1], 0.5),
    "np.multiply.at({0}, [0, 0, -1], 1.5)": lambda a: np.multiply.at(a, [0, 0, -1], 1.5),
}

PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "np.copyto({0}, {1})": np.copyto,
    "np.copyto({0}, {1}, where={0} > 0)": lambda a, b: np.copyto(a, b, where=a > 0),
    "np.add({0}, {1}, out={0})": lambda a, b: np.add(a, b, out=a),
    "np.multiply({1}, 2, out={0})": lambda a, b: np.multiply(b, 2, out=a),
    "np.put_along_axis({0}, argsort, {1}, -1)": lambda a, b: np.put_along_axis(a, np.argsort(a, -1), b, -1),
    "np.subtract.at({0}, 0, {1}[0])": lambda a, b: np.subtract.at(a, 0, b[0]),
    "np.place({0}, {0} > 0, {1}.copy())": lambda a, b: np.place(a, a > 0, b.copy()),
    "np.fill_diagonal({0}, {1}.ravel())": lambda a, b: np.fill_diagonal(a, b.ravel()),
}


def _draw(  # noqa: C901  (one branch for each kind of statement)
    rng: np.random.Generator, v: Variables, c: list[Any]
) -> Statement:
    i, j = (int(k) for k in rng.integers(len(v), size=2))
    kind = rng.choice(
        ["unary", "binary", "constant", "view", "view", "alias", "in place", "in place", "item", "item",
         "augmented item", "change", "change", "pair", "constant changed", "item of item"]
    )  # fmt: skip

    def choice(of: dict[str, Any]) -> tuple[str, Any]:
        name = str(rng.choice(list(of)))
        return name, of[name]

    a, b = f"v[{i}]", f"v[{j}]"
    if kind not in ("binary", "constant", "in place", "alias", "constant changed") and not np.ndim(v[i]):
        kind = "alias"  # a number: what writes to it writes to nothing
    if kind in ("unary", "view"):
        text, f = choice(UNARY if kind == "unary" else VIEWS)
        return Statement(f"v[{len(v)}] = {text.format(a)}", lambda v, c: _put(v, f(v[i])))
    if kind == "binary":
        op = str(rng.choice(["+", "-", "*", "@"]))
        binary = {"+": op_of.add, "-": op_of.sub, "*": op_of.mul, "@": op_of.matmul}[op]
        return Statement(f"v[{len(v)}] = {a} {op} {b}", lambda v, c: _put(v, binary(v[i], v[j])))
    if kind == "constant":
        k = int(rng.integers(len(c)))
        return Statement(f"v[{len(v)}] = {a} * c[{k}]", lambda v, c: _put(v, v[i] * c[k]))
    if kind == "constant changed":
        k = int(rng.integers(len(c)))

        def changed(v: Variables, c: list[Any]) -> None:
            c[k][...] = c[k] * 0.5 + 1.0

        return Statement(f"c[{k}][...] = c[{k}] * 0.5 + 1.0", changed)
    if kind == "alias":
        return Statement(f"v[{len(v)}] = {a}", lambda v, c: _put(v, v[i]))
    if kind == "in place":
        text, operator = choice(OPERATORS)
        k = int(rng.integers(-1, len(c)))

        def augmented(v: Variables, c: list[Any]) -> None:
            v[i] = operator(v[i], v[j] if k < 0 else c[k])

        return Statement(f"{a} {text} {b if k < 0 else f'c[{k}]'}", augmented)
    if kind in ("item", "augmented item", "item of item"):
        text, index = choice(INDICES)
        second, inner = choice(INDICES)
        scale = float(rng.choice([0.0, 0.5, 2.0]))

        def assigned(v: Variables, c: list[Any]) -> None:
            value = scale * v[j] if scale else 0.75
            if kind == "item":
                v[i][index] = value
            elif kind == "augmented item":
                v[i][index] += value
            else:
                v[i][index][inner] = value

        target = f"{a}[{text}][{second}]" if kind == "item of item" else f"{a}[{text}]"
        sign = "+=" if kind == "augmented item" else "="
        return Statement(f"{target} {sign} {f'{scale} * {b}' if scale else 0.75}", assigned)
    if kind == "pair":
        text, pair = choice(PAIRS)
        return Statement(text.format(a, b), lambda v, c: pair(v[i], v[j]))
    text, change = choice(CHANGES)
    return Statement(text.format(a), lambda v, c: change(v[i]))


SHAPES = [(3,), (2, 3), (3, 3), (4, 1), (2, 2, 3), (1,)]


def draw(seed: int) -> Program:
    """Return a program that NumPy runs, with a finite result."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    x = rng.uniform(-1.2, 1.2, shape)
    if rng.random() < 0.3:
        x = np.asfortranarray(x)
    constants = [rng.uniform(0.5, 1.5, shape), rng.uniform(0.5, 1.5, shape[-1:])]
    if rng.random() < 0.3:
        constants[0] = np.asfortranarray(constants[0])
    program = Program(x, constants)
    wanted = int(rng.integers(3, 10))
    for _ in range(60):
        if len(program.statements) >= wanted:
            break
        v: Variables = [x.copy("K")]
        c = [a.copy("K") for a in constants]
        for s in program.statements:
            s.run(v, c)
        statement = _draw(rng, v, c)
        try:
            statement.run(v, c)
        except (ValueError, IndexError, TypeError, np.exceptions.AxisError):
            continue
        fine = all(isinstance(a, (np.ndarray, np.generic)) for a in v)
        if fine and all(a.size <= 40 and np.all(np.abs(a) < 1e3) for a in v):
            program.statements.append(statement)
    return program


# ------------------------------------------------------------------ the ways to run one

#: Ways to get value and gradient, by name; each takes the program and x. A compiled engine is one more.
WAYS: dict[str, Callable[[Program, Any], tuple[Any, Any]]] = {
    "recorded": lambda program, x: value_and_grad(program)(x),
}


def slope(program: Program, x: Any, direction: Any) -> tuple[float, float]:
    """Return the derivative of the NumPy program along `direction`, and how far it can be trusted."""

    def J(step: float) -> float:
        return float(program((x + step * direction).astype(x.dtype, order="K")))

    found = [(8 * (J(h) - J(-h)) - (J(2 * h) - J(-2 * h))) / (12 * h) for h in (1e-4, 5e-5)]
    right = found[-1]
    return right, 20 * abs(found[0] - found[1]) + 1e-7 * max(1.0, abs(right), abs(J(0.0)))


def check(program: Program, *, second: bool) -> list[str]:
    """Return what is wrong with a program's value and gradients: nothing, it is to be hoped."""
    x = program.x
    value = float(program(x.copy("K")))
    direction = np.empty_like(x)  # that lies as x does: so does their sum, on which views depend
    direction[...] = np.cos(1.0 + 2.0 * np.arange(x.size)).reshape(x.shape)
    right, doubt = slope(program, x, direction)
    wrong = []
    for name, way in WAYS.items():
        try:
            J, g = way(program, x.copy("K"))
        except Exception:  # noqa: BLE001  (whatever it is, it is reported)
            wrong.append(f"{name} raised {traceback.format_exc(limit=-3)}")
            continue
        if not np.isclose(float(J), value, rtol=1e-12, atol=1e-12):
            wrong.append(f"{name}: the value is {float(J)!r}, NumPy's {value!r}")
        if doubt < 1e-3 * max(1.0, abs(right)):  # else at a kink
            if not abs(np.sum(g * direction) - right) <= doubt:
                wrong.append(f"{name}: the slope is {np.sum(g * direction)!r}, by differences {right!r}")
            elif second:
                wrong += _second(program, x, direction)
    return wrong


def _second(program: Program, x: Any, direction: Any) -> list[str]:
    g = grad(program)
    found = []
    for h in (1e-4, 5e-5):
        ahead, behind = (g((x + s * h * direction).astype(x.dtype, order="K")) for s in (1, -1))
        found.append((ahead - behind) / (2 * h))
    doubt = 20 * np.max(np.abs(found[0] - found[1])) + 1e-6 * max(1.0, float(np.max(np.abs(found[1]))))
    if not doubt < 1e-2 * max(1.0, float(np.max(np.abs(found[1])))):
        return []
    ours = hvp(program)(x.copy("K"), direction)
    if np.max(np.abs(ours - found[1])) <= doubt:
        return []
    return [f"recorded: the Hessian times a direction is {ours}, by differences {found[1]}"]


@pytest.mark.parametrize("block", range(10))
def test_programs(block):
    for seed in range(30 * block, 30 * block + 30):
        program = draw(seed)
        wrong = check(program, second=seed % 3 == 0)
        assert not wrong, f"seed {seed}:\n    {program}\n" + "\n".join(wrong)


def test_the_check_notices_a_lost_gradient():
    """The programs are no proof if a wrong derivative passes: one that drops the first entry's must not."""
    right = WAYS["recorded"]

    def forgetful(program: Program, x: Any) -> tuple[Any, Any]:
        J, g = right(program, x)
        g = g.copy()
        g.flat[0] = 0.0
        return J, g

    WAYS["recorded"] = forgetful
    try:
        assert sum(bool(check(draw(seed), second=False)) for seed in range(20)) >= 10
    finally:
        WAYS["recorded"] = right


def main() -> None:
    """Run many programs and print the seeds of those that differ."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began, bad = time.process_time(), 0
    with np.errstate(all="ignore"):
        for seed in range(first, first + count):
            program = draw(seed)
            wrong = check(program, second=seed % 3 == 0)
            if wrong:
                bad += 1
                print(f"seed {seed}:\n    {program}\n" + "\n".join(wrong), flush=True)
    print(f"{count} programs from seed {first}: {bad} differ; {time.process_time() - began:.0f} s")


if __name__ == "__main__":
    main()
