r"""Co-attention, article 3.1.3: the text chooses among the regions while the image chooses among the words.

Both forms of the paper give one vector for each modality. Sequences, and two streams, are in `co_attention_block.py`.
"""

from .. import functional as F
from .. import nn
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["AlternatingCoAttention", "ParallelCoAttention"]


class ParallelCoAttention(nn.Module):
    r"""Compare all words with all regions at once; weigh both sides by what the comparison says.

    With words as rows $Q$ (T, Dq) and regions as rows $V$ (N, Dv),

    $$C = \tanh(Q W_b V^\top),\qquad
    H_q = \tanh(Q W_q + C\, V W_v),\qquad H_v = \tanh(V W_v + C^\top Q W_q),$$

    $$a_q = \operatorname{softmax}(H_q w_{hq}),\qquad a_v = \operatorname{softmax}(H_v w_{hv}),\qquad
    \hat q = \sum_t a_{q,t}\, q_t,\qquad \hat v = \sum_n a_{v,n}\, v_n$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths, such as {"text": 192, "image": 64}.
    width : int
        K, width of $H_q$ and $H_v$.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : tuple of int
        (Dq, Dv): the results are mixtures of the inputs.
    causal : bool
        False: the whole text is summed up.

    Notes
    -----
    There is no bias, as in the paper. So a hidden position, whose features count as zero, adds nothing to the other
    side's H either.

    References
    ----------
    Lu, Yang, Batra & Parikh (2016), Hierarchical question-image co-attention for visual question answering, eq. 3–5.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = ParallelCoAttention({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> [x.shape for x in fused.features], [a.shape for a in fused.weights]
    ([(2, 8), (2, 6)], [(2, 3), (2, 5)])
    """

    kind = "sequences"
    causal = False
    shows = Attends((1,), (0,)), Attends((0,), (1,))       # a_q of the image as a whole, a_v of the text

    def __init__(self, widths, width=256, *, rng):
        self.modalities, self.input_widths = checked_widths("ParallelCoAttention", widths, 2)
        text_width, image_width = self.width = self.input_widths
        self.affinity = nn.Linear(image_width, text_width, bias=False, rng=rng)      # W_b
        self.text = nn.Linear(text_width, width, bias=False, rng=rng)                # W_q
        self.image = nn.Linear(image_width, width, bias=False, rng=rng)              # W_v
        self.text_score = nn.Linear(width, 1, bias=False, rng=rng)                   # w_hq
        self.image_score = nn.Linear(width, 1, bias=False, rng=rng)                  # w_hv

    def forward(self, inputs, masks=None, present=None):
        """Sum up texts and images, each in the light of the other.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dq) and the image (B, N, Dv).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            The vector of an absent modality is zero.

        Returns
        -------
        Fused
            Vectors (B, Dq) and (B, Dv); no mask; weights $a_q$ (B, T) and $a_v$ (B, N).
        """
        (Q, V), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        C = F.tanh(Q @ F.transpose(self.affinity(V), 1, 2))              # (B, T, N)
        q, v = self.text(Q), self.image(V)                               # (B, T, K), (B, N, K)
        a_q = _weights(self.text_score(F.tanh(q + C @ v)), text_mask)
        a_v = _weights(self.image_score(F.tanh(v + F.transpose(C, 1, 2) @ q)), image_mask)
        return Fused((_mixture(a_q, Q), _mixture(a_v, V)), None, (a_q, a_v))


class AlternatingCoAttention(nn.Module):
    r"""Sum up the text, look at the image with this summary, look at the text again with what was seen.

    One operation, three times, each with weights of its own: of rows X guided by a vector g,

    $$\mathcal A(X; g):\quad H = \tanh(X W_x + \mathbf 1\, (g W_g)),\qquad a = \operatorname{softmax}(H w_{hx}),\qquad
    \hat x = \sum_i a_i\, x_i,$$

    $$\hat s = \mathcal A(Q; 0),\qquad \hat v = \mathcal A(V; \hat s),\qquad \hat q = \mathcal A(Q; \hat v)$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: the one that begins comes first.
    width : int
        K, width of H.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : tuple of int
        (Dq, Dv): the results are mixtures of the inputs.
    causal : bool
        False: the whole text is summed up.

    References
    ----------
    Lu, Yang, Batra & Parikh (2016), Hierarchical question-image co-attention for visual question answering, eq. 6.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = AlternatingCoAttention({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> [x.shape for x in fused.features], [a.shape for a in fused.weights]
    ([(2, 8), (2, 6)], [(2, 3), (2, 5)])
    """

    kind = "sequences"
    causal = False
    shows = Attends((1,), (0,)), Attends((0,), (1,))       # a_q of the image as a whole, a_v of the text

    def __init__(self, widths, width=256, *, rng):
        self.modalities, self.input_widths = checked_widths("AlternatingCoAttention", widths, 2)
        text_width, image_width = self.width = self.input_widths
        self.summary = _GuidedAttention(text_width, None, width, rng=rng)            # ŝ
        self.image = _GuidedAttention(image_width, text_width, width, rng=rng)       # v̂
        self.text = _GuidedAttention(text_width, image_width, width, rng=rng)        # q̂

    def forward(self, inputs, masks=None, present=None):
        """As for `ParallelCoAttention`; the weights are those of the last look at the text, and at the image."""
        (Q, V), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        s, _ = self.summary(Q, None, text_mask)
        v, a_v = self.image(V, s, image_mask)
        q, a_q = self.text(Q, v, text_mask)
        return Fused((q, v), None, (a_q, a_v))


class _GuidedAttention(nn.Module):
    """𝒜(X; g) of `AlternatingCoAttention`; without a guide where its width is None."""

    def __init__(self, features, guide_width, width, *, rng):
        self.rows = nn.Linear(features, width, bias=False, rng=rng)                  # W_x
        self.guide = None if guide_width is None else nn.Linear(guide_width, width, bias=False, rng=rng)
        self.score = nn.Linear(width, 1, bias=False, rng=rng)                        # w_hx

    def forward(self, X, g, mask):
        """X (B, L, D), g (B, G) or None, mask (B, L) or None to x̂ (B, D) and a (B, L)."""
        H = self.rows(X)                                                 # (B, L, K)
        if self.guide is not None:
            H = H + F.unsqueeze(self.guide(g), 1)
        a = _weights(self.score(F.tanh(H)), mask)
        return _mixture(a, X), a


def _weights(scores, mask):
    """softmax over the positions of scores (B, L, 1), to (B, L)."""
    return F.attention_weights(F.squeeze(scores, -1), mask)


def _mixture(a, X):
    """Σ_i a_i x_i: (B, L) and (B, L, D) to (B, D)."""
    return F.squeeze(F.attention_sum(F.unsqueeze(a, 1), X), 1)
