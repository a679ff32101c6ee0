"""What every fusion returns, and what every fusion does with its arguments."""

from typing import NamedTuple

import numpy as np

from ..autograd import Tensor
from ..encoders.encoded import checked_mask

__all__ = ["Fused", "checked_inputs", "visible"]


class Fused(NamedTuple):
    """Several modalities as one: the result of `fusion(inputs, masks=None, present=None)`.

    Attributes
    ----------
    features : Tensor, or tuple of Tensor
        The joint result, of the fusion's `width`; a tuple where the method keeps a stream for each modality.
    mask : boolean array, or None
        Which positions of the features are real; None where all are. The features of the others are exactly zero.
    weights : Tensor, or None
        What the method has to show of itself: attention maps, gates.

    Examples
    --------
    >>> import tinymm as tm
    >>> fusion = tm.fusion.AttentionFusion(8, 6, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.mask, fused.weights.shape
    ((2, 3, 4), None, (2, 1, 3, 5))
    """

    features: Tensor
    mask: np.ndarray | None
    weights: Tensor | None


def checked_inputs(name, modalities, inputs, masks=None, present=None):
    """A mask for each input and a row of `present` for each modality, once they are found to fit.

    Parameters
    ----------
    name : str
        Of the fusion, for the error.
    modalities : sequence of M str
        What the inputs are, in order.
    inputs : tuple of M Tensors
        Of one batch.
    masks : tuple of M, each a boolean array (B, L) or None, optional
        Which positions of an input are real; default: all of all.
    present : boolean array (B, M), optional
        Which modality an example has; default: all.

    Returns
    -------
    masks : list of M, each a boolean array (B, L) or None
    present : list of M, each a boolean array (B,) or None

    Raises
    ------
    ValueError
        If there are more or fewer inputs or masks, or something does not fit.

    Examples
    --------
    >>> checked_inputs("AttentionFusion", ("text", "image"), (np.ones((2, 3, 8)),))
    Traceback (most recent call last):
    ValueError: AttentionFusion: inputs must be a tuple of 2, (text, image); got 1
    """
    count = len(modalities)
    for what, given in (("inputs", inputs), ("masks", (None,) * count if masks is None else masks)):
        if not isinstance(given, (tuple, list)) or len(given) != count:
            came = len(given) if isinstance(given, (tuple, list)) else f"a single {type(given).__name__}"
            raise ValueError(f"{name}: {what} must be a tuple of {count}, ({', '.join(modalities)}); got {came}")
    batch = len(inputs[0])
    if any(len(x) != batch for x in inputs):
        raise ValueError(f"{name}: inputs must be of one batch; got {', '.join(str(x.shape) for x in inputs)}")
    masks = [checked_mask(f"{name}, {modality}", mask, x.shape[:2])
             for modality, mask, x in zip(modalities, masks or (None,) * count, inputs)]
    if present is None:
        return masks, [None] * count
    present = present.data if isinstance(present, Tensor) else np.asarray(present)
    if present.dtype != bool or present.shape != (batch, count):
        raise ValueError(f"{name}: present must be boolean {(batch, count)}, True where an example has a modality; "
                         f"got {present.dtype} {present.shape}")
    return masks, list(present.T)


def visible(x, mask, present):
    """The mask (B, L) of x (B, L, D) without the examples that lack it, `present` (B,) False; None hides nothing.

    Examples
    --------
    >>> visible(np.ones((2, 3, 1)), None, np.array([True, False])).astype(int)
    array([[1, 1, 1],
           [0, 0, 0]])
    """
    if present is None:
        return mask
    here = np.broadcast_to(present[:, None], x.shape[:2])
    return here if mask is None else mask & here
