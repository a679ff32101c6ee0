r"""Late fusion, article 2.4: each modality decides on its own, and the decisions are combined.

Three words that are used in two ways. Here, as in the article, *early* fusion joins inputs, before anything is encoded;
*intermediate* fusion exchanges between the layers of the encoders; *late* fusion combines decisions, after everything.
Elsewhere "late fusion" often means that the features of finished encoders are joined before a common classifier: that
is `ConcatenationFusion` and its kin.

A decision is a row of log-probabilities log p(k | x_m) over K classes. These fusions take such and give such, so that
losses, metrics and decoding stay what they are for one modality.
"""

import math

import numpy as np

from .. import functional as F
from .. import nn
from .fused import Fused, as_tensors, checked_inputs, checked_widths

__all__ = ["MeanOfDecisions", "ProductOfExperts", "StackedDecisions", "WeightedDecisions"]


class _DecisionFusion(nn.Module):
    """What all fusions of decisions share: the same classes in every modality, and a frame around `combine`."""

    kind = "decisions"
    causal = False

    def __init__(self, widths):
        name = type(self).__name__
        self.modalities, self.input_widths = checked_widths(name, widths)
        if len(set(self.input_widths)) > 1:
            raise ValueError(f"{name}: all modalities must decide among the same classes; got {widths!r}")
        self.width = self.input_widths[0]

    def forward(self, inputs, masks=None, present=None):
        """Combine the decisions of all modalities.

        Parameters
        ----------
        inputs : tuple of M Tensors
            Log-probabilities (B, K) each.
        masks : None
            Decisions have no positions to mask.
        present : boolean array (B, M), optional
            Which modality has decided. What is absent has no part, whatever its row holds.

        Returns
        -------
        Fused
            Log-probabilities (B, K), no mask, and what the method has to show.
        """
        _, present = checked_inputs(self, inputs, masks, present)
        here = None if present[0] is None else np.stack(present, 1)[..., None]       # (B, M, 1)
        log_p, weights = self.combine(F.stack(as_tensors(inputs), 1), here)
        return Fused(log_p, None, weights)


class MeanOfDecisions(_DecisionFusion):
    r"""The mean of the probabilities: $p(k) = \frac1M \sum_m p(k \mid x_m)$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, K each.
    rng : numpy.random.Generator, optional
        Not used, since nothing is drawn; every fusion is made with one.

    Attributes
    ----------
    modalities, input_widths : tuple
        The names of the inputs, in order, and K for each.
    kind : str
        What the inputs are: "decisions".
    width : int
        K.
    causal : bool
        False: decisions have no positions.

    Notes
    -----
    In logarithms, $\log p = \operatorname{logsumexp}_m \log p_m - \log M$. The mean is over the modalities that are
    there; of none it is uniform. It is as if one modality, drawn at random, were believed: no class gets a smaller
    probability than 1/M of what any modality gives it.

    References
    ----------
    Kittler et al. (1998), On combining classifiers, eq. 11 (sum rule).

    Examples
    --------
    >>> fusion = MeanOfDecisions({"text": 2, "image": 2})
    >>> text, image = np.log([[0.9, 0.1]]), np.log([[0.5, 0.5]])
    >>> np.exp(fusion((text, image)).features.data).round(3)
    array([[0.7, 0.3]])
    """

    def __init__(self, widths, *, rng=None):
        super().__init__(widths)

    def combine(self, log_p, here):
        """(B, M, K) to (B, K)."""
        if here is None:
            return F.logsumexp(log_p, 1) - math.log(len(self.modalities)), None
        some = here.any(1, keepdims=True)                                # (B, 1, 1)
        count = np.maximum(here.sum(1), 1).astype(log_p.dtype)           # (B, 1)
        log_p = F.where(here, log_p, -np.inf)
        mean = F.logsumexp(F.where(some, log_p, -math.log(self.width)), 1) - np.log(count)
        return F.where(some[:, 0], mean, -math.log(self.width)), None


class ProductOfExperts(_DecisionFusion):
    r"""The product of the probabilities, the prior taken out where it was counted again, normalised.

    $$p(k \mid x_1, \dots, x_M) \propto p(k)^{1 - M} \prod_m p(k \mid x_m)$$

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, K each.
    prior : array (K,), optional
        p(k), positive, of sum 1. Default: uniform, which drops out.
    rng : numpy.random.Generator, optional
        Not used, since nothing is drawn; every fusion is made with one.

    Attributes
    ----------
    modalities, input_widths, kind, width, causal
        As of `MeanOfDecisions`.

    Raises
    ------
    ValueError
        If the prior is no distribution over the classes.

    Notes
    -----
    Where the modalities are independent given the class, this is Bayes' rule, and no other combination of decisions can
    be better: $p(k \mid x) \propto p(k)\prod_m p(x_m \mid k)$, and $p(x_m \mid k) \propto p(k \mid x_m) / p(k)$. M
    counts the modalities that are there; of none, the prior is left. A class that one modality excludes is excluded.

    References
    ----------
    Hinton (2002), Training products of experts by minimizing contrastive divergence, eq. 1; Kittler et al. (1998), On
    combining classifiers, eq. 7 (product rule).

    Examples
    --------
    >>> fusion = ProductOfExperts({"text": 2, "image": 2})
    >>> text, image = np.log([[0.9, 0.1]]), np.log([[0.8, 0.2]])
    >>> np.exp(fusion((text, image)).features.data).round(3)                  # 0.72 : 0.02
    array([[0.973, 0.027]])
    """

    def __init__(self, widths, prior=None, *, rng=None):
        super().__init__(widths)
        prior = np.full(self.width, 1 / self.width) if prior is None else np.asarray(prior, np.float64)
        if prior.shape != (self.width,) or not (prior > 0).all() or abs(prior.sum() - 1) > 1e-5:
            raise ValueError(f"ProductOfExperts: the prior must be {self.width} positive numbers of sum 1; got {prior}")
        self.register_buffer("log_prior", np.log(prior).astype(np.float32))

    def combine(self, log_p, here):
        """(B, M, K) to (B, K)."""
        if here is None:
            total, count = log_p.sum(1), len(self.modalities)
        else:
            total = F.where(here, log_p, 0.0).sum(1)
            count = here.sum(1).astype(log_p.dtype)                      # (B, 1)
        return F.log_softmax(total - (count - 1) * self.log_prior, -1), None


class WeightedDecisions(_DecisionFusion):
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
    product, and without any the result is uniform. A weight below 1 makes a modality that is too sure of itself less so;
    one that only repeats another gets little. Log-probabilities must be finite.

    References
    ----------
    Genest and Zidek (1986), Combining probability distributions, §3 (logarithmic opinion pool).

    Examples
    --------
    >>> fusion = WeightedDecisions({"text": 2, "image": 2})
    >>> fusion.weight.data[...] = 1.0, 0.0                               # believe the text alone
    >>> text, image = np.log([[0.9, 0.1]]), np.log([[0.2, 0.8]])
    >>> np.exp(fusion((text, image)).features.data).round(3)
    array([[0.9, 0.1]])
    """

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


class StackedDecisions(_DecisionFusion):
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
    absent modality is taken to have decided uniformly. Log-probabilities must be finite. Train it on decisions about examples that the single models were
    not trained on, or it learns to trust the one that overfits most.

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
