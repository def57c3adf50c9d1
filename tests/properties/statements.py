"""Random programs as people write them: assignments, views, aliases, in-place operators, loops, helpers.

A program is the text of a function of x and some constants, made of the templates below: {0} and {1} are
variables, {c} a constant of x's shape, {i} an array of indices, {m} a mask, {f4} the narrow dtype, for which
the wide program has double precision. Whatever NumPy refuses while a program is drawn is left out of it, so
that a template need not suit every variable.
"""

from __future__ import annotations

import copy
import functools
import linecache
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np
from scipy import special

UNARY = [
    "np.sin({0})", "np.tanh({0})", "{0} ** 2", "-{0}", "np.exp(-({0} ** 2))", "1.5 * {0}", "{0} + 0.5",
    "{0}.copy()", "np.copy({0})", "copy.deepcopy({0})", "{0}.copy(order='F')", "{0}.flatten()",
    "{0}.flatten('F')", "np.sqrt(np.abs({0}) + 0.1)", "1 / (2.5 + {0} ** 2)", "np.log1p({0} ** 2)",
    "1 / (1 + np.exp(-{0}))", "special.expit({0})", "np.exp({0}) / (1 + np.exp({0}))", "2 ** {0}",
    "np.log(1 + np.exp({0}))", "{0} / np.sum(np.abs({0}) + 0.1)", "np.arctan({0})", "np.cbrt({0} + 2.2)",
    "np.sum({0}, axis=0)", "np.sum({0})", "{0}.mean(axis=-1, keepdims=True)", "np.var({0}, axis=-1)",
    "np.std({0} + np.arange({0}.shape[-1]), axis=-1)", "np.prod({0}, axis=0)", "np.max({0}, axis=-1)",
    "{0}.min()", "np.median({0}, axis=0)", "np.ptp({0})", "np.sum({0}, axis=-1, where={0} > 0)",
    "np.max({0}, initial=0.2)", "np.percentile({0}, 30, axis=0)", "np.linalg.norm({0})", "np.average({0})",
    "np.sum(2 * {0}, initial=0.5)", "np.sort({0}, axis=-1)", "np.cumsum({0}, axis=0)", "np.cumprod({0})",
    "np.diff({0}, axis=0)", "np.gradient({0}, axis=-1)", "np.partition({0}, 1, axis=-1)",
    "sorted_rows({0})", "np.stack([{0}, 2 * {0}])", "np.concatenate([{0}, {0}])", "np.hstack(({0}, {0}))",
    "np.tile({0}, 2)", "np.repeat({0}, 2, axis=0)", "np.roll({0}, 1)", "np.pad({0}, 1)",
    "np.pad({0}, 1, mode='edge')", "{0}[{i}]", "np.take({0}, {i}, axis=0)", "{0}[{i}, ...]",
    "{0}[..., {i}]", "np.take({0}, [0, -1], axis=0)", "{0}[{0} > 0]", "{0}[{m}]",
    "np.take_along_axis({0}, np.argsort({0}, axis=-1), -1)", "{0}[np.argmax(np.sum({0}, axis=-1))]",
    "np.compress([True, False, True], {0}, axis=0)", "np.triu({0})", "np.diag({0})", "np.trace({0})",
    "np.delete({0}, 0, axis=0)", "np.append({0}, 0.5)", "np.insert({0}, 1, 0.25, axis=0)",
    "np.meshgrid({0}, {0})[1]", "np.nan_to_num({0})", "np.abs({0})",
    "np.linalg.inv({0} @ {0}.T + 2 * np.eye(len({0})))", "np.linalg.det({0} @ {0}.T + np.eye(len({0})))",
    "np.einsum('ij,ij->i', {0}, {0})", "np.einsum('i...->...', {0})", "np.trapezoid({0}, axis=0)",
    "np.convolve({0}, [0.5, 1.0, -0.25])", "np.interp({0}, [-1.5, 0.1, 1.5], [0.0, 1.0, 0.5])",
    "scaled({0})", "normalised({0})", "first_and_rest({0})[1]", "repeated({0}, 3)", "last_of({0})",
    "np.stack([np.sum(row ** 2) for row in {0}])", "np.array([0.5, 2.0])[:, None] * {0}.ravel()",
    "sum({0})", "min({0}[0] * 2, 3.0 + {0}[0] * 2, key=np.sum)", "np.apply_along_axis(np.cumsum, 0, {0})",
]  # fmt: skip

