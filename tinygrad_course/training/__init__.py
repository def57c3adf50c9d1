"""Networks, how they start, the training loop and its optimisers, and where a run stands."""

from tinygrad_course.training.batches import mini_batches
from tinygrad_course.training.checkpoints import CheckpointError, load, save
from tinygrad_course.training.descent import Adam, AdamW, GradientDescent, Momentum, RMSprop
from tinygrad_course.training.epochs import NotFiniteError
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.loop import InterruptedRun, fit
from tinygrad_course.training.network import Network
from tinygrad_course.training.runs import EarlyStopping, Run
from tinygrad_course.training.watching import watch

__all__ = [
    "Adam", "AdamW", "CheckpointError", "EarlyStopping", "GradientDescent", "InterruptedRun", "Momentum",
    "Network", "NotFiniteError", "RMSprop", "Run", "fit", "initialize_parameters", "load", "mini_batches",
    "save", "watch",
]  # fmt: skip
