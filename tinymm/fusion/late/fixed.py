"""Rules of combination with nothing to learn: the mean of the decisions, and their product."""

import math

import numpy as np

from ... import functional as F
from .decisions import DecisionFusion

__all__ = ["MeanOfDecisions", "ProductOfExperts"]


class MeanOfDecisions(DecisionFusion):
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


class ProductOfExperts(DecisionFusion):
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
        self.register_buffer("log_prior", np.log(prior))

    def combine(self, log_p, here):
        """(B, M, K) to (B, K)."""
        if here is None:
            total, count = log_p.sum(1), len(self.modalities)
        else:
            total = F.where(here, log_p, 0.0).sum(1)
            count = here.sum(1).astype(log_p.dtype)                      # (B, 1)
        return F.log_softmax(total - (count - 1) * self.log_prior.astype(log_p.dtype), -1), None
