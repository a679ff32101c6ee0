"""Functions of each element, and elements that are chosen: which value enters the slope, and how precisely."""

import math

import numpy as np
import scipy.special

import tinymm.functional as F
from tinymm.autograd import saving

from .blind import descent, loose, unit_cotangents
from .exhibit import Exhibit


class RootOfItsInput(Exhibit):
    """g / 2y with the input in the place of the result y."""

    def inputs(rng):
        return [rng.uniform(0.5, 2, 4)]

    def harmless(rng):
        """an input of ones"""
        return [np.ones(4)]

    def forward(x):
        return np.sqrt(x)

    def right(g, y):
        return g / (2 * y)

    def wrong(g, x):
        return g / (2 * x)


class PowerNotLowered(Exhibit):
    """(xⁿ)′ = n xⁿ: the exponent came down but did not shrink. The sign is right, so training works, somehow."""
    blind = descent

    def inputs(rng):
        return [rng.uniform(0.5, 1.5, 4), 3]

    def forward(x, n):
        return x ** n

    def right(g, x, n):
        return g * n * x ** (n - 1)

    def wrong(g, x, n):
        return g * n * x ** n


class ReluOfItsResult(Exhibit):
    """The test is made on the result, as y ≥ 0, which always holds."""

    def inputs(rng):
        return [np.array([-1.5, -0.3, 0.4, 2.0])]

    def harmless(rng):
        """positive inputs"""
        return [np.array([0.4, 2.0])]

    def forward(x):
        return np.maximum(x, 0)

    def right(g, y):
        return np.where(y > 0, g, 0)

    def wrong(g, y):
        return np.where(y >= 0, g, 0)


class EveryTiePaid(Exhibit):
    """Of two equals both get the whole gradient, so that max(x, x) has slope 2."""
    used = staticmethod(lambda op: lambda a, b: op(a, b) + op(a, a))

    def used_naively(op):
        """inputs without ties"""
        return op

    def inputs(rng):
        return [rng.standard_normal(5), rng.standard_normal(5)]

    def forward(a, b):
        return np.maximum(a, b)

    def right(g, a, b):
        share = np.where(a > b, 1.0, np.where(a < b, 0.0, 0.5))
        return g * share.astype(g.dtype), g * (1 - share).astype(g.dtype)

    def wrong(g, a, b):
        return np.where(a >= b, g, 0), np.where(b >= a, g, 0)


class EmbeddingOverwrites(Exhibit):
    """`d[index] = g` keeps the last gradient of a word that occurs twice; they must be added."""

    def inputs(rng):
        return [rng.standard_normal((4, 2)), np.array([1, 3, 1])]

    def harmless(rng):
        """distinct indices"""
        return [rng.standard_normal((4, 2)), np.array([1, 3, 0])]

    def forward(weight, index):
        return saving(weight[index], shape=weight.shape)

    def right(g, index, shape):
        return F.place(g, index, shape)

    def wrong(g, index, shape):
        d = np.zeros(shape, g.dtype)
        d[index] = g
        return d


class StaleMask(Exhibit):
    """Dropout keeps its mask in the layer, not on the tape:
    of two calls, both go back through the second one's mask."""
    used = staticmethod(lambda op: lambda x: op(x, 1) * op(x, 2))
    layer = {}

    def used_naively(op):
        """a single call"""
        return lambda x: op(x, 1)

    def inputs(rng):
        return [rng.standard_normal(8)]

    def forward(x, seed):
        mask = StaleMask.layer["mask"] = np.random.default_rng(seed).random(x.shape) < 0.7
        return saving(x * mask, mask=mask)

    def right(g, mask):
        return g * mask

    def wrong(g):
        return g * StaleMask.layer["mask"]


class MaskedTooEarly(Exhibit):
    """Below 0 the mask makes g zero, and then it is divided by √0: what is not chosen becomes 0 / 0, a NaN."""

    def inputs(rng):
        return [np.array([-1.5, -0.3, 0.4, 2.0])]

    def harmless(rng):
        """positive inputs"""
        return [np.array([0.4, 2.0])]

    def forward(x):
        return np.sqrt(np.maximum(x, 0))

    def right(g, x):
        return np.where(x > 0, g, 0) / (2 * np.sqrt(np.where(x > 0, x, 1)))

    def wrong(g, x):
        return np.where(x > 0, g, 0) / (2 * np.sqrt(np.where(x > 0, x, 0)))


class CotangentClipped(Exhibit):
    """The entropy −x ln x is steep near 0, so g is clipped to ±1, in the VJP. It is no longer linear in g."""
    rung, blind = "directional", unit_cotangents

    def inputs(rng):
        return [rng.uniform(0.5, 2, 6)]

    def forward(x):
        return scipy.special.entr(x)  # takes no complex numbers, so that complex steps have nothing to say

    def right(g, x):
        return -g * (np.log(x) + 1)

    def wrong(g, x):
        return -np.clip(g, -1, 1) * (np.log(x) + 1)


class GradientOfAnotherGelu(Exhibit):
    """The value is x Φ(x); the gradient belongs to the approximation by a sigmoid, x σ(1.702 x)."""
    blind = loose

    def inputs(rng):
        return [np.array([-0.05, 0.02, 0.9, 3.5])]

    def forward(x):
        return x * 0.5 * (1 + scipy.special.erf(x / math.sqrt(2)))

    def right(g, x):
        return g * (0.5 * (1 + F.erf(x / math.sqrt(2))) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))

    def wrong(g, x):
        s = F.sigmoid(1.702 * x)
        return g * (s + 1.702 * x * s * (1 - s))


class LogarithmMadeSafe(Exhibit):
    """g / (x + 1e-8), so as never to divide by zero: the gradient of another function, by a part in 10⁸."""
    rung = "complex step"

    def inputs(rng):
        return [rng.uniform(0.5, 2, 4)]

    def forward(x):
        return np.log(x)

    def right(g, x):
        return g / x

    def wrong(g, x):
        return g / (x + 1e-8)


class DifferenceInside(Exhibit):
    """The VJP is itself a central difference. Compared with another one it looks right; seven digits are lost."""
    rung = "complex step"

    def inputs(rng):
        return [rng.uniform(0.5, 2, 4)]

    def forward(x):
        return np.sin(x)

    def right(g, x):
        return g * np.cos(x)

    def wrong(g, x):
        return g * (np.sin(x + 1e-4) - np.sin(x - 1e-4)) / 2e-4


class ExponentialThatOverflows(Exhibit):
    """σ(x) as eˣ / (1 + eˣ): in float32 that is ∞ / ∞ from 89 on, in float64,
    where gradients are checked, from 710 on."""
    rung = "float32"

    def inputs(rng):
        return [np.array([-3.0, 0.5, 100.0])]

    def forward(x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def right(g, x):
        return g * F.sigmoid(x)

    def wrong(g, x):
        return g * (np.exp(x) / (1 + np.exp(x)))
