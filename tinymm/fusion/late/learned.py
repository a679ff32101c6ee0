"""Learned combinations: an exponent for each modality, and a classifier that reads all decisions."""

import math

import numpy as np

from ... import functional as F
from ... import nn
from ..shown import Gates
from .decisions import DecisionFusion

__all__ = ["StackedDecisions", "WeightedDecisions"]


class WeightedDecisions(DecisionFusion):
    r"""A product with a learned exponent for each modality: $p(k) \propto \prod_m p(k \mid x_m)^{w_m}$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, K each.
    rng : numpy.random.Generator, optional
        Not used, since nothing is drawn: every w starts at 1/M, the geometric mean. Every fusion is made with one.

    Attributes
    ----------
    modalities, input_widths, kind, width, causal
        As of `MeanOfDecisions`.

    Notes
    -----
    The weights shown are $w_m$ for each example (B, M), 0 where a modality is absent: it then has no part in the
    product, and without any the result is uniform. A weight below 1 makes a modality that is too sure of itself less
    so; one that only repeats another gets little. Log-probabilities must be finite.

    References
    ----------
    Genest and Zidek (1986), Combining probability distributions (logarithmic opinion pool).

    Examples
    --------
    >>> fusion = WeightedDecisions({"text": 2, "image": 2})
    >>> fusion.weight.data[...] = 1.0, 0.0                               # believe the text alone
    >>> text, image = np.log([[0.9, 0.1]]), np.log([[0.2, 0.8]])
    >>> np.exp(fusion((text, image)).features.data).round(3)
    array([[0.9, 0.1]])
    """

    shows = (Gates(-1),)

    def __init__(self, widths, *, rng=None):
        super().__init__(widths)
        count = len(self.modalities)
        self.weight = nn.Parameter(np.full(count, 1 / count, np.float32))

    def combine(self, log_p, here):
        """(B, M, K) to (B, K), and exponents (B, M)."""
        weights = F.broadcast_to(self.weight[:, None], (*log_p.shape[:2], 1))
        if here is not None:
            log_p, weights = F.where(here, log_p, 0.0), F.where(here, weights, 0.0)
        return F.log_softmax((weights * log_p).sum(1), -1), weights[..., 0]


class StackedDecisions(DecisionFusion):
    r"""A classifier that reads decisions: $p = \operatorname{softmax}(W [\log p_1; \dots; \log p_M] + b)$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, K each.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths, kind, width, causal
        As of `MeanOfDecisions`.

    Notes
    -----
    It can learn which classes a modality takes for each other. With $W = (I \mid \dots \mid I)$ it is the product. An
    absent modality is taken to have decided uniformly. Log-probabilities must be finite. Train it on decisions about
    examples that the single models were not trained on, or it learns to trust the one that overfits most.

    References
    ----------
    Wolpert (1992), Stacked generalization.

    Examples
    --------
    >>> fusion = StackedDecisions({"text": 2, "image": 2}, rng=np.random.default_rng(0))
    >>> text, image = np.log([[0.9, 0.1]], dtype=np.float32), np.log([[0.2, 0.8]], dtype=np.float32)
    >>> np.exp(fusion((text, image)).features.data).sum().round(4)
    np.float32(1.0)
    """

    def __init__(self, widths, *, rng):
        super().__init__(widths)
        self.linear = nn.Linear(sum(self.input_widths), self.width, rng=rng)

    def combine(self, log_p, here):
        """(B, M, K) to (B, K)."""
        if here is not None:
            log_p = F.where(here, log_p, -math.log(self.width))
        return F.log_softmax(self.linear(F.reshape(log_p, (len(log_p), -1))), -1), None