CHOICES = [
    "np.maximum({0}, 0.1)", "np.maximum(0, {0})", "np.fmin({0}, 0.3)", "np.clip({0}, -0.5, 0.8)",
    "np.where({0} > 0, {0}, 0.2 * {0})", "np.where({0} > 0, np.sqrt({0}), {0} ** 2)",
    "np.where({0} > 0, np.log({0}), 0.0)", "np.where({0} == 0, 1.0, np.sin({0}) / {0})",
    "np.where({m}, {0}, 1 / ({0} - {0}))", "np.where({0} < 100, {0}, np.exp(np.exp({0} * 100)))",
    "np.select([{0} > 1, {0} > 0], [{0}, 2 * {0}], 0.0)", "np.select([{0} > 0.1], [np.log({0})], {0})",
    "np.piecewise({0}, [{0} < 0, {0} >= 0], [lambda t: t ** 2, lambda t: np.sqrt(t + 0.01)])",
    "np.piecewise({0}, [{0} < 0.2], [np.sin, 0.7])", "np.choose({i}, [{0}[0], 2 * {0}[0], {0}[-1]])",
    "np.copysign({0}, -1.0)", "np.floor({0})", "np.sign({0})", "({0} > 0.2) * {0}",
    "{0} if np.sum({0}) > 0.3 else 2 * {0}", "np.heaviside({0}, 0.5)",
]  # fmt: skip

BINARY = [
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} @ {1}", "np.dot({0}, {1})", "{0} / (2.5 + {1} ** 2)",
    "np.maximum({0}, {1})", "np.minimum({0}, {1} + 0.1)", "np.hypot({0}, {1} + 2)", "np.outer({0}, {1})",
    "np.arctan2({0}, {1} + 2.5)", "np.logaddexp({0}, {1})", "np.where({0} > {1}, {0}, {1})",
    "np.concatenate([{0}, {1}])", "np.stack([{0}, {1}], axis=-1)", "np.tensordot({0}, {1}, axes=0)",
    "np.einsum('i...,i...->...', {0}, {1})", "np.inner({0}, {1})", "np.kron({0}, {1})", "np.vdot({0}, {1})",
    "np.linalg.solve({0} @ {0}.T + 2 * np.eye(len({0})), {1})", "np.matmul({0}.T, {1})",
    "np.append({0}, {1})", "(2.2 + np.tanh({0})) ** {1}", "np.block([[{0}, {1}]])", "np.vstack(({0}, {1}))",
    "np.convolve({0}, {1})", "dict(a={0}, b={1})['b']", "({0}, {1})[0]", "np.power(np.abs({0}) + 0.2, {1})",
    "np.where({m}, {0}, {1})", "np.searchsorted(np.sort({0}), 0.1) * {1}", "np.multiply.outer({0}, {1})",
]  # fmt: skip

WITH_CONSTANTS = [
    "{0} * {c}", "{c} * {0}", "{c} - {0}", "{0} / {c}", "{0} @ {c}.T", "{c}.T @ {0}", "np.dot({c}, {0})",
    "np.where({c} > 1, {0}, {c})", "{c} ** {0}", "np.concatenate([{0}, {c}])", "{0} * {c}[0]",
    "np.maximum({0}, {c} - 0.7)", "np.einsum('...,...->...', {c}, {0})", "np.sum({0} * {c}, axis=0)",
    "{0} * {c}.tolist()", "np.stack([{0}, {c}])", "np.linalg.solve({c} @ {c}.T + np.eye(len({c})), {0})",
    "{0} + {i}[0]", "{0} * np.asarray({c}, order='F')", "np.average({0}, weights={c})", "{0} - {c}.T",
    "np.broadcast_arrays({0}, {c})[0]", "np.interp({0}, [-2.0, 0.0, 2.0], {c}[:3])",
    "np.multiply({0}, {c})",
]  # fmt: skip

