"""Networks, how they start, the training loop and its optimisers, and where a run stands."""

from tinygrad_course.training.batches import mini_batches
from tinygrad_course.training.checkpoints import CheckpointError, load, save
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.loop import InterruptedRun, NotFiniteError, fit
from tinygrad_course.training.network import Network
from tinygrad_course.training.optimizers import Adam, GradientDescent, Momentum
from tinygrad_course.training.resuming import Run
from tinygrad_course.training.watching import watch

__all__ = [
    "Adam",
    "CheckpointError",
    "GradientDescent",
    "InterruptedRun",
    "Momentum",
    "Network",
    "NotFiniteError",
    "Run",
    "fit",
    "initialize_parameters",
    "load",
    "mini_batches",
    "save",
    "watch",
]
