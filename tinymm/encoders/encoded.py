"""What every encoder returns, and what every encoder does with a mask."""

from typing import NamedTuple

import numpy as np

from .. import functional as F
from ..autograd import Tensor

__all__ = ["Encoded", "checked_mask", "repeated", "selected", "zero_hidden"]


class Encoded(NamedTuple):
    """A batch of examples as features: the result of `encoder(x, mask=None)`.

    Attributes
    ----------
    sequence : Tensor (B, N, D)
        A feature for each position (word, region, frame); D is the encoder's `width`. Where the mask is False it is
        exactly zero, and no gradient passes.
    pooled : Tensor (B, P)
        One vector for the whole example; P is the encoder's `pooled_width`. What it is, each encoder says.
    mask : boolean array (B, N), or None
        True where a position is real, False where it is padding or hidden; None where all are real.

    Examples
    --------
    >>> import tinymm as tm
    >>> encoder = tm.encoders.BagOfWords(10, 8, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.array([[4, 5, 6], [6, 5, 0]]), np.array([[True, True, True], [True, True, False]]))
    >>> encoded.sequence.shape, encoded.pooled.shape, encoded.mask.sum(1)
    ((2, 3, 8), (2, 8), array([3, 2]))
    """

    sequence: Tensor
    pooled: Tensor
    mask: np.ndarray | None


def checked_mask(name, mask, shape):
    """A mask as a boolean array, once its dtype and shape are found right; None stays None.

    Parameters
    ----------
    name : str
        Who asks, for the error.
    mask : boolean array or Tensor, or None
    shape : tuple of int
        (B, N) of the positions that it must tell apart.

    Raises
    ------
    ValueError
        If it is not boolean, or of another shape.

    Examples
    --------
    >>> checked_mask("TextCNN", np.array([[1, 0]]), (1, 2))
    Traceback (most recent call last):
    ValueError: TextCNN: the mask must be boolean (1, 2), True where a position is real; got int64 (1, 2)
    """
    if mask is None:
        return None
    mask = mask.data if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype != bool or mask.shape != tuple(shape):
        raise ValueError(f"{name}: the mask must be boolean {tuple(shape)}, True where a position is real; "
                         f"got {mask.dtype} {mask.shape}")
    return mask


def zero_hidden(x, mask):
    """x (B, N, D) with zeros where the mask (B, N) is False; a mask of None hides nothing.

    What stood there, be it NaN, has no influence any more, and gets a gradient of exactly zero.

    Examples
    --------
    >>> zero_hidden(np.array([[[1.0], [np.nan]]]), np.array([[True, False]])).ravel()
    array([1., 0.])
    """
    return x if mask is None else F.where(mask[..., None], x, 0.0)


def repeated(encoded, times):
    """Encoded examples with each of them `times` times in turn, for as many texts about each.

    Examples
    --------
    >>> vectors = Tensor(np.array([[1.0], [2.0]]))
    >>> repeated(Encoded(vectors, vectors, None), 2).pooled.data.ravel()
    array([1., 1., 2., 2.])
    """
    def repeat(x):
        return F.reshape(F.broadcast_to(F.unsqueeze(x, 1), (len(x), times, *x.shape[1:])), (-1, *x.shape[1:]))

    return encoded if times == 1 else Encoded(*(None if x is None else repeat(x) for x in encoded))


def selected(encoded, rows):
    """These rows of encoded examples, in this order: int array (B′,)."""
    return Encoded(*(None if x is None else x[rows] for x in encoded))
