r"""Hard attention as a fusion, article 2.5 and 3.1.1: each text feature looks at one image region.

The draw has no gradient. `HardAttentionFusion` returns what REINFORCE needs, `GumbelAttentionFusion` relaxes the draw;
`docs/hard_attention.md` derives both. In evaluation both look where it is likeliest.
"""

from typing import NamedTuple

import numpy as np

from .. import functional as F
from .. import nn
from ..autograd import Tensor
from ..encoders.encoded import zero_hidden
from .fused import Fused, checked_inputs, checked_widths, visible
from .shown import Attends

__all__ = ["GumbelAttentionFusion", "HardAttentionFusion", "Look", "look_loss"]

ENTROPY = 0.002  # the reward for looking around, of Xu et al.


class Look(NamedTuple):
    """Where `HardAttentionFusion` looked, and what REINFORCE needs: its `Fused.weights`.

    Attributes
    ----------
    weights : Tensor (B, T, N)
        α, the probability of each region.
    log_probability : Tensor (B, T)
        ln α of the region that was drawn; 0 where none was.
    entropy : Tensor (B, T)
        Of α.
    expected : Tensor (B, T)
        The reward that $h_t$ leads one to expect, the baseline b.
    """

    weights: Tensor
    log_probability: Tensor
    entropy: Tensor
    expected: Tensor


def look_loss(look, reward, where=None):
    r"""What training adds to its loss so that draws learn: REINFORCE, the baseline's error, and a little entropy.

    $$-\operatorname{mean}\big((R_t - b_t)\ln\alpha_{t s_t}\big) + \tfrac12 \operatorname{mean}(b_t - R_t)^2
      - \lambda \operatorname{mean} H(\alpha_t)$$

    Parameters
    ----------
    look : Look
    reward : array (B, T), or (n,) of the n positions that count
        $R_t$, such as the log-likelihood of the word that position t predicts; a constant.
    where : boolean array (B, T), optional
        The positions that count; default: all.

    Returns
    -------
    Tensor ()

    References
    ----------
    Xu et al. (2015), Show, attend and tell, §4.1; there the baseline is a moving average, here it is learned from
    $h_t$, which the draw does not reach.
    """
    log_p, entropy, expected = (x if where is None else x[where] for x in look[1:])
    if where is not None and reward.shape == where.shape:
        reward = reward[where]
    return (F.reinforce_loss(log_p, reward, expected) + 0.5 * F.mse_loss(expected, reward)
            - ENTROPY * F.mean(entropy))


class _OneRegion(nn.Module):
    """z_t = ReLU(W_f [h_t; v_s] + b_f) of the region s that `self.look` chooses for h_t."""

    kind = "sequences"
    causal = True
    shows = (Attends((0,), (1,)),)                                       # α; the rest of a `Look` is no map

    def __init__(self, widths, width, look):
        self.modalities, self.input_widths = checked_widths(type(self).__name__, widths, 2)
        self.look = look
        self.fuse = nn.Linear(sum(self.input_widths), width, rng=look.rng)
        self.width = width

    def forward(self, inputs, masks=None, present=None):
        """Fuse texts (B, T, Dt) and images (B, N, Di); what is hidden or absent is not looked at.

        Arguments are those of `AttentionFusion`. Without an image, or where all of it is hidden, $v_s = 0$.
        """
        masks, present = checked_inputs(self, inputs, masks, present)
        (text, image), (text_mask, image_mask) = inputs, masks
        image_mask = visible(image, image_mask, present[1])
        text = zero_hidden(text, visible(text, text_mask, present[0]))
        image = zero_hidden(image, image_mask)
        seen = self.look(text, image, mask=None if image_mask is None else image_mask[:, None])
        fused = F.relu(self.fuse(F.concatenate([text, seen[0]], -1)))    # (B, T, D)
        return Fused(zero_hidden(fused, text_mask), text_mask, self._shown(text, seen))


class HardAttentionFusion(_OneRegion):
    r"""Look at one region, drawn by its weight: $s_t \sim \mathrm{Cat}(\alpha_t)$.

    $$\alpha_{ti} = \operatorname{softmax}_i (h_t^\top W v_i), \qquad z_t = \mathrm{ReLU}(W_f [h_t; v_{s_t}] + b_f)$$

    Parameters
    ----------
    widths : dict of str to int
        Of text and image, as for `AttentionFusion`.
    width : int
        D of the fused features.
    mix : float
        Probability with which, in training, an example gets the mean of all regions instead of draws.
    rng : numpy.random.Generator
        Draws the weights; kept, and drawn from in training.

    Notes
    -----
    `Fused.weights` is a `Look`. The features have no gradient to W: add `look_loss` to the loss.

    References
    ----------
    Xu et al. (2015), Show, attend and tell, §4.1.

    Examples
    --------
    >>> fusion = HardAttentionFusion({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.weights.log_probability.shape
    ((2, 3, 4), (2, 3))
    """

    def __init__(self, widths, width=256, mix=0.5, *, rng):
        _, (text, image) = checked_widths("HardAttentionFusion", widths, 2)
        super().__init__(widths, width, nn.HardAttention(nn.GeneralScore(text, image, rng=rng), mix, rng=rng))
        self.baseline = nn.LearnedBaseline(text, rng=rng)

    def _shown(self, text, glimpse):
        known = text.detach() if isinstance(text, Tensor) else text      # the baseline's error trains it alone
        return Look(glimpse.weights, glimpse.log_probability, glimpse.entropy, self.baseline(known))


class GumbelAttentionFusion(_OneRegion):
    r"""Look at one region, drawn by straight-through Gumbel-softmax: gradients pass through the soft choice.

    $$c_t = \sum_i \pi_{ti} v_i, \quad \pi_t = \operatorname{onehot}\big(\arg\max_i (h_t^\top W v_i + g_i)\big),
      \quad \bar\pi_t \to \operatorname{softmax}\big((h_t^\top W v_i + g_i)/\tau\big),
      \quad z_t = \mathrm{ReLU}(W_f [h_t; c_t] + b_f)$$

    Parameters
    ----------
    widths : dict of str to int
        Of text and image, as for `AttentionFusion`.
    width : int
        D of the fused features.
    tau : float
        τ.
    rng : numpy.random.Generator
        Draws the weights; kept, and drawn from in training.

    Notes
    -----
    `Fused.weights` are α (B, T, N), the probabilities of the draw.

    References
    ----------
    Jang, Gu, Poole (2017), Categorical reparameterization with Gumbel-softmax.

    Examples
    --------
    >>> fusion = GumbelAttentionFusion({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.weights.shape
    ((2, 3, 4), (2, 3, 5))
    """

    def __init__(self, widths, width=256, tau=1.0, *, rng):
        _, (text, image) = checked_widths("GumbelAttentionFusion", widths, 2)
        super().__init__(widths, width, nn.GumbelAttention(nn.GeneralScore(text, image, rng=rng), tau, rng=rng))

    def _shown(self, text, seen):
        return seen[2]
