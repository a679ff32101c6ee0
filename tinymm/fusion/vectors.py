"""What all fusions of vectors share: they say how vectors are joined, here stands what is done around it."""

import numpy as np

from .. import functional as F
from .. import nn
from .fused import Fused, as_tensors, checked_inputs, checked_widths, or_zero

__all__ = ["VectorFusion", "checked_sizes", "joined", "outer"]


class VectorFusion(nn.Module):
    """One vector for each modality to one vector: the frame around a method `fuse`.

    Parameters
    ----------
    widths : dict of str to int
        The names of the modalities and the widths of their vectors.
    width : int
        Of the fused features.
    count : int, optional
        How many modalities the method has a meaning for; default: two or more.

    Attributes
    ----------
    modalities : tuple of str
        The names of the inputs, in order.
    input_widths : tuple of int
        Their widths.
    kind : str
        What the inputs are: "vectors".
    width : int
        Of the features.
    causal : bool
        False: vectors have no positions.

    Raises
    ------
    ValueError
        If the modalities are not as many as the method takes, or a size is no positive whole number.

    Notes
    -----
    `fuse(inputs, present)` is given vectors (…, D_m) whose leading axes broadcast, zero where a modality is absent, and
    `present`, booleans (…, M), or None where all are there; it returns features (…, width) and weights or None. That
    is also what `AtEachPosition` calls.

    Examples
    --------
    >>> class Sum(VectorFusion):
    ...     def fuse(self, inputs, present=None):
    ...         return sum(inputs), None
    >>> x = np.array([[1.0, 2.0]])
    >>> Sum({"text": 2, "image": 2}, 2)((x, 10 * x), None, np.array([[True, False]])).features.data
    array([[1., 2.]])
    """

    kind = "vectors"
    causal = False
    shows = ()

    def __init__(self, widths, width, count=None):
        name = type(self).__name__
        self.modalities, self.input_widths = checked_widths(name, widths, count)
        checked_sizes(name, width=width)
        self.width = width

    def forward(self, inputs, masks=None, present=None):
        """Fuse one vector of each modality.

        Parameters
        ----------
        inputs : tuple of M Tensors
            (B, D_m) each.
        masks : None
            Vectors have no positions to mask.
        present : boolean array (B, M), optional
            Which modality an example has. What is absent counts as a vector of zeros, whatever its features hold.

        Returns
        -------
        Fused
            Features (B, width), no mask, and what the method has to show.
        """
        _, present = checked_inputs(self, inputs, masks, present)
        inputs = [or_zero(x, here) for x, here in zip(as_tensors(inputs), present)]
        features, weights = self.fuse(inputs, None if present[0] is None else np.stack(present, -1))
        return Fused(features, None, weights)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m), absent ones zero, to features (…, width) and weights."""
        raise NotImplementedError(f"{type(self).__name__}: a fusion of vectors needs a method `fuse`")


def checked_sizes(name, **sizes):
    """Raise ValueError for a size that is no positive whole number.

    Examples
    --------
    >>> checked_sizes("MLBFusion", hidden=0)
    Traceback (most recent call last):
    ValueError: MLBFusion: hidden must be a positive whole number; got 0
    """
    for what, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name}: {what} must be a positive whole number; got {size!r}")


def joined(inputs):
    """[x₁; …; x_M] along the last axis, once the leading axes are broadcast.

    Examples
    --------
    >>> joined([np.zeros((2, 3, 4)), np.zeros((2, 1, 5))]).shape
    (2, 3, 9)
    """
    lead = np.broadcast_shapes(*(x.shape[:-1] for x in inputs))
    return F.concatenate([x if x.shape[:-1] == lead else F.broadcast_to(x, (*lead, x.shape[-1])) for x in inputs], -1)


def outer(x, y):
    """x yᵀ as one vector, row by row: (…, D) and (…, E) to (…, D·E); the leading axes broadcast.

    Examples
    --------
    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([3., 4., 6., 8.])
    """
    product = x[..., None] * y[..., None, :]                             # (…, D, E)
    return F.reshape(product, (*product.shape[:-2], -1))
