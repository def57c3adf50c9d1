"""The optimisers, by their short path: ``from tinygrad_course.optimizers import Adam``."""

from tinygrad_course.training.descent import Adam, AdamW, GradientDescent, Momentum, Optimizer, RMSprop
from tinygrad_course.training.schedules import ExponentialDecay, InverseTimeDecay

__all__ = [
    "Adam",
    "AdamW",
    "ExponentialDecay",
    "GradientDescent",
    "InverseTimeDecay",
    "Momentum",
    "Optimizer",
    "RMSprop",
]
