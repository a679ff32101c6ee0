"""What a training run is told: how long, how often, and by what to choose the best epoch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..data import batches, batches_by_length

__all__ = ["Selection", "TrainingConfig", "TrainingSet"]


@dataclass(frozen=True)
class TrainingSet:
    """The examples, seen from the loop: how many there are, and how to get some of them.

    Parameters
    ----------
    num_examples : int
    batch : callable
        ``batch(indices, rng)`` gives the loss function's batch for an int array of row numbers; random augmentation
        draws from `rng`, a `numpy.random.Generator`.
    lengths : sequence of int, optional
        Of each example's sequence; batches are then of about equal length.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(10.0)
    >>> TrainingSet(len(x), lambda indices, rng: x[indices]).batch(np.array([3, 1]), None)
    array([3., 1.])
    """

    num_examples: int
    batch: Callable
    lengths: Sequence | None = None

    def __post_init__(self):
        if self.num_examples < 1:
            raise ValueError(f"TrainingSet: needs at least one example; got {self.num_examples}")
        if self.lengths is not None and len(self.lengths) != self.num_examples:
            raise ValueError("TrainingSet: needs a length per example; "
                             f"got {len(self.lengths)} for {self.num_examples}")

    def order(self, batch_size, rng):
        """The batches of an epoch: list of int arrays of row numbers."""
        if self.lengths is None:
            return batches(self.num_examples, batch_size, rng)
        return batches_by_length(self.lengths, batch_size, rng)


@dataclass(frozen=True)
class Selection:
    """Which epoch is the best one, and when to stop waiting for a better.

    Parameters
    ----------
    metric : str
        A name in the epoch's log row, such as ``"val/accuracy"``.
    mode : {"max", "min"}
        Whether larger or smaller is better.
    patience : int, optional
        Stop after so many epochs in a row without a better one.

    Examples
    --------
    >>> Selection("val/loss", "min").is_better(0.4, 0.5)
    True
    """

    metric: str
    mode: str = "max"
    patience: int | None = None

    def __post_init__(self):
        if self.mode not in ("max", "min"):
            raise ValueError(f"Selection: mode must be 'max' or 'min'; got {self.mode!r}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"Selection: patience must be at least 1 epoch; got {self.patience}")

    def is_better(self, value, best):
        """Whether `value` beats `best`, which is None before the first epoch; NaN never does."""
        if value != value:
            return False
        return best is None or (value > best if self.mode == "max" else value < best)


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained.

    Parameters
    ----------
    epochs : int
        Passes through the examples, at most.
    batch_size : int
        Examples per step; the last step of an epoch takes what is left.
    seed : int
        Decides the order of the examples and what augmentation and the loss function draw.
    max_norm : float, optional
        Bound on the norm of the gradients.
    selection : Selection, optional
        Keep the parameters of the best epoch; without it those of the last are kept.
    ema_decay : float, optional
        Evaluate and keep a moving average of the parameters instead of the parameters themselves.
    replicas : int
        Replicas of the model among which the examples of a step are shared out, a core for each if there are as many.
        The numbers depend on it, not on the cores: batch statistics are a replica's own.
    log_every : int
        Steps between two rows of the log; an epoch ends with a row of its own.
    checkpoint_every : float
        Seconds between two checkpoints inside an epoch; there is one at each epoch's end anyway.

    Examples
    --------
    >>> TrainingConfig(epochs=3, batch_size=32).steps_per_epoch(100)
    4
    """

    epochs: int
    batch_size: int
    seed: int = 0
    max_norm: float | None = None
    selection: Selection | None = None
    ema_decay: float | None = None
    replicas: int = 1
    log_every: int = 50
    checkpoint_every: float = 60.0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "replicas", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrainingConfig: {name} must be at least 1; got {getattr(self, name)}")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"TrainingConfig: max_norm must be positive; got {self.max_norm}")

    def steps_per_epoch(self, num_examples):
        """Steps in one pass through the examples (int); a schedule over the whole run lasts `epochs` times as many."""
        return math.ceil(num_examples / self.batch_size)
