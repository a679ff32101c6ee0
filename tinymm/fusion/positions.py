"""A fusion of vectors at every position of a sequence: what gives a text, word by word, a picture."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .fused import Fused, as_tensors, checked_inputs, visible
from .vectors import VectorFusion

__all__ = ["AtEachPosition", "MeansCache"]


class AtEachPosition(nn.Module):
    r"""Fuse each position of the first sequence with the mean of each other one.

    $$z_t = f\Big(h_t, \operatorname{mean}_i v_i, \dots\Big)$$

    Parameters
    ----------
    fusion : VectorFusion
        f: any fusion of vectors.

    Attributes
    ----------
    modalities, input_widths, width
        Those of f.
    kind : str
        What the inputs are: "sequences".
    causal : bool
        True: $z_t$ depends on no feature of the first sequence but $h_t$.

    Raises
    ------
    ValueError
        If f is no fusion of vectors. (`MissingTokens` and `ModalityDropout` go around `AtEachPosition`.)

    Notes
    -----
    The mean is over the positions that are real. A sequence without any is absent. Maps of the other sequences are
    computed once, not for each position: f is given (B, T, D₁) and (B, 1, D₂), which broadcast.

    Examples
    --------
    >>> import tinymm as tm
    >>> f = tm.fusion.ConcatenationFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fusion = AtEachPosition(f)
    >>> fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32))).features.shape, fusion.causal
    ((2, 3, 4), True)
    """

    kind = "sequences"
    causal = True

    def __init__(self, fusion):
        if not isinstance(fusion, VectorFusion):
            raise ValueError("AtEachPosition: needs a fusion of vectors itself, what wraps one goes around; "
                             f"got {type(fusion).__name__}")
        self.fusion = fusion
        self.modalities, self.input_widths, self.width = fusion.modalities, fusion.input_widths, fusion.width
        self.shows = fusion.shows

    def forward(self, inputs, masks=None, present=None, cache=None):
        """Fuse sequences, the first position by position.

        Parameters
        ----------
        inputs : tuple of M Tensors
            (B, T, D₁) and (B, N_m, D_m).
        masks : tuple of M boolean arrays (B, T), (B, N_m), each optional
            Which positions are real.
        present : boolean array (B, M), optional
            Which modality an example has.
        cache : MeansCache, optional
            The means: kept at the first call, and not computed again at later ones, which bring further positions of
            the first sequence.

        Returns
        -------
        Fused
            Features (B, T, width), zero where the first sequence is padding; its mask; and at each position what f has
            to show.
        """
        masks, present = checked_inputs(self, inputs, masks, present)
        first, *others = as_tensors(inputs)
        mask = masks[0]
        seen = visible(first, mask, present[0])
        if cache is None:
            cache = MeansCache()
        if cache.means is None:
            cache.means = [_mean(x, visible(x, m, p)) for x, m, p in zip(others, masks[1:], present[1:])]
        there = [np.ones(first.shape[:2], bool) if seen is None else seen]
        there += [np.broadcast_to(some, first.shape[:2]) for _, some in cache.means]
        vectors = [zero_hidden(first, seen), *(mean for mean, _ in cache.means)]
        features, weights = self.fusion.fuse(vectors, np.stack(there, -1))           # (B, T, D)
        if weights is not None:
            weights = F.broadcast_to(weights, (*first.shape[:2], *weights.shape[2:]))
        return Fused(zero_hidden(features, mask), mask, weights)

    def new_cache(self):
        """An empty `MeansCache`."""
        return MeansCache()


class MeansCache:
    """The means of all sequences but the first, for the fusion of further positions of the first.

    Attributes
    ----------
    means : list of (Tensor (B, 1, D), boolean array (B, 1)), or None at first
        Each with whether there is anything it is the mean of.

    Examples
    --------
    >>> import tinymm as tm
    >>> f = tm.fusion.AdditionFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fusion = AtEachPosition(f)
    >>> text, image, cache = np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32), fusion.new_cache()
    >>> words = [fusion((text[:, t:t + 1], image), cache=cache).features.data for t in range(3)]
    >>> bool(np.allclose(np.concatenate(words, 1), fusion((text, image)).features.data))
    True
    """

    def __init__(self):
        self.means = None

    def select(self, rows):
        """Keep these rows of the batch, in this order: int array (B′,)."""
        if self.means is not None:
            self.means = [(mean[rows], some[rows]) for mean, some in self.means]


def _mean(x, mask):
    """Of x (B, N, D) over the positions that the mask shows, (B, 1, D), and whether it shows any, (B, 1)."""
    if mask is None:
        mask = np.ones(x.shape[:2], bool)
    count = mask.sum(1)[:, None]                                         # (B, 1)
    total = zero_hidden(x, mask).sum(1, keepdims=True)
    return total / np.maximum(count, 1)[..., None].astype(x.dtype), count > 0
