"""The chain rule written out: `derive` takes a recording and writes the mathematics behind its gradients.

    recording -> formulas (`reading`) -> one line a variable, from the cost back (`chain`)
              -> each held against the graph (`checking`) -> text, LaTeX, Markdown (`document`)

What happens element by element is SymPy's algebra; products of matrices and sums are terms of our own
(`algebra`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_course.derivation.graph_values import DerivationError

if TYPE_CHECKING:
    from tinygrad_course.derivation.document import Derivation

__all__ = ["DerivationError", "derive"]


def derive(
    J: Any, wrt: Any = None, names: Mapping[str, Any] | None = None, *, numbers: bool = True
) -> Derivation:
    """Write the chain rule from a cost to a variable, one operation a line, as the course writes it.

    Every line is computed and compared with the graph's gradient before it is shown.

    Parameters
    ----------
    J : Tensor
        The cost, a scalar.
    wrt : Tensor, str, or nest of them, optional
        With respect to what: a Tensor of the recording, its name, or several (a dict of parameters). Left
        out: all of the cost's variables.
    names : mapping of str to anything, optional
        Names for what has none, ``names=locals()``. Numbers called lambd and keep_prob are recognised by
        their values. Without names, what leads from W1 is called Z1 and A1, and other things u, v, ...,
        which the first part introduces.
    numbers : bool
        Whether values that are single numbers, or a few, are shown.

    Returns
    -------
    Derivation
        Text when printed, mathematics in a notebook; `.text`, `.latex`, `.markdown`.

    Raises
    ------
    DerivationError
        If J is no scalar, `wrt` is no variable of its recording, an operation has several results
        (`np.linalg.svd`), or a line does not agree with the graph.
    TypeError
        If J is no Tensor.
    ModuleNotFoundError
        Without SymPy.

    Notes
    -----
    As in the course, where the cost is a mean over m examples, dZ and dA are gradients of the summed loss,
    m J, and dW and db are gradients of J itself (course 1, week 3).

    Examples
    --------
    >>> from tinygrad_course import Tensor, derive
    >>> a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> print(derive(J, wrt=b))
    Forward
      u = b c = 6
      v = a + u = 11
      J = 3 v = 33
    <BLANKLINE>
    Backward
      dJ/dv = 3
      dJ/du = dJ/dv dv/du = 3 * 1 = 3
      dJ/db = dJ/dv dv/du du/db = 3 * 1 * c = 6
    <BLANKLINE>
    Result
      dJ/db = 3 c = 6
    """
    try:
        import sympy  # noqa: F401  (asked for here, so that what is missing is told once)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "derive() writes formulas with SymPy, which is not installed: "
            "pip install 'tinygrad-course[derive]'"
        ) from None
    from tinygrad_course.derivation.composing import derivation_of

    return derivation_of(J, wrt, names or {}, numbers=numbers)
