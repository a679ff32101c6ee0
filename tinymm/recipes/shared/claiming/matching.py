"""Two towers that bring the views of a thing together: how they are made, pre-trained, trained and tested.

A thing is matched right if among all test items of the second view its own is the nearest.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .... import functional as F
from .... import nn
from ....autograd import no_grad
from ....mapping import Temperature, info_nce, unit
from ....training import TrainingSet

__all__ = ["ViewTowers", "Views", "drawn_views", "embedded", "is_nearest", "matched", "reconstructed"]

EMBEDDED, HIDDEN = 16, 64


class Views(NamedTuple):
    """Two views of the same things: pairs of float32 arrays (N, width), row i of one belongs to row i of the other.

    Attributes
    ----------
    train : callable
        ``train(rng)`` gives the pairs that there are to learn from, with some seed.
    val, test : pair of arrays
    """

    train: Callable
    val: tuple
    test: tuple


def drawn_views(world, things, run, *key):
    """The views of a world such as `TwoViews`, so many things for each part; those of training are drawn anew."""
    val, test = (world.sample(things[part], run.rng(*key, k)) for k, part in enumerate(("val", "test")))
    return Views(lambda rng: world.sample(things["train"], rng), val, test)


class ViewTowers(nn.Module):
    """A network of two layers for each view, and a temperature.

    Parameters
    ----------
    widths : (int, int)
        Of the views.
    hidden, embedded : int
        Of both layers, and of what is compared.
    rng : numpy.random.Generator
    """

    def __init__(self, widths, hidden=HIDDEN, embedded=EMBEDDED, *, rng):
        self.hidden = nn.ModuleList(nn.Linear(width, hidden, rng=rng) for width in widths)
        self.inner = nn.ModuleList(nn.Linear(hidden, hidden, rng=rng) for _ in range(2))
        self.out = nn.ModuleList(nn.Linear(hidden, embedded, rng=rng) for _ in range(2))
        self.decoder = nn.ModuleList(nn.Linear(hidden, width, rng=rng) for width in widths)
        self.temperature = Temperature()

    def read(self, view, place):
        """The last layer before the embedding: (B, hidden)."""
        return F.relu(self.inner[place](F.relu(self.hidden[place](view))))

    def forward(self, view, place):
        """Unit vectors (B, embedded) of the first (0) or the second (1) view."""
        return unit(self.out[place](self.read(view, place)))

    def loss(self, views):
        """Symmetric InfoNCE over a batch of pairs."""
        return info_nce(self(views[0], 0), self(views[1], 1), self.temperature())

    def masked_loss(self, views, rng):
        """Both views, of which half of the entries are hidden, are to be completed; nothing says which belong together.

        The error is that of the hidden entries.
        """
        total = 0.0
        for place, view in enumerate(views):
            hidden = rng.random(view.shape) < 0.5
            guess = self.decoder[place](self.read(np.where(hidden, np.float32(0), view), place))
            total = total + F.mean((guess - view)[hidden] ** 2)
        return total


def matched(run, plan, model, pairs, seed, report):
    """Train towers on pairs, two arrays (N, width), by contrast; a batch has no more pairs than there are."""
    return _trained(run, replace(plan, batch_size=min(plan.batch_size, len(pairs[0]))), model, pairs, seed, report,
                    lambda model, views, rng: model.loss(views))


def reconstructed(run, plan, model, views, seed, report):
    """Pre-train towers on two arrays of views, the rows of which need not belong together."""
    return _trained(run, plan, model, views, seed, report, lambda model, views, rng: model.masked_loss(views, rng))


def _trained(run, plan, model, views, seed, report, loss):
    data = TrainingSet(len(views[0]), lambda rows, rng: tuple(view[rows] for view in views))
    trainer = plan.trainer(model, loss, data, None, run.epochs, seed)
    trainer.after_step = lambda model: model.temperature.clamp_()
    trainer.fit(progress=report)
    return trainer.model


def embedded(model, views):
    """What the towers make of two arrays of views: two float32 arrays of unit vectors."""
    model.eval()
    with no_grad():
        return tuple(model(view, place).data for place, view in enumerate(views))


def is_nearest(first, second):
    """Whether the nearest row of `second`, by cosine, is the one of the same number: float array (N,).

    Parameters
    ----------
    first, second : (N, D) float array
        Not of length 0.

    Examples
    --------
    >>> is_nearest(np.array([[1.0, 0.1], [1.0, 0.2]]), np.array([[1.0, 0.0], [2.0, 1.0]])).tolist()
    [1.0, 0.0]
    """
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return ((first @ second.T).argmax(1) == np.arange(len(first))).astype(float)
