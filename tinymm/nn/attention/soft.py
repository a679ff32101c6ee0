r"""Soft attention with any score function (article 2.5, 4.1);
it returns the scores and the weights beside the weighted sum."""

from typing import NamedTuple

from ... import functional as F
from ...autograd import Tensor
from ..module import Module
from .unhidden import as_mask, unhidden

__all__ = ["Attended", "SoftAttention"]


class Attended(NamedTuple):
    """What attention returns: the result, and the two steps before it.

    Examples
    --------
    >>> import tinymm as tm
    >>> attend = tm.nn.SoftAttention(tm.nn.DotScore())
    >>> attend(tm.tensor([[0.0]]), tm.tensor([[1.0], [3.0]])).weights.tolist()
    [[0.5, 0.5]]
    """

    output: Tensor      # c (..., T, E)
    weights: Tensor     # α (..., T, S)
    scores: Tensor      # e (..., T, S), before any mask


class SoftAttention(Module):
    r"""$e = f(q, k)$, $\alpha = \operatorname{softmax}(e)$, $c = \sum_s \alpha_s v_s$.

    Parameters
    ----------
    score : Module
        f: `DotScore`, `ScaledDotScore`, `GeneralScore`, `AdditiveScore`, `ConcatScore`, `MLPScore`, or one of your own,
        called with query and key.

    References
    ----------
    Bahdanau, Cho, Bengio (2015), Neural machine translation by jointly learning to align and translate, §3.1; Xu et al.
    (2015), Show, attend and tell, §4.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.SoftAttention(tm.nn.AdditiveScore(8, 6, 16, rng=np.random.default_rng(0)))
    >>> words, regions = tm.tensor(np.ones((2, 5, 8))), tm.tensor(np.ones((2, 9, 6)))
    >>> context, weights, scores = attend(words, regions)
    >>> context.shape, weights.shape, scores.shape
    ((2, 5, 6), (2, 5, 9), (2, 5, 9))
    """

    def __init__(self, score):
        self.score = score

    def forward(self, query, key, value=None, mask=None):
        """Mix the values by how well their keys fit.

        Parameters
        ----------
        query : Tensor (..., T, D)
        key : Tensor (..., S, E)
        value : Tensor (..., S, V), optional
            Default: the keys themselves.
        mask : boolean array, optional
            Broadcasts to (..., T, S); True = may attend.

        Returns
        -------
        Attended
            output (..., T, V), weights (..., T, S), scores (..., T, S).
        """
        mask = as_mask(mask)
        query, key, value = unhidden(query, key, value, mask)
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        return Attended(F.attention_sum(weights, value), weights, scores)
