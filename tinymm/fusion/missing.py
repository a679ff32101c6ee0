"""Missing modalities: something learned in the place of what is absent, and training without some of what is there.

Both wrap another fusion and are called like it. Every fusion takes `present` and leaves no trace of what is absent; but
one that has never been trained without its image has not learned what to do then.
"""

import numpy as np

from .. import functional as F
from .. import nn
from .fused import checked_inputs

__all__ = ["MissingTokens", "ModalityDropout"]


class _Wrapped(nn.Module):
    """A fusion around another: its attributes, and its cache if it has one."""

    def __init__(self, fusion):
        self.fusion = fusion
        self.modalities, self.input_widths = fusion.modalities, fusion.input_widths
        self.kind, self.width, self.causal = fusion.kind, fusion.width, fusion.causal
        self.shows = fusion.shows
        if hasattr(fusion, "new_cache"):
            self.new_cache = fusion.new_cache


class MissingTokens(_Wrapped):
    r"""A learned vector in the place of each absent modality, for any fusion of vectors or sequences.

    $$\tilde x_m = \begin{cases} x_m & \text{where modality } m \text{ is there} \\ u_m & \text{where it is not}
    \end{cases}$$

    Parameters
    ----------
    fusion : Module
        Of vectors or sequences. It is called with $\tilde x$, and without `present`.
    rng : numpy.random.Generator
        Draws the $u_m$ from N(0, 0.02²).

    Attributes
    ----------
    modalities, input_widths, kind, width, causal
        Those of the wrapped fusion.

    Raises
    ------
    ValueError
        If the fusion is of decisions: without a decision there is nothing to learn but the prior.

    Notes
    -----
    An absent sequence becomes a sequence of one position, whatever its mask said. The tokens are learned from examples
    that lack something: from the data, or from `ModalityDropout(MissingTokens(fusion), p)`.

    References
    ----------
    Devlin et al. (2019), BERT, §3.1, where a learned vector stands for a masked word; Ma et al. (2021), SMIL, for the
    question what to put in the place of a missing modality.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> fusion = MissingTokens(tm.fusion.MLBFusion({"text": 8, "image": 6}, 4, rng=rng), rng=rng)
    >>> text, nothing = np.ones((1, 8), np.float32), np.full((1, 6), np.nan, np.float32)
    >>> bool(np.isfinite(fusion((text, nothing), None, np.array([[True, False]])).features.data).all())
    True
    """

    def __init__(self, fusion, *, rng):
        if fusion.kind == "decisions":
            raise ValueError("MissingTokens: wraps fusions of vectors or sequences; "
                             f"got {type(fusion).__name__}, of decisions")
        super().__init__(fusion)
        self.tokens = nn.ModuleList([_Token(size, rng=rng) for size in self.input_widths])

    def forward(self, inputs, masks=None, present=None, **options):
        """As of the wrapped fusion; `options`, such as `cache`, are passed on."""
        masks, present = checked_inputs(self, inputs, masks, present)
        if present[0] is not None:
            masks = [_one_position(x, mask, here) for x, mask, here in zip(inputs, masks, present)]
            inputs = tuple(token(x, here) for token, x, here in zip(self.tokens, inputs, present))
        return self.fusion(inputs, masks, **options)


class ModalityDropout(_Wrapped):
    """In training, take whole modalities away at random, never all of an example.

    Parameters
    ----------
    fusion : Module
        Any.
    p : float
        In [0, 1]: how often each modality of an example is to be taken away.
    rng : numpy.random.Generator
        Kept, and drawn from at each call in training.

    Attributes
    ----------
    modalities, input_widths, kind, width, causal
        Those of the wrapped fusion.

    Raises
    ------
    ValueError
        If p is no probability.

    Notes
    -----
    Each modality is drawn on its own. Where all that an example has would go, one of them, each as likely, stays: of M,
    each is absent with probability p − pᴹ/M. In `eval()` nothing is taken away.

    References
    ----------
    Neverova et al. (2016), ModDrop: adaptive multi-modal gesture recognition.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> fusion = ModalityDropout(tm.fusion.GatingFusion({"text": 8, "image": 6}, 4, rng=rng), 0.5, rng=rng)
    >>> fusion((np.ones((3, 8), np.float32), np.ones((3, 6), np.float32))).weights.data > 0
    array([[ True,  True],
           [False,  True],
           [ True,  True]])
    """

    def __init__(self, fusion, p, *, rng):
        if not 0 <= p <= 1:
            raise ValueError(f"ModalityDropout: p must be a probability, in [0, 1]; got {p}")
        super().__init__(fusion)
        self.p, self.rng = p, rng

    def forward(self, inputs, masks=None, present=None, **options):
        """As of the wrapped fusion; `options`, such as `cache`, are passed on."""
        masks, given = checked_inputs(self, inputs, masks, present)
        if self.training:
            there = np.ones((len(inputs[0]), len(inputs)), bool) if present is None else np.stack(given, 1)
            present = self._drawn(there)
        return self.fusion(inputs, masks, present, **options)

    def _drawn(self, there):
        """Of the modalities that are there, (B, M) boolean, those that stay: the one that drew most in any case."""
        chance = np.where(there, self.rng.random(there.shape), -1.0)
        most = chance.argmax(1)[:, None] == np.arange(there.shape[1])
        return there & ((chance >= self.p) | most)

    def extra_repr(self):
        return f"p={self.p}"


class _Token(nn.Module):
    """One vector, for the examples that lack a modality."""

    def __init__(self, size, *, rng):
        self.weight = nn.init.normal_(nn.Parameter(np.empty(size, np.float32)), std=0.02, rng=rng)

    def forward(self, x, here):
        """x (B, ..., D), where `here` (B,) is False the vector."""
        return F.where(here.reshape(-1, *(1,) * (x.ndim - 1)), x, self.weight)


def _one_position(x, mask, here):
    """The mask (B, L) of x (B, L, D), where `here` (B,) is False only its first position; None of a vector."""
    if x.ndim == 2:
        return None
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    return np.where(here[:, None], mask, np.arange(x.shape[1]) == 0)
