r"""Hard attention with any score function: one location per query, drawn in training, the likeliest in evaluation.

`HardAttention` gives what REINFORCE needs, `GumbelAttention` a draw with a gradient of its own.
"""

from typing import NamedTuple

import numpy as np

from ... import functional as F
from ...autograd import Tensor
from ..init import checked
from ..module import Module

__all__ = ["Glimpse", "GumbelAttention", "HardAttention"]


class Glimpse(NamedTuple):
    """What hard attention gives: the result, what it looked at, and what its estimator needs.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> look = tm.nn.HardAttention(tm.nn.DotScore(), rng=np.random.default_rng(0)).eval()
    >>> glimpse = look(tm.tensor([[2.0]]), tm.tensor([[1.0], [3.0]]))
    >>> glimpse.output.tolist(), glimpse.choice.tolist()
    ([[3.0]], [[0.0, 1.0]])
    """

    output: Tensor              # (..., T, E)
    choice: Tensor              # (..., T, S): what the values were multiplied by
    weights: Tensor             # α (..., T, S)
    log_probability: Tensor     # ln α of what was drawn, (..., T); 0 where nothing was
    entropy: Tensor             # of α, (..., T)


class HardAttention(Module):
    r"""Draw $s_t \sim \mathrm{Cat}(\alpha_t)$ and return $v_{s_t}$, or now and then the mean $\sum_s \alpha_{ts} v_s$.

    As in soft attention, $\alpha = \operatorname{softmax}(f(q, k))$.

    Parameters
    ----------
    score : Module
        f, as for `SoftAttention`.
    mix : float
        Probability with which an example of the batch (the first axis) gets the mean
        in place of the draws, in training.
    rng : numpy.random.Generator
        Kept; draws in training.

    Notes
    -----
    The draw has no gradient. Train the scores with `functional.reinforce_loss` on `log_probability`, a reward, and a
    baseline (`MovingBaseline`, `LearnedBaseline`), and a small reward for `entropy`; examples that got the mean have a
    gradient through it, and log-probability 0, so that they add nothing to the estimate.

    References
    ----------
    Xu et al. (2015), Show, attend and tell, §4.1.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> look = tm.nn.HardAttention(tm.nn.GeneralScore(8, 6, rng=rng), mix=0.0, rng=rng)
    >>> glimpse = look(tm.tensor(np.ones((2, 5, 8))), tm.tensor(np.ones((2, 9, 6))))
    >>> glimpse.output.shape, glimpse.choice.data.sum(-1).tolist()
    ((2, 5, 6), [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    """

    def __init__(self, score, mix=0.5, *, rng):
        if not 0 <= mix <= 1:
            raise ValueError(f"HardAttention: mix is a probability in [0, 1]; got {mix}")
        self.score, self.mix, self.rng = score, mix, checked(rng)

    def forward(self, query, key, value=None, mask=None):
        """query (..., T, D), key (..., S, E), value (..., S, V), mask as `SoftAttention`: a `Glimpse`."""
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        if self.training:
            drawn = F.sampled_weights(weights, self.rng)
            mean = self.rng.random((weights.shape[0], *[1] * (weights.ndim - 1))) < self.mix
        else:
            drawn, mean = F.likeliest_weights(weights), False
        choice = F.where(mean, weights, drawn)
        log_probability = F.location_log_probability(scores, F.where(mean, 0.0, drawn), mask)
        output = F.attention_sum(choice, key if value is None else value)
        return Glimpse(output, choice, weights, log_probability, F.attention_entropy(scores, mask))

    def extra_repr(self):
        return f"mix={self.mix}"


class GumbelAttention(Module):
    r"""Choose by $\operatorname{softmax}((f(q, k) + g)/\tau)$, g Gumbel noise: a draw with a gradient.

    Parameters
    ----------
    score : Module
        f, as for `SoftAttention`.
    tau : float
        τ, an attribute that may be lowered during training.
    hard : bool
        One-hot choices (straight-through). If not, the values are mixed even in training.
    rng : numpy.random.Generator
        Kept; draws in training.

    References
    ----------
    Jang, Gu, Poole (2017), Categorical reparameterization with Gumbel-softmax.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> look = tm.nn.GumbelAttention(tm.nn.GeneralScore(8, 6, rng=rng), rng=rng)
    >>> output, choice, weights = look(tm.tensor(np.ones((2, 5, 8))), tm.tensor(np.ones((2, 9, 6))))
    >>> output.shape, choice.data.max(-1).tolist()
    ((2, 5, 6), [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    """

    def __init__(self, score, tau=1.0, hard=True, *, rng):
        self.score, self.tau, self.hard, self.rng = score, tau, hard, checked(rng)

    def forward(self, query, key, value=None, mask=None):
        """query (..., T, D), key (..., S, E), value (..., S, V), mask as `SoftAttention`:
        output, choice, weights (..., T, S)."""
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        if self.training:
            logits = scores if mask is None else F.where(mask, scores, -np.inf)
            choice = F.gumbel_softmax(logits, self.tau, self.hard, rng=self.rng)
        else:
            choice = F.likeliest_weights(weights)
        return F.attention_sum(choice, key if value is None else value), choice, weights

    def extra_repr(self):
        return f"tau={self.tau}, hard={self.hard}"
