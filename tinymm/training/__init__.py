"""The training loop and what makes a run safe to kill: checkpoints, a log, resuming to the same bits."""

from .checkpoint import load_checkpoint, load_weights, save_checkpoint
from .config import Selection, TrainingConfig, TrainingSet
from .ema import ExponentialMovingAverage
from .log import Log, read_log
from .loop import Trainer
from .replicas import needs_whole_batch

__all__ = ["ExponentialMovingAverage", "Log", "Selection", "Trainer", "TrainingConfig", "TrainingSet",
           "load_checkpoint", "load_weights", "needs_whole_batch", "read_log", "save_checkpoint"]