VIEWS = [
    "{0}[0]", "{0}[-1]", "{0}[1:]", "{0}[::-1]", "{0}[::2]", "{0}[..., 0]", "{0}[..., :1]", "{0}[None]",
    "{0}[...]", "{0}[()]", "{0}.T", "{0}.ravel()", "{0}.ravel('F')", "np.ravel({0}, order='F')", "{0}.real",
    "{0}.reshape(-1)", "{0}.reshape(1, -1)", "np.reshape({0}, (-1, 1), order='F')", "{0}.swapaxes(0, -1)",
    "np.swapaxes({0}, 0, -1)", "np.moveaxis({0}, 0, -1)", "np.expand_dims({0}, 0)", "np.squeeze({0})",
    "{0}.squeeze()", "np.flip({0})", "np.split({0}, [1])[-1]", "np.array_split({0}, 2)[0]",
    "np.diagonal({0})", "np.atleast_2d({0})", "np.broadcast_to({0}, (2, *{0}.shape))", "np.real({0})",
    "np.rot90({0})", "np.einsum('ii->i', {0})", "np.einsum('ij->ji', {0})", "np.fliplr({0})",
    "{0}[1:][::-1]", "np.lib.stride_tricks.sliding_window_view({0}, 2, axis=0)", "{0}.T[0]",
    "np.transpose({0})", "view_of({0})", "list({0})[-1]", "next(iter({0}))",
]  # fmt: skip

COMPLEX = [
    "1j * {0}", "(1 + 2j) * {0}", "{0} + 1j * np.sin({0})", "np.exp(1j * {0})", "np.abs({0})",
    "np.real({0})", "np.imag({0})", "np.conj({0})", "np.angle({0} + 2)", "{0}.real", "{0}.imag",
    "np.abs({0} * (2 - 1j)) ** 2", "np.fft.fft({0})", "np.fft.ifft({0})", "np.fft.fft({0}, axis=0)",
    "np.fft.rfft(np.real({0}))", "np.fft.irfft({0}, n=4)", "np.fft.fft2({0})",
    "np.fft.fft({0}, norm='ortho')", "np.fft.hfft({0}, n=3)", "np.fft.fftshift({0})", "np.sqrt({0} + 1.5j)",
    "{0} * np.conj({0})", "np.log({0} + 3 + 1j)", "np.where(np.real({0}) > 0, {0}, 1j * {0})",
    "{0} @ np.conj({0}).T", "np.sum({0} * 1j, axis=0)",
    "np.linalg.inv({0} @ np.conj({0}).T + 2j * np.eye(len({0})))", "np.conjugate({0})", "np.real({0} ** 2)",
    "np.array([1.0, 1j])[:, None] * {0}.ravel()", "np.prod({0} + 1j, axis=0)", "np.linalg.norm({0} + 1j)",
]  # fmt: skip

NARROW = ["{0}.astype({f4})", "{0} * {f4}(1.5)", "np.sum({0}, axis=0, dtype={f4})", "{0}.astype(float)"]

INDICES = [
    "0", "-1", "...", ":", "1:", "::2", "..., 0", "::-1", "[0, -1]", "np.array([0, 0])", "{i}", "{m}",
    "({i}, ...)", "{0} > 0", "None", "1:2, ...", "..., ::-1", "np.ix_([0], [0])",
]  # fmt: skip

