"""Gradients that are not finite though the cost is: they are computed again (see `recomputing`)."""

from __future__ import annotations

import cmath
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.creation import node as made
from tinygrad_course.engine.views import now
from tinygrad_course.rules.table import RULES

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor


def all_finite(gradients: Iterable[Any]) -> bool:
    """Whether all numbers are finite, or are none of NumPy's."""
    for g in gradients:
        kind = type(g)
        if kind is _float64:
            if not _isfinite(g):
                return False
        elif kind is _ndarray:
            # a sum, or the product of small ones, is by far the fastest to ask
            fine = (
                _isfinite(sum(g.ravel().tolist()))
                if g.size <= FEW
                else g.size <= MANY and _isfinite(_vdot(g, g))
            )
            if not fine and not np.isfinite(g).all():
                return False
        elif isinstance(g := getattr(g, "_data", g), (np.floating, _ndarray)) and not np.isfinite(g).all():
            return False
    return True


_ndarray, _float64, _isfinite, _vdot = np.ndarray, np.float64, cmath.isfinite, np.vdot
FEW, MANY = 16, 8192
_POSITIVE = RULES[np.positive]


def repaired(gradients: dict[Tensor, Any]) -> dict[Tensor, Any]:
    """Return recorded gradients with what is not finite computed again."""
    from tinygrad_course.engine.recomputing import recomputed  # which few programs need

    lost = {leaf: now(g) for leaf, g in gradients.items() if not all_finite([g])}
    for (leaf, g), value in zip(lost.items(), recomputed(list(lost.values())), strict=True):
        gradients[leaf] = made(type(g), _POSITIVE, (g,), _where_finite(g._data, value))
    return gradients


def _where_finite(g: Any, instead: Any) -> Any:
    instead = np.asarray(instead, g.dtype)
    return np.where(np.isfinite(g) | ~np.isfinite(instead), g, instead)[()]


def completed(gradients: dict[Tensor, Any], parts: list[dict[Tensor, Any]]) -> dict[Tensor, Any]:
    """Return gradients with what is not finite taken from the sum of others, of which some are recorded."""
    for leaf, g in gradients.items():
        if not all_finite([g]):
            shares = [part[leaf] for part in parts if leaf in part]
            instead = sum(now(share)._data if hasattr(share, "_state") else share for share in shares)
            gradients[leaf] = _where_finite(g, instead)
    return gradients
