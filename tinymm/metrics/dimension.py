"""How many numbers it takes to say where a point of a data set lies: of the manifold, and of its linear hull."""

import math

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["intrinsic_dimension", "participation_ratio"]


def intrinsic_dimension(x, discard=0.1):
    r"""The dimension of the manifold on which points lie, by the distances to their two nearest neighbours (TwoNN).

    Where the density is constant over such distances, their ratio $\mu = r_2 / r_1$ has the distribution
    $F(\mu) = 1 - \mu^{-d}$, whatever the density. So the points $(\ln \mu_{(i)},\, -\ln(1 - i/N))$ lie on a line
    through the origin, whose slope is d.

    Parameters
    ----------
    x : (N, D) float array
        Equal rows count once; at least 10 must differ.
    discard : float
        The share of the largest ratios to leave out, at least 0 and below 1: there the tail is noisy.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `x` is not finite or has too few different rows, or `discard` is out of its range.

    Notes
    -----
    It is what is seen at the scale of nearest neighbours: noise that is larger than their distance adds dimensions.
    High dimensions are underestimated, for want of points. Points on a lattice have many neighbours at one distance, so
    of discrete data it means little.

    References
    ----------
    Facco, d'Errico, Rodriguez and Laio (2017), Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information, Scientific Reports 7, Methods.

    Examples
    --------
    >>> t = np.random.default_rng(0).random(1000)
    >>> round(intrinsic_dimension(np.stack([np.cos(t), np.sin(t), t], 1)))               # a curve in space
    1
    """
    x = _matrix("intrinsic_dimension", x)
    if not 0 <= discard < 1:
        raise ValueError(f"intrinsic_dimension: discard must be at least 0 and below 1; got {discard}")
    different = np.unique(x, axis=0)
    if len(different) < 10:
        raise ValueError(f"intrinsic_dimension: at least 10 rows must differ; got {len(different)} of {len(x)}")
    nearest, second = cKDTree(different).query(different, k=3)[0][:, 1:].T       # the first is the point itself
    log_ratio = np.sort(np.log(second / nearest))
    n = len(log_ratio)
    kept = np.arange(math.ceil(n * (1 - discard)) if discard else n - 1)         # of the last one, 1 − i/N is 0
    u, v = log_ratio[kept], -np.log1p(-(kept + 1) / n)
    return float(u @ v / (u @ u)) if u @ u > 0 else math.inf


def participation_ratio(x):
    r"""Over how many principal axes the variance is spread: $(\sum_i \lambda_i)^2 / \sum_i \lambda_i^2$.

    λ are the eigenvalues of the covariance. It is 1 if all variance lies along one axis, and D if it is equal along
    all D. Unlike the intrinsic dimension it counts the axes that a curved manifold reaches.

    Parameters
    ----------
    x : (N, D) float array

    Returns
    -------
    float
        0 if all rows are equal.

    Raises
    ------
    ValueError
        If `x` is not finite.

    References
    ----------
    Gao et al. (2017), A theory of multineuronal dimensionality, dynamics and measurement, eq. 5.

    Examples
    --------
    >>> participation_ratio([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    2.0
    """
    x = _matrix("participation_ratio", x)
    centred = x - x.mean(0)
    # Σ λ = tr C and Σ λ² = tr C²; the Gram matrix has the same eigenvalues, and one of the two is the smaller
    product = centred.T @ centred if x.shape[1] <= len(x) else centred @ centred.T
    squares = float((product ** 2).sum())
    return float(np.trace(product) ** 2 / squares) if squares > 0 else 0.0


def _matrix(name, x):
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or 0 in x.shape or not np.isfinite(x).all():
        raise ValueError(f"{name}: x must be finite, of shape (N, D); got shape {x.shape}")
    return x