CHANGES = [
    "for row in {0}: row /= 1.5 + np.sum(row * row)",
    "for k, row in enumerate({0}): row[...] = np.sin(row) * (k + 1)",
    "for k in range(1, len({0})): {0}[k] = np.tanh({0}[k] + 0.5 * {0}[k - 1])",
    "for a, b in zip({0}, {0}[::-1]): a += 0.5 * b", "k = 0\nwhile k < len({0}): {0}[k] *= 0.5 + k; k += 1",
    "{0}[[0, -1]] = {0}[[-1, 0]]", "{0}[0], {0}[-1] = {0}[-1], {0}[0]",
    "{0}[0], {0}[-1] = {0}[-1].copy(), {0}[0].copy()", "a, b = {0}[0], {0}[-1]; a += b; b *= 2",
    "changed({0})", "{0}.fill(0.3)", "{0}.sort()", "{0}.flat[::2] = 0.25", "{0}[{0} > 0.5] = 0.5",
    "{0}[{0} < 0] *= 0.01", "{0}[{0} > 0] += 1", "np.fill_diagonal({0}, 0.7)", "np.sin({0}, out={0})",
    "np.clip({0}, -0.5, 0.8, out={0})", "np.negative({0}, out={0}, where={0} > 0)",
    "np.put({0}, [0, -1], [0.1, 0.2])", "np.putmask({0}, {0} > 0, [0.1, 0.2, 0.3])",
    "np.place({0}, {0} < 0, [0.4])", "np.add.at({0}, [0, 0, -1], 0.5)", "np.add.at({0}, {i}, {0}[0])",
    "np.multiply.at({0}, [0, 0, -1], 1.5)", "{0}[1:] = {0}[:-1]", "{0}[:-1] += {0}[1:]", "{0} += {0}.T",
    "{0}[...] = {0}[::-1]", "{0}.T[0] = 0.5", "{0}.reshape(-1)[0] = 0.75", "{0}[0] = np.sum({0})",
    "{0} *= {0}[0]", "{0} += np.sum({0})", "{0}.real[...] = 0.5",
    "{0}.imag[0] = 0.5", "{0}.real *= 1.5", "np.cumsum({0}, axis=0, out={0})",
    "h = [{0}]; h[0] *= 2", "h = {'a': {0}}; h['a'][0] = 0.5", "h = {0}; h -= 0.25", "{0}[{i}] += 1",
    "np.take({0}, [0], axis=0)[0] = 7.0", "{0}[{i}][0] = 7.0", "{0}.flatten()[0] = 7.0", "{0}.partition(0)",
    "{0}.put([0], 0.3)", "np.minimum.at({0}, {i}, 0.1)",
]  # fmt: skip

PAIRS = [
    "np.copyto({0}, {1})", "np.copyto({0}, {1}, where={0} > 0)", "np.add({0}, {1}, out={0})",
    "np.multiply({1}, 2, out={0})", "np.put_along_axis({0}, np.argsort({0}, -1), {1}, -1)",
    "np.subtract.at({0}, 0, {1}[0])", "np.place({0}, {0} > 0, {1}.copy())", "{0}[{m}] = {1}[{m}]",
    "np.fill_diagonal({0}, {1}.ravel())", "np.matmul({1}, {1}.T, out={0})", "{0}[{0} > {1}] = 0.5",
    "for a, b in zip({0}, {1}): a[...] = b * 0.5", "{0}[...], {1}[...] = {1} * 1.0, {0} * 1.0",
    "np.sum({1}, axis=0, out={0})", "np.maximum({0}, {1}, out={0})", "{0}[{i}] = {1}[{i}]",
]  # fmt: skip

ON_CONSTANTS = [
    "{c}[...] = {c} * 0.5 + 1.0", "{c} *= 0.75", "{c}[0] = 0.6", "{c}.T[0] += 0.25", "{i}[...] = 0",
    "{i}[0] = -1", "{m}[...] = ~{m}", "{c}.sort()", "{c} = {c} * 2 - 0.5", "{c}.ravel()[0] = 0.9",
    "{m}[0] = True",
]  # fmt: skip


# ------------------------------------------------------------------ what the programs call


def total(*variables: Any) -> Any:
    """A cost in which every entry of every variable has another weight."""
    J = 0.0
    for k, v in enumerate(variables):
        w = np.cos(0.3 + np.arange(np.size(v)) + k).reshape(np.shape(v))
        if np.iscomplexobj(v):
            v = np.real(v) + np.imag(v) * np.sin(w)
        J = J + np.sum(v * w)
    return J


