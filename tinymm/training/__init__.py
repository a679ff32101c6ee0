"""The training loop and what makes a run safe to kill: checkpoints, a log, resuming to the same bits."""

from .checkpoint import load_checkpoint, save_checkpoint
from .config import Selection, TrainingConfig, TrainingSet
from .ema import ExponentialMovingAverage
from .log import Log, read_log
from .loop import Trainer, load_weights

__all__ = ["ExponentialMovingAverage", "Log", "Selection", "Trainer", "TrainingConfig", "TrainingSet",
           "load_checkpoint", "load_weights", "read_log", "save_checkpoint"]
