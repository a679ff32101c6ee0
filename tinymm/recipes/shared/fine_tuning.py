"""Going on from what was learned before: what is new learns fast, what is not learns slowly."""

from dataclasses import dataclass, fields, replace

from ...optim import layerwise_groups
from .plan import Plan

__all__ = ["ByLayer", "FineTuning"]


@dataclass(frozen=True)
class FineTuning(Plan):
    """A plan by which the pre-trained part of a model learns at a lower rate than what is new.

    Parameters
    ----------
    lower : float
        Its rate, as a share of the other.
    old : tuple of str
        With what the names of the parameters begin that are not new.

    Examples
    --------
    >>> plan = FineTuning(batch_size=8, steps=10, peak_rate=0.1, weight_decay=0.0, old=("0.",))
    >>> import numpy as np
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Sequential(tm.nn.Linear(2, 3, rng=rng), tm.nn.Linear(3, 1, rng=rng))
    >>> [(len(group["params"]), group.get("lr")) for group in plan.groups(model)]
    [(2, None), (2, 0.025)]
    """

    lower: float = 0.25
    old: tuple = ("encoder.",)

    @classmethod
    def of(cls, plan, old, lower):
        """A plan in all else like another."""
        return cls(**{field.name: getattr(plan, field.name) for field in fields(plan)}, old=old, lower=lower)

    @property
    def evenly(self):
        """The same plan with one rate, for a model that starts from scratch."""
        return replace(self, lower=1.0)

    def groups(self, model):
        """Two groups: what is new, and all else; of each what learns at all."""
        split = {True: [], False: []}
        for name, parameter in model.named_parameters():
            split[not name.startswith(self.old)].append(parameter)
        return [{"params": split[True]}, {"params": split[False], "lr": self.lower * self.peak_rate}]


@dataclass(frozen=True)
class ByLayer(Plan):
    """A plan by which each layer of a model learns at a share of the next higher one's rate (`layerwise_groups`).

    Parameters
    ----------
    decay : float
        That share. The model's `stages()` gives its parameters from below.

    Examples
    --------
    >>> import numpy as np
    >>> from tinymm.pretraining import Bert
    >>> bert = Bert(9, 8, layers=1, heads=2, rng=np.random.default_rng(0))      # embeddings, a layer, the pooler
    >>> plan = ByLayer(batch_size=8, steps=10, peak_rate=0.1, weight_decay=0.0, decay=0.5)
    >>> [group["lr"] for group in plan.groups(bert)]
    [0.025, 0.05, 0.1]
    """

    decay: float = 0.8

    @property
    def evenly(self):
        """The same plan with one rate, for a model that starts from scratch."""
        return replace(self, decay=1.0)

    def groups(self, model):
        """A group for each stage."""
        return layerwise_groups(model.stages(), self.peak_rate, self.decay)
