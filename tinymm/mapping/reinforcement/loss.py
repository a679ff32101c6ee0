r"""The policy-gradient loss of sequences, with an entropy bonus and a pull towards the policy of the start.

$$J = \mathrm E_{w\sim\pi}\Big[R(w) - \sum_s c_s\Big], \qquad
  c_s = \beta\,\mathrm{KL}\big(\pi(\cdot \mid w_{<s}) \,\|\, \pi_0(\cdot \mid w_{<s})\big) - \lambda\,
  H\big(\pi(\cdot \mid w_{<s})\big)$$

By the chain rule the expected sum of the words' KL divergences along a drawn caption is the KL divergence of the whole
captions' distributions, and likewise for the entropy. Each $c_s$ is computed exactly, over the vocabulary; only the
prefix it belongs to is drawn. Its gradient has two parts: by the parameters of $c_s$ itself, and by the probability of
the prefix, for a word that leads to costly places must be drawn less often:

$$-\nabla J = \mathrm E\Big[-\sum_t \Big(R - b - \sum_{s>t} c_s\Big) \nabla\ln\pi(w_t \mid w_{<t}) + \sum_s \nabla c_s
  \Big].$$
"""

import numpy as np

from ... import functional as F

__all__ = ["policy_gradient_loss"]


def policy_gradient_loss(logits, words, mask, advantage, start_logits=None, entropy=0.0, kl=0.0):
    r"""A loss whose gradient is an unbiased estimate of that of −J, the mean over captions.

    $$\ell = \frac1S \sum_{i=1}^{S} \sum_t \Big[c_{it} - \Big(A_i - \sum_{s>t} \bar c_{is}\Big)
      \ln\pi(w_{it} \mid w_{i,<t})\Big]$$

    with the constants $A_i = R_i - b_i$ and $\bar c$, the numbers that the costs $c$ of this module are.

    Parameters
    ----------
    logits : Tensor (S, T, V)
        Of the words that were drawn, given those before them.
    words : int array (S, T)
        The words, the closing one included.
    mask : bool array (S, T)
        True up to the closing word, itself included; what it hides has no influence.
    advantage : array (S,)
        A; a constant.
    start_logits : array or Tensor (S, T, V), optional
        Of the start policy π₀, for the same words; a constant.
    entropy, kl : float
        λ and β, in units of reward per nat.

    Returns
    -------
    Tensor ()
        Its value means nothing, only its gradient.

    Raises
    ------
    ValueError
        If shapes do not fit, or there is no start policy to stay near to.

    Notes
    -----
    The sum is over words and the mean over captions. The reference code of self-critical training divides by the number
    of words in the batch instead. That number was drawn as well, so the quotient's mean is no gradient of J: among
    captions of equal advantage, those drawn into a batch of long ones count less.

    References
    ----------
    Williams (1992); Rennie et al. (2017), Self-critical sequence training for image captioning, equations 4 to 7.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> logits = tm.tensor(np.zeros((1, 2, 2)), requires_grad=True)
    >>> drawn, mask = np.array([[1, 0]]), np.array([[True, True]])
    >>> policy_gradient_loss(logits, drawn, mask, np.array([3.0])).backward()
    >>> logits.grad.tolist()                                        # −A (1_w − π) of each word
    [[[1.5, -1.5], [-1.5, 1.5]]]
    """
    advantage = np.asarray(advantage)
    _check(logits, words, mask, advantage, start_logits, kl)
    log_p = F.log_softmax(logits[mask], -1)                                     # (N, V): N words were drawn in all
    said = F.take_along_axis(log_p, words[mask][:, None], -1)[:, 0]             # (N,)
    credit = np.broadcast_to(advantage[:, None], mask.shape)
    cost = 0.0
    if entropy or kl:
        cost = _cost(log_p, start_logits if start_logits is None else start_logits[mask], entropy, kl)
        credit = credit - _later(cost.data, mask)
    return F.sum(cost - credit[mask].astype(log_p.dtype) * said) / len(mask)


def _cost(log_p, start_logits, entropy, kl):
    """c = β KL(π ‖ π₀) − λ H(π) of each distribution: log_p and start_logits (N, V) to (N,)."""
    p = F.exp(log_p)
    cost = entropy * F.sum(p * log_p, -1)                                       # −λ H
    if kl:
        start = F.log_softmax(getattr(start_logits, "data", start_logits), -1)
        cost = cost + kl * F.sum(p * (log_p - start), -1)
    return cost


def _later(cost, mask):
    """Σ_{s>t} c_s of every position: the costs (N,) of the words that the mask shows, to (S, T)."""
    grid = np.zeros(mask.shape, cost.dtype)
    grid[mask] = cost
    return np.cumsum(grid[:, ::-1], 1)[:, ::-1] - grid


def _check(logits, words, mask, advantage, start_logits, kl):
    shape = tuple(logits.shape)
    if not (words.shape == mask.shape == shape[:2] and mask.dtype == bool and advantage.shape == shape[:1]
            and (start_logits is None or tuple(start_logits.shape) == shape)):
        others = [tuple(array.shape) for array in (words, mask, advantage, start_logits) if array is not None]
        raise ValueError("policy_gradient_loss: logits (S, T, V) need words and a boolean mask (S, T), an advantage "
                         f"(S,) and start_logits (S, T, V) or none; got {shape} and {', '.join(map(str, others))}")
    if kl and start_logits is None:
        raise ValueError(f"policy_gradient_loss: kl must be 0 without start_logits; got {kl}")
