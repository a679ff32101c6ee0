r"""Hard attention with any score function: one location per query, drawn in training, the likeliest in evaluation.

`HardAttention` returns what REINFORCE needs; `GumbelAttention` makes a draw that gradients can pass through.
"""

from typing import NamedTuple

import numpy as np

from ... import functional as F
from ...autograd import Tensor
from ..init import checked
from ..module import Module
from .unhidden import as_mask, unhidden

__all__ = ["Glimpse", "GumbelAttention", "HardAttention"]


class Glimpse(NamedTuple):
    """What hard attention returns: the result, where it looked, and what the gradient's estimator needs.

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
    log_probability: Tensor     # ln α of the drawn location, (..., T); 0 where nothing was drawn
    entropy: Tensor             # of α, (..., T)


class HardAttention(Module):
    r"""Draw $s_t \sim \mathrm{Cat}(\alpha_t)$ and return $v_{s_t}$, or now and then the mean $\sum_s \alpha_{ts} v_s$.

    As in soft attention, $\alpha = \operatorname{softmax}(f(q, k))$.

    Parameters
    ----------
    score : Module
        f, as for `SoftAttention`.
    mix : float
        Probability with which, in training, an example of the batch (the first axis) gets the mean instead of draws.
    rng : numpy.random.Generator
        Kept, and drawn from in training.

    Notes
    -----
    The draw has no gradient. Train the scores with `functional.reinforce_loss` on `log_probability`, a reward, and a
    baseline (`MovingBaseline`, `LearnedBaseline`), and a small reward for `entropy`. An example that got the mean has
    an ordinary gradient through it; its log-probability is 0, so that it adds nothing to the estimate.

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
        self.score = score
        self.mix = mix
        self.rng = checked(rng)

    def forward(self, query, key, value=None, mask=None):
        """query (..., T, D), key (..., S, E), value (..., S, V), mask as `SoftAttention`: a `Glimpse`."""
        mask = as_mask(mask)
        query, key, value = unhidden(query, key, value, mask)
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        if self.training:
            drawn = F.sampled_weights(weights, self.rng)
            one_per_example = (weights.shape[0], *[1] * (weights.ndim - 1))             # (B, 1, ..., 1)
            gets_mean = self.rng.random(one_per_example) < self.mix
        else:
            drawn = F.likeliest_weights(weights)
            gets_mean = False
        choice = F.where(gets_mean, weights, drawn)
        drawn = F.where(gets_mean, 0.0, drawn)                                          # the mean is no draw
        log_probability = F.location_log_probability(scores, drawn, mask)
        output = F.attention_sum(choice, value)
        entropy = F.attention_entropy(scores, mask)
        return Glimpse(output, choice, weights, log_probability, entropy)

    def extra_repr(self):
        return f"mix={self.mix}"


class GumbelAttention(Module):
    r"""Choose by $\operatorname{softmax}((f(q, k) + g)/\tau)$, g Gumbel noise: a draw that gradients pass through.

    Parameters
    ----------
    score : Module
        f, as for `SoftAttention`.
    tau : float
        τ, an attribute that may be lowered during training.
    hard : bool
        Whether choices in training are one-hot, with the soft ones' gradient (straight-through), or soft: a mixture
        of the values. In evaluation they are always one-hot.
    rng : numpy.random.Generator
        Kept, and drawn from in training.

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
        self.score = score
        self.tau = tau
        self.hard = hard
        self.rng = checked(rng)

    def forward(self, query, key, value=None, mask=None):
        """query (..., T, D), key (..., S, E), value (..., S, V), mask as `SoftAttention`:
        output, choice, weights (..., T, S)."""
        mask = as_mask(mask)
        query, key, value = unhidden(query, key, value, mask)
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        if self.training:
            logits = scores if mask is None else F.where(mask, scores, -np.inf)
            choice = F.gumbel_softmax(logits, self.tau, self.hard, rng=self.rng)
        else:
            choice = F.likeliest_weights(weights)
        return F.attention_sum(choice, value), choice, weights

    def extra_repr(self):
        return f"tau={self.tau}, hard={self.hard}"
