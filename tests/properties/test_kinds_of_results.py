"""What a write to a result reaches: it is a number, a new array or a view, and lies in memory, as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.properties import statements
from tinygrad_course import Tensor
from tinygrad_course.engine.views import View, now

MORE = """
np.quantile({0}, 0.3); np.nanmedian({0}); np.nanpercentile({0}, [20, 30], axis=0)
np.interp(0.3, {0}, {0}); np.interp({0}.T, [0, 1], [0.0, 2]); np.choose(0, {0})
np.choose([0, 0, 0], [{0}]); np.cov({0}); np.cov({0}.T); np.choose(({0}.T > 0.7) * 1, [{0}.T, {0}.T])
np.select([{0}.T > 0.7], [{0}.T], 0.0); np.pad({0}, 0, mode="edge"); np.pad({0}.T, 1, mode="wrap")
np.diff({0}, n=0); np.linalg.matrix_power({0}, 1); np.linalg.matrix_power({0}, 3)
np.linalg.multi_dot([{0}, {0}]); {0}.conj(); np.conj({0}); {0}.T.copy(); {0}[0].copy(); {0}.T.flatten()
np.take({0}.T, [0, 0], axis=1); np.take({0}, 0); np.delete({0}.T, 0, axis=0); np.delete({0}, [], axis=0)
np.percentile({0}.T, [20, 30], axis=0); np.meshgrid({0}.T, {0}.T)[0]
np.meshgrid({0}, {0}, sparse=True)[1]; np.gradient({0})[0]; np.gradient({0}.T, axis=0); np.tile({0}, 1)
np.repeat({0}, 1, axis=0); np.roll({0}, 0); np.concatenate([{0}]); np.concatenate([{0}.T, {0}.T])
np.stack([{0}.T, {0}.T]); np.block([[{0}.T, {0}.T]]); np.hstack([{0}]); np.vstack([{0}]); np.dstack([{0}])
np.column_stack([{0}.T, {0}.T]); np.clip({0}, None, 5); np.nan_to_num({0}); np.unwrap({0})
np.trim_zeros({0}); np.atleast_1d({0}); np.atleast_3d({0}); np.rollaxis({0}, 0); np.hsplit({0}, 1)[0]
np.array_split({0}, 1)[0]; np.linalg.matrix_transpose({0}); np.linalg.diagonal({0}); np.diag({0})
np.diagflat({0}); np.extract([True] * 3, {0}); np.compress([True] * 3, {0}, axis=0)
np.average({0}[None], axis=0); np.median({0}[None], axis=0); np.apply_along_axis(lambda r: r, 0, {0})
np.rot90({0}, 4); np.einsum("...->...", {0}); np.einsum("i->", {0}); np.einsum("ij,ij->ji", {0}, {0})
np.ravel({0}.T, order="F"); np.reshape({0}.T, -1, order="F"); np.reshape({0}, (1, *{0}.shape), copy=True)
np.copy({0}.T); np.copy({0}[0]); {0}.astype(float); {0}.T.astype(float); np.real({0}.T); {0}.imag; {0}.mT
np.maximum({0}.T, 0.7); np.where({0}.T > 0.7, {0}.T, 1); np.cumsum({0}.T, axis=0); np.sort({0}.T, axis=0)
np.max({0}.T[..., None], axis=-1); np.var({0}.T[..., None], axis=-1); np.nanmax({0}[None], axis=0)
{0}.T[[0, 0]]; {0}.T[:, [0, 0]]; {0}[np.array(0)]; {0}[..., 0][...]; {0}[0, ...]; {0}[True]
{0}[np.int64(0)]; np.triu({0}.T); np.pad({0}.T, 1); np.kron({0}.T, {0}); np.outer({0}.T, {0})
np.cross({0}.T, {0}); np.linalg.inv({0}.T); np.linalg.norm({0}.T[None], axis=0); np.fft.fft({0}.T, axis=0)
np.abs(1j * {0}.T); np.insert({0}.T, 0, 1.0, axis=1); copy.deepcopy({0}.T); copy.copy({0}.T)
np.append({0}.T, {0}.T, axis=0); np.cumulative_sum({0}.T, axis=0)
np.linspace(0, {0}, 4); np.linspace({0}, {0} + 1, 4, axis=-1); np.logspace(0, {0}, 4)
np.geomspace({0}, 5, 3); np.polyval([2], {0}); np.polyval({0}, [1, 2]); np.polyint({0})
np.polyint({0}, 2, [1, 2]); np.polydiv([3, 1, 2, 1], {0})[0]; np.polyfit(np.arange({0}.size), {0}, 1)
np.average({0}, weights={c}); np.average({0}, weights={0} > 0.7); np.average({c}, weights={0})
np.average({0}, weights={0}, returned=True)[1]; np.average({0}, axis=0, returned=True)[1]
np.cov({0} * {c}); np.corrcoef({0}, {c}); np.corrcoef({0})[0]; np.correlate({0}, {c}, "full")
np.correlate({0}, [1, 2, 3, 4.0], "same"); np.convolve({0}, {0}); np.nanmean(np.log({0} - 0.6))
np.gradient({c}, np.cumsum({0})); np.gradient({0}, 0.1); np.trapezoid({0}, {c}); np.full_like({0}.T, {0})
np.cross({0}, {c}, axis=0); np.cross({0}[:2], {c}[:2]); np.cross({0}[:2], {c})
np.insert({0}, 0, 0); np.insert({0}, 1, {c}[0]); np.pad({0}, 1, constant_values=0.3); np.median({0} + {c})
np.percentile({0}, [20, 50, 70]); np.quantile({0}, np.float32(0.3)); np.nanmedian({0}, axis=0)
np.interp({0}, [0, 1], {c}[:2]); np.diff({0}, prepend=1); np.ediff1d({0}, to_end=1)
np.vander({0}); np.roots({0}); np.poly({0}); np.i0({0}); np.sinc({0}); np.unwrap({0} * 9); np.ptp({0})
np.float_power({0}, 2); np.logaddexp({0}, 0); np.add.reduce({0}); np.linalg.lstsq({c}, {0})[0]
"""
#: A number of which NumPy makes an array is a Tensor of a number, which can't be written to.
NUMBERS = ("np.pad", "np.broadcast_arrays", "np.broadcast_to", "np.resize", "np.trim_zeros")


def described(y: Any, x: Any) -> Any:
    data = now(y)._data if type(y) is Tensor else y
    if type(y) is Tensor:
        shared = y is x or (type(y._state) is View and y._state.root is x)
    else:
        shared = isinstance(y, np.ndarray) and np.shares_memory(y, x)
    kind = "number" if isinstance(data, (np.generic, float, complex)) else "array"
    found: list[Any] = [kind, data.shape, np.asarray(data).dtype]
    if data.size:  # of nothing, there is nothing to be shared
        found.append(("shared", shared and kind == "array"))
    if data.ndim > 1:
        found += [data.flags.c_contiguous, data.flags.f_contiguous]
    return found


def values(y: Any) -> Any:
    return np.array(now(y)._data if type(y) is Tensor else y)


@pytest.mark.sampled(3)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::numpy.exceptions.RankWarning")
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2"])
@pytest.mark.parametrize("shape", [(3,), (3, 3), (1,), ()])
def test_results_are_what_numpys_are(shape, dtype):
    x = np.random.default_rng(0).uniform(0.5, 1.2, shape).astype(dtype)[()]
    n = shape[0] if shape else 1
    constants = {
        "c": np.random.default_rng(1).uniform(0.5, 1.2, shape),
        "index": np.array([0, 0, -1])[:n],
        "mask": np.array([True, False, True])[:n],
        "f4": np.float32,
    }
    many = [*statements.UNARY, *statements.CHOICES, *statements.BINARY, *statements.WITH_CONSTANTS]
    many += [*statements.VIEWS, *statements.COMPLEX, *statements.NARROW]
    many += [text.strip() for text in MORE.replace("\n", ";").split(";") if text.strip()]
    ran = 0
    with np.errstate(all="ignore"):
        for template in many:
            text = statements.filled(template, "v", "v", "c")
            space = {**statements.NAMES, **constants, "v": x}
            try:
                theirs = eval(text, space)  # noqa: S307
                wanted = described(theirs, x)
            except (ValueError, TypeError, IndexError, AttributeError, np.linalg.LinAlgError):
                continue
            if not shape and text.startswith(NUMBERS):
                continue
            t = Tensor(x)
            space["v"] = t
            y = eval(text, space)  # noqa: S307
            assert described(y, t) == wanted, text
            ours, theirs = values(y), values(theirs)
            assert np.allclose(ours, theirs, 1e-13 if dtype == "f8" else 1e-6, 0, equal_nan=True), text
            ran += 1
    assert ran > 100


def test_numbers_have_an_axis_where_numpy_says_so():
    from tinygrad_course import value_and_grad

    for text in ("sum", "prod", "cumsum", "cumprod", "max", "ptp", "nanmax", "squeeze"):
        f = getattr(np, text)
        J, g = value_and_grad(lambda x, f=f: np.sum(3 * f(x, axis=0)))(np.float64(2.0))
        assert 3 * np.sum(f(np.float64(2.0), axis=0)) == J
        assert g == (0 if text == "ptp" else 3)
    for f in (lambda x: np.repeat(x, 2, axis=0), lambda x: np.take(x, [0, 0], axis=0)):
        assert value_and_grad(lambda x, f=f: np.sum(f(x)))(np.float64(2.0)) == (4, 2)
