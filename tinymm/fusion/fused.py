"""What every fusion returns, and what every fusion does with its arguments."""

from typing import NamedTuple

import numpy as np

from .. import functional as F
from ..autograd import Tensor
from ..encoders.encoded import checked_mask
from ..encoders.over_time import mean_over_time

__all__ = ["KINDS", "Fused", "as_tensors", "as_vector", "checked_inputs", "checked_widths", "or_zero", "visible"]

# What enters a fusion, and its shape; within a kind any two fusions are interchangeable.
KINDS = {"vectors": "(B, D)", "sequences": "(B, N, D)", "decisions": "(B, K)"}


class Fused(NamedTuple):
    """Several modalities as one: the result of `fusion(inputs, masks=None, present=None)`.

    Attributes
    ----------
    features : Tensor, or tuple of Tensor
        The joint result, of the fusion's `width`; a tuple where the method keeps a stream for each modality, and
        then `width` is a tuple too.
    mask : boolean array, or None; a tuple of these where there are streams
        Which positions of the features are real; None where all are. The features of the others are exactly zero.
    weights : Tensor, tuple of Tensor, or None
        What the method has to show of itself: attention maps, gates. The fusion's attribute `shows`, a tuple, says
        what each of them is, in order, `Attends`, `Gates` or `Scales`; those it does not reach are none of these. By it
        `attention_maps` and `gate_values` give them names.

    Examples
    --------
    >>> import tinymm as tm
    >>> fusion = tm.fusion.AttentionFusion({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.mask, fused.weights.shape
    ((2, 3, 4), None, (2, 1, 3, 5))
    """

    features: Tensor | tuple
    mask: np.ndarray | tuple | None
    weights: Tensor | tuple | None


def checked_widths(name, widths, count=None, least=2):
    """The names and the widths of the modalities that a fusion is made for.

    Parameters
    ----------
    name : str
        Of the fusion, for the error.
    widths : dict of str to int
        Modality to the last axis of its input.
    count : int, optional
        How many the method has a meaning for; default: any number from `least` on.
    least : int

    Returns
    -------
    modalities : tuple of str
    widths : tuple of int

    Raises
    ------
    ValueError
        If these are not as many, or a width is no positive whole number.

    Examples
    --------
    >>> checked_widths("AttentionFusion", {"text": 8, "image": 6}, 2)
    (('text', 'image'), (8, 6))
    >>> checked_widths("AttentionFusion", {"text": 8}, 2)
    Traceback (most recent call last):
    ValueError: AttentionFusion: widths must be a dict of 2 modalities to their widths; got {'text': 8}
    """
    wanted = f"{least} or more" if count is None else count
    if not isinstance(widths, dict) or (len(widths) < least if count is None else len(widths) != count) or any(
            isinstance(width, bool) or not isinstance(width, (int, np.integer)) or width < 1
            for width in widths.values()):
        raise ValueError(f"{name}: widths must be a dict of {wanted} modalities to their widths; got {widths!r}")
    return tuple(widths), tuple(map(int, widths.values()))


def checked_inputs(fusion, inputs, masks=None, present=None):
    """A mask for each input and a row of `present` for each modality, once they are found to fit.

    Parameters
    ----------
    fusion : Module
        Its `modalities` say what the inputs are, its `kind` of what shape, its `input_widths` of what last axis.
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
    >>> import tinymm as tm
    >>> fusion = tm.fusion.AttentionFusion({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> checked_inputs(fusion, (np.ones((2, 3, 8)),))
    Traceback (most recent call last):
    ValueError: AttentionFusion: inputs must be a tuple of 2, (text, image); got 1
    """
    name, modalities, kind = type(fusion).__name__, fusion.modalities, fusion.kind
    count = len(modalities)
    for what, given in (("inputs", inputs), ("masks", (None,) * count if masks is None else masks)):
        if not isinstance(given, (tuple, list)) or len(given) != count:
            came = len(given) if isinstance(given, (tuple, list)) else f"a single {type(given).__name__}"
            raise ValueError(f"{name}: {what} must be a tuple of {count}, ({', '.join(modalities)}); got {came}")
    shapes = ", ".join(str(x.shape) for x in inputs)
    if any(x.ndim != KINDS[kind].count(",") + 1 for x in inputs):
        raise ValueError(f"{name}: inputs must be {kind} {KINDS[kind]}; got {shapes}")
    batch = len(inputs[0])
    if any(len(x) != batch for x in inputs):
        raise ValueError(f"{name}: inputs must be of one batch; got {shapes}")
    for modality, x, width in zip(modalities, inputs, fusion.input_widths):
        if x.shape[-1] != width:
            raise ValueError(f"{name}, {modality}: the last axis must be {width}; got {x.shape}")
    masks = masks or (None,) * count
    if kind != "sequences" and any(mask is not None for mask in masks):
        raise ValueError(f"{name}: {kind} have no positions to mask; say with present which modality is there")
    masks = [checked_mask(f"{name}, {modality}", mask, x.shape[:2])
             for modality, mask, x in zip(modalities, masks, inputs)]
    if present is None:
        return masks, [None] * count
    present = present.data if isinstance(present, Tensor) else np.asarray(present)
    if present.dtype != bool or present.shape != (batch, count):
        raise ValueError(f"{name}: present must be boolean {(batch, count)}, True where an example has a modality; "
                         f"got {present.dtype} {present.shape}")
    return masks, list(present.T)


def as_tensors(inputs):
    """The inputs as Tensors, so that a fusion without parameters, too, gives Tensors for arrays.

    Examples
    --------
    >>> [type(x).__name__ for x in as_tensors((np.ones(2), Tensor(np.ones(3))))]
    ['Tensor', 'Tensor']
    """
    return [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]


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


def or_zero(x, present):
    """x (B, ...) with zeros for the examples that lack it, `present` (B,) False; None: all have it.

    Examples
    --------
    >>> or_zero(np.array([[1.0, 2.0], [np.nan, 3.0]]), np.array([True, False]))
    array([[1., 2.],
           [0., 0.]])
    """
    return x if present is None else F.where(present.reshape(-1, *(1,) * (x.ndim - 1)), x, 0.0)


def as_vector(fused):
    """(B, ΣD) of the `Fused` of vectors or sequences: the mean over real positions of each stream, side by side.

    Examples
    --------
    >>> as_vector(Fused(np.array([[[1.0], [3.0]]]), None, None))
    array([[2.]])
    """
    features, masks = fused.features, fused.mask
    if not isinstance(features, tuple):
        features, masks = (features,), (masks,)
    masks = (None,) * len(features) if masks is None else masks
    vectors = [mean_over_time(x, mask) if x.ndim == 3 else x for x, mask in zip(features, masks)]
    return vectors[0] if len(vectors) == 1 else F.concatenate(vectors, -1)
