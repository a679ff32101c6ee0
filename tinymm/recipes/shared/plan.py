"""The plan of a training: how many steps of how many examples, the learning rate's course, what is kept."""

from dataclasses import dataclass, replace

from ...cores import ceil_div
from ...optim import AdamW, WarmupCosine
from ...training import Selection, Trainer, TrainingConfig

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """AdamW with clipped gradients; the rate rises linearly, then falls to 0 along a cosine.

    Parameters
    ----------
    batch_size : int
        Examples a step.
    steps : int
        Of the optimiser, about: they are rounded to whole epochs.
    peak_rate : float
        The learning rate at its highest.
    weight_decay : float
    warmup : float
        The share of the steps in which the rate rises.
    max_norm : float
        To which the gradient is clipped.
    ema_decay : float, optional
        Evaluate and keep a moving average of the parameters.
    select : Selection, optional
        Keep the best epoch by this metric; by default the last one.
    replicas : int
        Of the model, each with its share of a batch: one for each core of a small machine, the same numbers on any.
    spares_vectors : bool
        Leave parameters of fewer than two axes (biases, gains of norms, a learned temperature) out of weight decay, as
        CLIP does (Radford et al., 2021, §2.5): shrinking them makes no function simpler.

    Examples
    --------
    >>> Plan(batch_size=32, steps=100, peak_rate=1e-3, weight_decay=0.01).epochs(examples=1000)
    3
    """

    batch_size: int
    steps: int
    peak_rate: float
    weight_decay: float
    warmup: float = 0.1
    max_norm: float = 1.0
    ema_decay: float | None = None
    select: Selection | None = None
    replicas: int = 2
    spares_vectors: bool = False

    def epochs(self, examples):
        """Passes through the examples that make about `steps` steps; at least one."""
        return max(1, round(self.steps / ceil_div(examples, self.batch_size)))

    def shortened(self, share):
        """The plan with this share of its steps, for a task that takes less to learn."""
        return replace(self, steps=round(self.steps * share))

    def with_batch(self, batch_size):
        """The plan with batches of another size, and as many passes through the examples."""
        return replace(self, batch_size=batch_size, steps=round(self.steps * self.batch_size / batch_size))

    def groups(self, model):
        """What the optimiser is given: groups of parameters; here all in one, at one rate."""
        return [{"params": list(model.parameters())}]

    def trainer(self, model, loss, data, validate=None, epochs=None, seed=0, folder=None):
        """A Trainer that follows this plan.

        Parameters
        ----------
        model : Module
        loss, validate : callable
            As for `Trainer`.
        data : TrainingSet
        epochs : int, optional
            In place of the plan's.
        seed : int
        folder : path, optional
            Where the checkpoint goes.
        """
        epochs = self.epochs(data.num_examples) if epochs is None else epochs
        total = epochs * ceil_div(data.num_examples, self.batch_size)
        groups = _vectors_spared(self.groups(model)) if self.spares_vectors else self.groups(model)
        optimizer = AdamW(groups, lr=self.peak_rate, weight_decay=self.weight_decay)
        config = TrainingConfig(epochs, self.batch_size, seed, self.max_norm, self.select, self.ema_decay,
                                self.replicas)
        schedule = WarmupCosine(optimizer, int(self.warmup * total), total)
        return Trainer(model, loss, optimizer, data, config, schedule, validate, folder)


def _vectors_spared(groups):
    """Of each group what is learned: what decays, and what has fewer than two axes and does not."""
    split = []
    for group in groups:
        learned = [p for p in group["params"] if p.requires_grad]
        split += [{**group, "params": [p for p in learned if p.ndim >= 2]},
                  {**group, "params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0}]
    return [group for group in split if group["params"]]