def scaled(h: Any) -> Any:
    h = h * 0.5
    h[0] = h[-1] * 2
    return h


def normalised(h: Any) -> Any:
    mean = np.mean(h, axis=-1, keepdims=True)
    return (h - mean) / np.sqrt(np.var(h, axis=-1, keepdims=True) + 0.1)


def changed(h: Any) -> None:
    def inner(k: Any) -> None:
        k *= 0.1
        k[0] = k[-1] * 2

    inner(h)


def first_and_rest(h: Any) -> Any:
    return h[0], h[1:]


def repeated(h: Any, times: int) -> Any:
    return h if not times else repeated(np.sin(h) + 0.1 * h, times - 1)


def last_of(h: Any) -> Any:
    rows = []
    a = h[0]
    for row in h:
        a = np.tanh(a + row)
        rows.append(a)
    return np.stack(rows)


def sorted_rows(h: Any) -> Any:
    return h[np.argsort(h[..., 0], axis=0)]


def view_of(h: Any) -> Any:
    return h[::-1].T


NAMES: dict[str, Any] = {
    f.__name__: f
    for f in (total, scaled, normalised, changed, first_and_rest, repeated, last_of, sorted_rows, view_of)
}
NAMES |= {"np": np, "copy": copy, "special": special}

# ------------------------------------------------------------------ drawing one

SHAPES = [(3,), (2, 3), (3, 3), (4, 1), (2, 2, 3), (1,), (4, 4)]
KINDS = {
    "unary": 3, "choice": 1, "binary": 2, "constant": 2, "view": 3, "alias": 1, "in place": 2, "item": 3,
    "item of item": 1, "change": 2, "pair": 1, "constant changed": 1,
}  # fmt: skip


@functools.lru_cache(maxsize=1)
def _code(text: str, file: str) -> CodeType:
    return compile(text, file, "exec")


@dataclass
class Program:
    """The text of a function of x and the constants, and what it is called with."""

    x: Any
    constants: dict[str, Any]
    seed: int
    lines: list[str] = field(default_factory=list)
    variables: int = 1
    begins: str = "x"  #: what its first variable is
    ending: str = "total({0})"  #: what it returns of all its variables

    @property
    def text(self) -> str:
        """The function."""
        lines = [f"v0 = {self.begins}", *"\n".join(self.lines).split("\n")]
        names = dict.fromkeys(re.findall(r"^(v\d+) = ", "\n".join(lines), re.MULTILINE))
        lines.append("return " + self.ending.format(", ".join(names)))
        return f"def program(x, {', '.join(self.constants)}):\n" + "".join(f"    {line}\n" for line in lines)

    def function(self, narrow: Any) -> Callable[..., Any]:
        """Return the function, with `narrow` for its narrow dtype."""
        file = f"<program {self.seed}>"
        text = self.text
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        space = {**NAMES, "f4": narrow}
        exec(_code(text, file), space)  # noqa: S102  (made of the templates of this file)
        return space["program"]  # type: ignore[no-any-return]

    def copies(self) -> list[Any]:
        """Return the constants anew, for a call that may write to them."""
        return [c.copy("K") for c in self.constants.values()]

    def __str__(self) -> str:
        given = [
            f"{name}: {a.shape} {a.dtype} {'C' if a.flags.c_contiguous else 'F'}"
            for name, a in {"x": self.x, **self.constants}.items()
        ]
        return f"# seed {self.seed}; " + ", ".join(given) + "\n" + self.text


