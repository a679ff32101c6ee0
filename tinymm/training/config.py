"""What a training run is given: its examples, its numbers, and how it chooses the best epoch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data import batches, batches_by_length

__all__ = ["Selection", "TrainingConfig", "TrainingSet"]


@dataclass(frozen=True)
class TrainingSet:
    """The training examples as the loop sees them: how many there are, and how to make a batch of them.

    Parameters
    ----------
    num_examples : int
    batch : callable
        ``batch(indices, rng)`` gives the loss function's batch for an int array of row numbers; random augmentation
        draws from `rng`, a `numpy.random.Generator`.
    lengths : sequence of int, optional
        The length of each example's sequence; a batch then holds examples of about equal length.
    arrange : callable, optional
        ``arrange(rng)`` gives the order of an epoch, an int array of all row numbers; by default all are as likely.

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
    arrange: Callable | None = None

    def __post_init__(self):
        if self.num_examples < 1:
            raise ValueError(f"TrainingSet: needs at least one example; got {self.num_examples}")
        if self.lengths is not None and len(self.lengths) != self.num_examples:
            raise ValueError("TrainingSet: needs a length per example; "
                             f"got {len(self.lengths)} for {self.num_examples}")
        if self.lengths is not None and self.arrange is not None:
            raise ValueError("TrainingSet: an order is arranged, or follows from lengths; got both")

    def order(self, batch_size, rng, drop_last=False):
        """The batches of an epoch: list of int arrays of row numbers. A single example that is left over joins another
        batch, for it has no batch statistics; with `drop_last`, all that do not fill a batch are left out."""
        if self.arrange is not None:
            order = self.arrange(rng)
            return _without_single([order[rows] for rows in batches(self.num_examples, batch_size, None, drop_last)],
                                   batch_size)
        if self.lengths is None:
            return _without_single(batches(self.num_examples, batch_size, rng, drop_last), batch_size)
        parts = batches_by_length(self.lengths, batch_size, rng)
        if drop_last:
            parts = [rows for rows in parts if len(rows) == batch_size]
            if not parts:
                raise ValueError(f"TrainingSet: drop_last needs a full batch; got {self.num_examples} examples, "
                                 f"batch_size {batch_size}")
        return _without_single(parts, batch_size)


def _without_single(parts, batch_size):
    """The batches, one of a single row joined to its neighbour."""
    k = next((k for k, rows in enumerate(parts) if len(rows) == 1), None)
    if k is None or len(parts) == 1 or batch_size == 1:
        return parts
    k = max(k, 1)
    return [*parts[:k - 1], np.concatenate(parts[k - 1:k + 1]), *parts[k + 1:]]


@dataclass(frozen=True)
class Selection:
    """Which epoch is the best one, and when to stop because none gets better.

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
        if math.isnan(value):
            return False
        if best is None:
            return True
        return value > best if self.mode == "max" else value < best


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained.

    Parameters
    ----------
    epochs : int
        Passes through the examples, at most.
    batch_size : int
        Examples per step; the last step of an epoch takes what is left. A single example that is left joins another
        step.
    seed : int
        Decides the order of the examples and the random numbers of augmentation and of the loss function.
    max_norm : float, optional
        Bound on the norm of all gradients together.
    selection : Selection, optional
        How to choose the epoch whose parameters are kept; without it the last one.
    ema_decay : float, optional
        Validate and keep a moving average of the parameters instead of the parameters themselves.
    replicas : int
        The examples of each step are divided among so many replicas of the model, which run on cores of their own if
        there are enough. Results depend on this number, since a replica's batch statistics are those of its share, but
        not on the number of cores. No share has a single example, unless the batch has. A loss that
        `needs_whole_batch` allows 1 only.
    log_every : int
        Steps between two rows of the log; each epoch ends with a row of its own.
    checkpoint_every : float
        Seconds between two checkpoints inside an epoch; each epoch ends with one in any case.
    drop_last : bool
        Leave out the examples that do not fill a batch, others in each epoch.

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
    drop_last: bool = False

    def __post_init__(self):
        for name in ("epochs", "batch_size", "replicas", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrainingConfig: {name} must be at least 1; got {getattr(self, name)}")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"TrainingConfig: max_norm must be positive; got {self.max_norm}")

    def steps_per_epoch(self, num_examples):
        """Steps in one pass through the examples (int); the whole run has `epochs` times as many."""
        full, left = divmod(num_examples, self.batch_size)
        if self.drop_last or full and left == 1:    # a single one joins another batch
            return full
        return full + (left > 0)
