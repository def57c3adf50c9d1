"""The optimisers, by their short path: ``from tinygrad_course.optimizers import Adam``."""

from tinygrad_course.training.descent import (
    KINDS,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Optimizer,
    RMSprop,
    by_name,
    settings,
)
from tinygrad_course.training.schedules import ExponentialDecay, InverseTimeDecay

__all__ = [
    "KINDS", "Adam", "AdamW", "ExponentialDecay", "GradientDescent", "InverseTimeDecay", "Momentum",
    "Optimizer", "RMSprop", "by_name", "settings",
]  # fmt: skip
