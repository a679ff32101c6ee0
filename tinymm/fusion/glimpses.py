r"""Glimpses: a question picks out what it asks for, several things at once, and what is seen of each stays apart.

A question such as "is the red thing left of the circle?" names two things. One attention would find both and average
them; here each glimpse reads its own words, looks for its own thing, and hands over what it saw in its own slot.
"""

import math

import numpy as np

from .. import functional as F
from .. import nn
from ..nn import init
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["GlimpseFusion"]

CLOSED = -2.0  # the gates' bias in the beginning: σ(-2) = .12 of every region is seen


class GlimpseFusion(nn.Module):
    r"""G times: sum up the words, look for what they say; then fuse what was seen with what was asked.

    For each glimpse g, with words $q_t$ and regions $v_i$,

    $$\beta_{gt} = \operatorname{softmax}_t(w_g^\top q_t),\qquad s_g = \sum_t \beta_{gt}\, q_t,\qquad
    e_{gi} = \frac{(W_q \operatorname{LN}(s_g))^\top W_k v_i}{\sqrt d},$$

    $$\alpha_{gi} = \operatorname{softmax}_i(e_{gi}),\qquad \gamma_{gi} = \sigma(e_{gi} + b_g),\qquad
    c_g = \Big[\sum_i \alpha_{gi}\, v_i;\ \sum_i \gamma_{gi}\, v_i\Big]$$

    and of all of them, side by side,

    $$z = \mathrm{ReLU}\big((1 + W_\gamma s) \odot W_c c + W_\beta s + b\big),\qquad
    s = [s_1; \dots; s_G],\quad c = [c_1; \dots; c_G]$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: what asks first, what is looked at second, such as
        {"text": 192, "image": 64}.
    width : int
        D of the fused vector.
    glimpses : int
        G.
    size : int
        d, in which words and regions are compared.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : int
        D.
    causal : bool
        False: the whole text is summed up.

    Raises
    ------
    ValueError
        If there is no glimpse, or the size is not positive.

    Notes
    -----
    Each glimpse sums the regions twice. The weights of a softmax sum to 1, whether one region fits or four: it tells
    what is there and where, free of how much, and nothing that follows could count (Zhang et al., §3). Gates add up
    all that fit. Regions are summed as they are; the places that an encoder has added to them tell where it was looked.

    $W_q$ and $W_k$ begin as Xavier says and the summary is normalised, so that scores begin with a spread of about 1:
    where all begin near 0, all regions are weighed alike for long, and nothing is found.

    References
    ----------
    Kim et al. (2017), Hadamard product for low-rank bilinear pooling, §4.2: several glimpses side by side; Yu et al.
    (2017), Multi-modal factorized bilinear pooling with co-attention learning: the words are weighed first; Zhang, Hare
    & Prügel-Bennett (2018), Learning to count objects in natural images for visual question answering: gates; Perez et
    al. (2018), eq. 1 and 2: the modulation.

    Examples
    --------
    >>> fusion = GlimpseFusion({"text": 8, "image": 6}, 5, glimpses=2, size=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((3, 7, 8), np.float32), np.ones((3, 9, 6), np.float32)))
    >>> fused.features.shape, [a.shape for a in fused.weights]
    ((3, 5), [(3, 2, 7), (3, 2, 9), (3, 2, 9)])
    """

    kind = "sequences"
    causal = False
    shows = Attends((), (0,)), Attends((), (1,))                         # β and α, a row for each glimpse

    def __init__(self, widths, width=256, glimpses=4, size=64, *, rng):
        self.modalities, self.input_widths = checked_widths("GlimpseFusion", widths, 2)
        text_width, image_width = self.input_widths
        if glimpses < 1 or size < 1:
            raise ValueError(f"GlimpseFusion: glimpses and size must be positive; got {glimpses} and {size}")
        self.size, self.width = size, width
        self.word_scores = nn.Linear(text_width, glimpses, bias=False, rng=rng)              # w_g
        self.norm = nn.LayerNorm(text_width)
        self.query = nn.Linear(text_width, size, bias=False, rng=rng)                        # W_q
        self.key = nn.Linear(image_width, size, bias=False, rng=rng)                         # W_k
        for layer in (self.query, self.key):
            init.xavier_uniform_(layer.weight, rng=rng)
        self.gate_bias = nn.Parameter(np.full((glimpses, 1), CLOSED, np.float32))            # b_g
        self.seen = nn.Linear(2 * glimpses * image_width, width, bias=False, rng=rng)        # W_c
        self.scale = nn.Linear(glimpses * text_width, width, bias=False, rng=rng)            # W_γ
        self.shift = nn.Linear(glimpses * text_width, width, rng=rng)                        # W_β, b

    def forward(self, inputs, masks=None, present=None):
        """Fuse texts and images, one image for each text.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dq) and the image (B, N, Dv).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            Without a text all $s_g$ are zero, without an image all $c_g$.

        Returns
        -------
        Fused
            The vector (B, D); no mask; weights β (B, G, T), α and γ (B, G, N), zero where hidden.
        """
        (text, image), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        text_mask, image_mask = (None if m is None else m[:, None] for m in (text_mask, image_mask))
        beta = F.attention_weights(F.transpose(self.word_scores(text), 1, 2), text_mask)     # (B, G, T)
        s = F.attention_sum(beta, text)                                                      # (B, G, Dq)
        e = F.attention_scores(self.query(self.norm(s)), self.key(image), 1 / math.sqrt(self.size))
        alpha = F.attention_weights(e, image_mask)                                           # (B, G, N)
        gamma = F.sigmoid(e + self.gate_bias)
        if image_mask is not None:
            gamma = F.where(image_mask, gamma, 0.0)
        c = F.concatenate([F.attention_sum(alpha, image), F.attention_sum(gamma, image)], -1)  # (B, G, 2·Dv)
        s, c = F.flatten(s, 1), F.flatten(c, 1)
        return Fused(F.relu((1 + self.scale(s)) * self.seen(c) + self.shift(s)), None, (beta, alpha, gamma))
