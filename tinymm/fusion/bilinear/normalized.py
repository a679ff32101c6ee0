"""What follows a product of features: the signed root, then length 1."""

from ... import functional as F

__all__ = ["root_normalized"]


def root_normalized(z):
    r"""$s / \lVert s\rVert$, $s = \operatorname{sign}(z)\sqrt{|z|}$, along the last axis; zeros stay zeros.

    A product of two features spreads over twice as many orders of magnitude as they do. The root undoes that, so that
    no few coordinates decide the length.

    Examples
    --------
    >>> import numpy as np
    >>> root_normalized(np.array([[9.0, -16.0, 0.0], [0.0, 0.0, 0.0]]))
    array([[ 0.6, -0.8,  0. ],
           [ 0. ,  0. ,  0. ]])
    """
    return F.normalize(F.signed_sqrt(z), dim=-1)
