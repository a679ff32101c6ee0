r"""Hard attention: one location is drawn instead of a mean over all (article 2.5).

The drawn weights are one-hot, so that the third step, `attention_sum`, stays as it is. Drawing has no derivative; how
to learn from it all the same is in `estimators` (REINFORCE) and in `gumbel_softmax` here. Rows that may attend to
nothing draw nothing: all zero.
"""

import numpy as np

from ...autograd import Tensor
from ..elementwise import exp
from ..reductions import sum as sum_
from ..selection import where
from ..softmaxes import log_softmax, softmax

__all__ = ["attention_entropy", "gumbel_softmax", "likeliest_weights", "location_log_probability", "sampled_weights",
           "straight_through"]


def sampled_weights(weights, rng):
    r"""Draw a location for each query: $s_t \sim \mathrm{Cat}(\alpha_t)$, as one-hot rows.

    Parameters
    ----------
    weights : Tensor or ndarray, (..., S)
        $\alpha$; rows sum to 1, or to 0.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor (ndarray, for an ndarray), (..., S)
        1 at $s_t$, else 0; a constant to the tape.

    References
    ----------
    Xu et al., "Show, attend and tell", 2015, equation 8.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sampled_weights(np.broadcast_to([0.0, 0.3, 0.7], (10000, 3)), np.random.default_rng(0)).mean(0).round(2)
    array([0. , 0.3, 0.7])
    """
    if isinstance(weights, Tensor):
        return Tensor(sampled_weights(weights.data, rng))
    reached = np.cumsum(weights, -1, dtype=np.float64)
    # s = the first location at which the running sum of α exceeds a uniform number
    beyond = reached > rng.random((*weights.shape[:-1], 1)) * reached[..., -1:]
    return np.diff(beyond, axis=-1, prepend=False).astype(weights.dtype)


def likeliest_weights(weights):
    r"""The location without the draw: $s_t = \arg\max_s \alpha_{ts}$, as one-hot rows.

    Parameters
    ----------
    weights : Tensor or ndarray, (..., S)
        $\alpha$, or scores.

    Returns
    -------
    Tensor (ndarray, for an ndarray), (..., S)
        1 at the first of the largest, else 0; rows of 0 or of −inf throughout give 0. A constant to the tape.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.likeliest_weights(np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 0.0]]))
    array([[0., 1., 0.],
           [0., 0., 0.]])
    """
    if isinstance(weights, Tensor):
        return Tensor(likeliest_weights(weights.data))
    first = np.arange(weights.shape[-1]) == weights.argmax(-1)[..., None]
    nowhere = (weights == 0).all(-1, keepdims=True)
    return (first & ~nowhere & (weights != -np.inf)).astype(weights.dtype)


def location_log_probability(scores, choice, mask=None):
    r"""How likely the drawn location was:
    $\ln \pi(s_t) = \sum_s \mathbb 1\{s = s_t\}\, \ln\operatorname{softmax}_s(e_{ts})$.

    Parameters
    ----------
    scores : Tensor or ndarray, (..., S)
    choice : Tensor or ndarray, (..., S)
        One-hot; a row of zeros gives 0.
    mask : boolean ndarray, optional
        That of `attention_weights`.

    Returns
    -------
    Tensor
        (...,).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(np.exp(F.location_log_probability(np.log([2.0, 6.0, 12.0]), np.array([0, 1, 0]))).round(6))
    0.3
    """
    # ln α at s; elsewhere it may be −∞, and 0 · −∞ would be NaN
    return sum_(where(choice != 0, log_softmax(allowed(scores, mask), -1), 0.0), -1)