def _statement(rng: np.random.Generator, kinds: list[str], count: int, styles: dict[str, bool]) -> str:
    """Return a line, or lines."""

    def one(of: list[str]) -> str:
        return str(of[int(rng.integers(len(of)))])

    # the latest variables are the likeliest, so that programs are deep
    a, b = (f"v{max(int(k), 0)}" for k in count - 1 - rng.geometric(0.4, size=2) + 1)
    c = one(["c0", "c0", "c1"])
    kind = one(kinds)
    sources = {
        "unary": UNARY + COMPLEX * styles["complex"] + NARROW * 3 * styles["narrow"], "choice": CHOICES,
        "binary": BINARY, "constant": WITH_CONSTANTS, "view": VIEWS, "alias": ["{0}"],
    }  # fmt: skip
    if kind in sources:
        line = f"v{count} = {one(sources[kind])}"
    elif kind == "in place":
        operator = one(["+=", "-=", "*=", "/=", "**=", "//=", "@=", "+=", "*="])
        other = {"/=": "2.5 + {1} ** 2", "**=": "2", "//=": "0.75", "@=": "{1} @ {1}.T"}.get(operator, "{1}")
        line = "{0} " + operator + " " + (other if rng.random() < 0.7 or operator == "**=" else "{c}")
    elif kind in ("item", "item of item"):
        target = "{0}[" + one(INDICES) + "]" + ("[" + one(INDICES) + "]" if kind == "item of item" else "")
        value = one(["0.75", "0.5 * {1}", "2 * {1}", "{1}", "{1}[0]", "{c}", "np.sum({1})", "{c} * {1}"])
        line = f"{target} {one(['=', '=', '+=', '*='])} {value}"
    else:
        line = one({"change": CHANGES, "pair": PAIRS, "constant changed": ON_CONSTANTS}[kind])
    return filled(line, a, b, c)


def filled(template: str, a: str, b: str, c: str) -> str:
    """Return a template with names in it."""
    for mark, name in {"{0}": a, "{1}": b, "{c}": c, "{i}": "index", "{m}": "mask", "{f4}": "f4"}.items():
        template = template.replace(mark, name)
    return template


def draw(seed: int) -> Program:
    """Return a program that NumPy runs, with a finite result."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    styles = {"complex": rng.random() < 0.35, "narrow": rng.random() < 0.25}
    dtype = np.float32 if styles["narrow"] and rng.random() < 0.6 else np.float64

    def laid(a: Any) -> Any:
        return np.asfortranarray(a) if rng.random() < 0.3 else a

    n = shape[0]
    constants = {
        "c0": laid(rng.uniform(0.5, 1.5, shape)),
        "c1": rng.uniform(0.5, 1.5, shape[-1:]).astype(np.float32 if styles["narrow"] else float),
        "index": np.sort(rng.integers(-n, n, size=n)),
        "mask": rng.random(n) < 0.6,
    }
    if rng.random() < 0.15:
        constants["c1"] = rng.integers(1, 4, shape[-1:])
    program = Program(laid(rng.uniform(-1.2, 1.2, shape).astype(dtype)), constants, seed)
    kinds = [kind for kind, often in KINDS.items() for _ in range(often)]
    wanted = int(rng.integers(3, 11))

    def fresh() -> dict[str, Any]:
        space = {**NAMES, "f4": np.float32, **dict(zip(constants, program.copies(), strict=True))}
        space["v0"] = space["x"] = program.x.copy("K")
        exec("\n".join(program.lines), space)  # noqa: S102
        return space

    space = fresh()
    for _ in range(60):
        if len(program.lines) >= wanted:
            break
        count = program.variables
        line = _statement(rng, kinds, count, styles)
        try:
            exec(line, space)  # noqa: S102
            found = [space[f"v{k}"] for k in range(count + (f"v{count}" in space))]
            fine = all(map(_moderate, found))
        except (
            *(ValueError, IndexError, TypeError, AttributeError, StopIteration),
            *(ZeroDivisionError, np.linalg.LinAlgError),
        ):
            fine = False
        if fine:
            program.lines.append(line)
            program.variables = len(found)
        else:
            space = fresh()
    return program


def _moderate(a: Any) -> bool:
    return (
        isinstance(a, (np.ndarray, np.generic)) and a.dtype.kind in "fciub" and a.size <= 48
        and bool(np.all(np.abs(a) < 1e3))
    )  # fmt: skip
