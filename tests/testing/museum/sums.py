"""Sums and means, and what is divided by them: the derivative of one element reaches all."""

import numpy as np

import tinymm.functional as F

from .blind import all_ones, descent, norms
from .exhibit import Exhibit


class SoftmaxWithoutItsFactor(Exhibit):
    """Of x̄ = y ⊙ (g − Σ gⱼyⱼ) the factor y is forgotten.

    The sum of a softmax is constant: its gradient is 0 either way.
    """
    blind = all_ones

    def inputs(rng):
        return [rng.standard_normal((3, 4))]

    def forward(x):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True)

    def right(g, y):
        return y * (g - (g * y).sum(-1, keepdims=True))

    def wrong(g, y):
        return g - (g * y).sum(-1, keepdims=True)


class SoftmaxDiagonal(SoftmaxWithoutItsFactor):
    """Only the diagonal yᵢ(1 − yᵢ) of the Jacobian, as if a score moved no probability but its own."""
    blind = descent

    def wrong(g, y):
        return g * y * (1 - y)


class LogSoftmaxAcrossTheBatch(Exhibit):
    """The sum over classes runs over the batch.

    Of ones, as many stand in a column as in a row, if the input is square.
    """
    blind = all_ones

    def inputs(rng):
        return [rng.standard_normal((4, 4))]

    def forward(x):
        return x - np.log(np.exp(x).sum(-1, keepdims=True))

    def right(g, y):
        return g - np.exp(y) * g.sum(-1, keepdims=True)

    def wrong(g, y):
        return g - np.exp(y) * g.sum(0, keepdims=True)


class CrossEntropyWithoutItsDivisor(Exhibit):
    """softmax − one-hot is the gradient of the sum; the loss is the mean over the batch."""

    def inputs(rng, n=3):
        return [rng.standard_normal((n, 4)), rng.integers(0, 4, n)]

    def harmless(rng):
        """a batch of one"""
        return CrossEntropyWithoutItsDivisor.inputs(rng, 1)

    def forward(x, target):
        return (np.log(np.exp(x).sum(-1)) - x[np.arange(len(x)), target]).mean()

    def right(g, x, target):
        return g * (F.softmax(x, -1) - np.eye(x.shape[1], dtype=x.dtype)[target]) / len(x)

    def wrong(g, x, target):
        return g * (F.softmax(x, -1) - np.eye(x.shape[1], dtype=x.dtype)[target])


class MeanWithoutItsDivisor(Exhibit):
    """Everybody gets the whole of g, not 1/n of it: a learning rate that grows with the input."""
    blind = descent

    def inputs(rng):
        return [rng.standard_normal(6)]

    def forward(x):
        return x.mean()

    def right(g, x):
        return g * np.ones(x.shape) / x.size

    def wrong(g, x):
        return g * np.ones(x.shape)


class RunningSumForwards(Exhibit):
    """x̄ = cumsum(g), where it must run from the end: J in the place of Jᵀ."""
    blind = norms

    def inputs(rng):
        return [rng.standard_normal(5)]

    def forward(x):
        return np.cumsum(x, axis=-1)

    def right(g):
        return np.cumsum(g[..., ::-1], axis=-1)[..., ::-1]

    def wrong(g):
        return np.cumsum(g, axis=-1)


class LayerNormOfConstantSpread(Exhibit):
    """x̄ without x̂ ⟨g ⊙ x̂⟩, as if σ did not depend on x. For ones ⟨x̂⟩ = 0, and nothing is missing."""
    blind = all_ones

    def inputs(rng):
        return [rng.standard_normal((3, 5))]

    def forward(x):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-5)

    def right(g, x, y):
        rstd = 1 / np.sqrt(np.var(x, axis=-1, ddof=0, keepdims=True) + 1e-5)
        return rstd * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))

    def wrong(g, x, y):
        rstd = 1 / np.sqrt(np.var(x, axis=-1, ddof=0, keepdims=True) + 1e-5)
        return rstd * (g - g.mean(-1, keepdims=True))


class BatchNormOfConstantStatistics(Exhibit):
    """x̄ = g / σ: the right formula for evaluation, where mean and variance are constants, used in training."""
    blind = descent

    def inputs(rng):
        return [rng.standard_normal((5, 3))]

    def forward(x):
        d = x - x.mean(0)
        return d / np.sqrt((d * d).mean(0) + 1e-5)

    def right(g, x, y):
        rstd = 1 / np.sqrt(np.var(x, axis=0, ddof=0) + 1e-5)
        return rstd * (g - g.mean(0) - y * (g * y).mean(0))

    def wrong(g, x):
        return g / np.sqrt(np.var(x, axis=0, ddof=0) + 1e-5)
