"""The derivatives of NumPy's and SciPy's functions, one line an argument.

Importing the package fills the tables of `tinygrad_course.rules.table`, but for the functions of SciPy and
`np.fft`, which enter when these are imported (see `entered_late`).
"""

from tinygrad_course.rules import (  # noqa: F401  (each fills the tables)
    calculus,
    constant,
    decompositions,
    diagonals,
    einsum,
    elementwise,
    indexing,
    linear_algebra,
    norms,
    numpys_own,
    padding,
    polynomials,
    reductions,
    shaping,
    statistics,
    ufunc_methods,
    windows,
    writing,
)
from tinygrad_course.rules.table import entered_late

entered_late()