def attention_entropy(scores, mask=None):
    r"""How undecided a query is, in nats: $H_t = -\sum_s \alpha_{ts} \ln\alpha_{ts}$.

    Parameters
    ----------
    scores : Tensor or ndarray, (..., S)
    mask : boolean ndarray, optional
        That of `attention_weights`.

    Returns
    -------
    Tensor
        (...,): ln S for even weights, 0 for a single location.

    References
    ----------
    Xu et al. (2015), §4.1, where it is rewarded so that sampling does not stop too early.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(np.exp(F.attention_entropy(np.zeros(4))).round(6))
    4.0
    """
    log_p = log_softmax(allowed(scores, mask), -1)
    return -sum_(exp(log_p) * where(log_p > -np.inf, log_p, 0.0), -1)


def gumbel_softmax(logits, tau=1.0, hard=False, dim=-1, *, rng):
    r"""A draw that has a derivative: $y = \operatorname{softmax}((e + \eta)/\tau)$, with Gumbel noise η.

    $$\eta_i = -\ln(-\ln r_i), \qquad r_i \text{ uniform in } (0, 1)$$

    Parameters
    ----------
    logits : Tensor or ndarray
        e; −inf means "never".
    tau : float
        τ: near 0 the draws are almost one-hot and their gradients wild; a large τ, or ∞, makes them smooth and all
        alike.
    hard : bool
        Return the one-hot vector of the largest, with the gradient of y (straight-through).
    dim : int
        The axis of the locations.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor
        In the shape of the logits.

    Raises
    ------
    ValueError
        If τ is not positive.

    Notes
    -----
    $\arg\max_i (e_i + \eta_i)$ is distributed as softmax(e), for every τ. The gradient is that of a smooth stand-in for
    the draw: biased for anything that is not linear in y.

    References
    ----------
    Jang, Gu, Poole, "Categorical reparameterization with Gumbel-softmax", 2017, equations 1, 2 and §2.2; Maddison,
    Mnih, Teh, "The concrete distribution", 2017.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> e, rng = np.log(np.array([0.2, 0.3, 0.5])), np.random.default_rng(0)
    >>> np.mean([F.gumbel_softmax(e, hard=True, rng=rng) for _ in range(10000)], axis=0).round(1)
    array([0.2, 0.3, 0.5])
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau must be positive; got {tau}")
    noisy = logits + rng.gumbel(size=logits.shape).astype(logits.dtype)
    # y = softmax((e + η) / τ); −∞ stays "never" at τ = ∞ too
    never = _data(noisy) == -np.inf
    soft = softmax(where(never, -np.inf, where(never, 0, noisy) * (1 / tau)), dim)
    if not hard:
        return soft
    largest = likeliest_weights(np.moveaxis(_data(noisy), dim, -1))
    return straight_through(np.moveaxis(largest, -1, dim), soft)


def straight_through(hard, soft):
    r"""The value of one, the gradient of the other: $y = h + (s - \bar s)$, $\bar s$ being s as a constant.

    Parameters
    ----------
    hard : Tensor or ndarray
        h; receives no gradient.
    soft : Tensor or ndarray
        s, in the same shape, finite; receives the whole gradient.

    Returns
    -------
    Tensor

    Notes
    -----
    Not a derivative of anything: an estimate, and a biased one.
    The bracket is exactly zero, so y is h to the last bit.

    References
    ----------
    Bengio, Léonard, Courville, "Estimating or propagating gradients through stochastic neurons", 2013, §4.

    Examples
    --------
    >>> import numpy as np, tinymm as tm, tinymm.functional as F
    >>> s = tm.tensor(np.array([0.3, 0.7]), requires_grad=True)
    >>> y = F.straight_through(np.array([0.0, 1.0]), s)
    >>> y.backward(np.array([5.0, 2.0]))
    >>> y.data, s.grad
    (array([0., 1.]), array([5., 2.]))
    """
    return _data(hard) + (soft - _data(soft))


def allowed(scores, mask):
    """e, and −∞ where the mask hides a location."""
    return scores if mask is None else where(mask, scores, -np.inf)


def _data(x):
    return x.data if isinstance(x, Tensor) else x
