"""Principal components of pictures: what little of each is kept when all but a few are taken away."""

from typing import NamedTuple

import numpy as np

__all__ = ["PrincipalComponents", "fit_components"]


class PrincipalComponents(NamedTuple):
    r"""The mean μ and k orthonormal directions, the rows of V.

    Attributes
    ----------
    mean : float32 array (C, H, W)
    directions : float32 array (k, C·H·W)

    Examples
    --------
    >>> pictures = np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2)
    >>> found = fit_components(pictures, 1)
    >>> bool(np.allclose(found.project(pictures), pictures, atol=1e-5)), found.scores(pictures).shape
    (True, (3, 1))
    """

    mean: np.ndarray
    directions: np.ndarray

    def scores(self, pictures):
        r"""Pictures (n, C, H, W) to their coordinates $z = V(x - \mu)$: float32 (n, k)."""
        return (pictures - self.mean).reshape(len(pictures), -1) @ self.directions.T

    def project(self, pictures):
        r"""Pictures (n, C, H, W) with all else taken away: $\mu + V^\top V (x - \mu)$, of the same shape.

        The result may leave [0, 1], by little. To project once more changes nothing.
        """
        return self.mean + (self.scores(pictures) @ self.directions).reshape(pictures.shape)


def fit_components(pictures, k):
    """The k directions in which training pictures vary most.

    Parameters
    ----------
    pictures : float array (n, C, H, W)
        At least two.
    k : int
        From 1 to the smaller of n and C·H·W.

    Returns
    -------
    PrincipalComponents
        Of each direction the element that is largest in size is positive.

    Raises
    ------
    ValueError
        If there are fewer than two pictures, or k is out of range.

    References
    ----------
    Pearson (1901), On lines and planes of closest fit to systems of points in space.

    Examples
    --------
    >>> pictures = np.zeros((4, 1, 1, 3), np.float32)
    >>> pictures[:, 0, 0, 1] = [0, 1, 2, 3]
    >>> fit_components(pictures, 1).directions
    array([[0., 1., 0.]], dtype=float32)
    """
    n, size = len(pictures), pictures[:1].size
    if n < 2 or not 1 <= k <= min(n, size):
        raise ValueError(f"fit_components: needs two pictures or more and 1 to {min(n, size)} components; "
                         f"got {n} pictures, {k} components")
    mean = pictures.mean(0, dtype=np.float64)
    x = (pictures - mean).reshape(n, size)
    directions = np.linalg.eigh(x.T @ x)[1][:, ::-1][:, :k].T if size <= n else np.linalg.svd(x, False)[2][:k]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], 1)
    return PrincipalComponents(mean.astype(np.float32), (directions * np.sign(largest)).astype(np.float32) + 0.0)
