"""What a recipe's page is written with: the run around it, its options, its training plan, results, predictions."""

from .checkpoints import Loaded, load
from .options import require
from .plan import Plan
from .predicting import Answer
from .prediction import over_batches
from .results import OURS, Results, Scores
from .run import Run, recipe

__all__ = ["Answer", "Loaded", "OURS", "Plan", "Results", "Run", "Scores", "load", "over_batches", "recipe", "require"]
