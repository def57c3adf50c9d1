"""Functions without a derivative: their result is constant almost everywhere, or they are refused.

The first return plain arrays when they are given Tensors; the second raise, with the reason given here.
"""

import operator

import numpy as np
from numpy._core import umath
from numpy.lib import scimath

from tinygrad_course.rules.table import REFUSED_MODULES, no_derivative, refused

# ------------------------------------------------------------------ constant almost everywhere

no_derivative(
    # comparisons and truth
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.all, np.any),
    *(np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin),
    *(np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit, np.isreal, np.iscomplex),
    # steps
    *(np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.floor_divide),
    # positions and counts
    *(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort, np.argwhere),
    *(np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.linalg.matrix_rank),
    # shapes, dtypes and memory
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type),
    *(np.isrealobj, np.iscomplexobj, np.shares_memory, np.may_share_memory, np.einsum_path),
    *(np.zeros_like, np.ones_like, np.empty_like),
    *(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from),
    getattr(umath, "_ones_like"),  # noqa: B009  (a ufunc that NumPy keeps for itself)
    # texts and files
    *(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed),
    # Python's comparisons, which a Tensor hands to NumPy
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
)

# ------------------------------------------------------------------ refused

refused(
    "it makes an array of the kind of like=, and a Tensor is not made that way; leave like= away",
    *(np.arange, np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require),
    *(np.empty, np.eye, np.full, np.identity, np.ones, np.tri, np.zeros, np.fromfunction, np.frombuffer),
    *(np.fromfile, np.fromiter, np.fromstring, np.genfromtxt, np.loadtxt),
)
refused(
    "it is for integers or bits, and a Tensor holds floating-point numbers",
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert, np.left_shift),
    *(np.right_shift, np.gcd, np.lcm, np.packbits, np.unpackbits, np.ravel_multi_index, np.unravel_index),
    np.ix_,
)
refused(
    "it is for dates, and a Tensor holds floating-point numbers",
    *(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string, np.isnat),
)
REFUSED_MODULES.update(
    {
        "numpy.lib.recfunctions": "it is for structured arrays, and a Tensor holds floating-point numbers",
        "numpy.strings": "it is for text, and a Tensor holds floating-point numbers",
        "numpy.char": "it is for text, and a Tensor holds floating-point numbers",
        "numpy.polynomial.polynomial": "numpy.polynomial makes plain arrays of its arguments; use np.polyval",
    }
)
refused(
    "its result is complex for some arguments; use the function of the same name in np",
    *(scimath.logn, scimath.power),
)
refused("it makes real numbers complex; write np.sort(z) of complex numbers", np.sort_complex)
refused(
    "it counts how many values fall into bins, whose edges move with the values",
    *(np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges),
)
refused(
    "it picks values by being equal, which no small change leaves as it is; use the values, stop_gradient(t)",
    *(np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d),
    *(getattr(np, name) for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values")),
)
refused("it gives the distance to a neighbouring floating-point number", *(np.nextafter, np.spacing))
refused("its exponents are integers; write x * 2.0**-n with the exponent n that you want", np.frexp)
