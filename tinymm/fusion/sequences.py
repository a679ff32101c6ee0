"""What the fusions of sequences do before their layers: hide what is not there, bring all to one width, join masks."""

import numpy as np

from .. import nn
from ..encoders.encoded import zero_hidden
from ..nn import init
from .fused import checked_inputs, visible

__all__ = ["ModalityEmbedding", "joined_mask", "visible_inputs"]


def visible_inputs(fusion, inputs, masks=None, present=None):
    """The inputs of a fusion of sequences once they are found to fit, with zeros where a position does not count.

    Parameters
    ----------
    fusion : Module
    inputs : tuple of Tensors (B, L, D)
    masks : tuple of boolean arrays (B, L), each optional
    present : boolean array (B, M), optional
        An absent modality is one whose positions are all hidden.

    Returns
    -------
    inputs : list of Tensors (B, L, D)
    masks : list of boolean arrays (B, L), None where no position is hidden

    Raises
    ------
    ValueError
        As for `checked_inputs`.

    Examples
    --------
    >>> import tinymm as tm
    >>> fusion = tm.fusion.AttentionFusion({"text": 1, "image": 1}, width=4, rng=np.random.default_rng(0))
    >>> x = np.full((1, 2, 1), 5.0)
    >>> (text, image), masks = visible_inputs(fusion, (x, x), (None, np.array([[True, False]])))
    >>> text.ravel(), image.ravel(), masks
    (array([5., 5.]), array([5., 0.]), [None, array([[ True, False]])])
    """
    masks, present = checked_inputs(fusion, inputs, masks, present)
    masks = [visible(x, mask, here) for x, mask, here in zip(inputs, masks, present)]
    return [zero_hidden(x, mask) for x, mask in zip(inputs, masks)], masks


def joined_mask(sequences, masks):
    """The mask (B, ΣL) of sequences (B, L, D) laid end to end; None where no mask hides anything.

    Examples
    --------
    >>> joined_mask([np.ones((1, 2, 4)), np.ones((1, 1, 4))], [np.array([[True, False]]), None])
    array([[ True, False,  True]])
    """
    if all(mask is None for mask in masks):
        return None
    shown = [np.ones(x.shape[:2], bool) if mask is None else mask for x, mask in zip(sequences, masks)]
    return np.concatenate(shown, 1)


class ModalityEmbedding(nn.Module):
    r"""Bring every modality to one width, and mark which it is: $x_{mi} = W_m v_{mi} + e_m$.

    Parameters
    ----------
    input_widths : tuple of int
        D_m of each modality.
    width : int
        D of all.
    rng : numpy.random.Generator

    Attributes
    ----------
    projections : ModuleList of Linear
        $W_m$ (D, D_m), without a bias: $e_m$ is one.
    modality : Parameter (M, D)
        $e_m$, from N(0, 0.02²).

    Examples
    --------
    >>> embedding = ModalityEmbedding((5, 3), 4, rng=np.random.default_rng(0))
    >>> [x.shape for x in embedding([np.ones((2, 6, 5), np.float32), np.ones((2, 7, 3), np.float32)])]
    [(2, 6, 4), (2, 7, 4)]
    """

    def __init__(self, input_widths, width, *, rng):
        self.projections = nn.ModuleList(nn.Linear(d, width, bias=False, rng=rng) for d in input_widths)
        self.modality = init.normal_(nn.Parameter(np.empty((len(input_widths), width), np.float32)), std=0.02, rng=rng)

    def forward(self, inputs):
        """Sequences (B, L, D_m) to a list of (B, L, D)."""
        return [project(x) + self.modality[m] for m, (project, x) in enumerate(zip(self.projections, inputs))]
