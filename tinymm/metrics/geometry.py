r"""Where the embeddings of two modalities lie on the sphere: the gap between them, how near pairs are, how spread all.

Every function brings its vectors to length 1 first: $\hat x = x / \lVert x \rVert$.
"""

import math
from typing import NamedTuple

import numpy as np

from .retrieval import positives

__all__ = ["Plane", "alignment", "close_gap", "geometry_scores", "mean_cosine", "modality_gap", "pair_cosines",
           "principal_plane", "uniformity"]

BLOCK = 1024  # rows of pairwise products at a time


def modality_gap(x, y):
    r"""Distance of the two modalities' means: $\lVert \operatorname{mean}\hat x - \operatorname{mean}\hat y \rVert$.

    Parameters
    ----------
    x : (N, D) float array
    y : (M, D) float array

    Returns
    -------
    float
        From 0 to 2.

    References
    ----------
    Liang et al. (2022), Mind the gap: understanding the modality gap in multi-modal contrastive representation
    learning, §4.2.

    Examples
    --------
    >>> modality_gap([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]), modality_gap([[1.0]], [[-5.0]])
    (0.0, 2.0)
    """
    return float(np.linalg.norm(_unit(x).mean(axis=0) - _unit(y).mean(axis=0)))


def alignment(x, y):
    r"""Mean squared distance of the pairs: $\operatorname{mean}_i \lVert \hat x_i - \hat y_i \rVert^2$; 0 is best.

    Parameters
    ----------
    x, y : (N, D) float array
        Row i of x belongs to row i of y.

    Returns
    -------
    float
        From 0 to 4: 2 − 2 · (mean cosine of the pairs).

    References
    ----------
    Wang and Isola (2020), Understanding contrastive representation learning through alignment and uniformity on the
    hypersphere, §4.1 (α = 2).

    Examples
    --------
    >>> alignment([[1.0, 0.0]], [[0.0, 2.0]])
    2.0
    """
    x, y = _pairs("alignment", x, y)
    return float(np.mean(np.sum((x - y) ** 2, axis=1)))


def uniformity(x, t=2.0):
    r"""How evenly vectors cover the sphere: $\ln \operatorname{mean}_{i<j} e^{-t \lVert \hat x_i - \hat x_j \rVert^2}$.

    Parameters
    ----------
    x : (N, D) float array
        N at least 2.
    t : float

    Returns
    -------
    float
        0 if all are equal; the lower, the more even. Vectors drawn evenly from a sphere of many dimensions have squared
        distances near 2, and so near −2t.

    References
    ----------
    Wang and Isola (2020), §4.1.

    Examples
    --------
    >>> uniformity([[1.0, 0.0], [1.0, 0.0]]), uniformity([[1.0, 0.0], [0.0, 1.0]])
    (0.0, -4.0)
    """
    x = _unit(x)
    if len(x) < 2:
        raise ValueError(f"uniformity: needs at least two vectors; got {len(x)}")
    total = 0.0
    for start in range(0, len(x), BLOCK):
        rows = x[start:start + BLOCK]
        below = np.arange(len(x)) < np.arange(start, start + len(rows))[:, None]            # each pair once
        total += np.exp(-t * np.maximum(2 - 2 * rows @ x.T, 0))[below].sum()                # ‖x − x′‖² = 2 − 2 x · x′
    return math.log(total / (len(x) * (len(x) - 1) / 2))


def mean_cosine(x):
    r"""Mean cosine within one modality: $\operatorname{mean}_{i \neq j} \hat x_i \cdot \hat x_j$.

    It says how narrow the cone is in which the vectors lie: 0 for vectors without a common direction.

    Parameters
    ----------
    x : (N, D) float array
        N at least 2.

    Returns
    -------
    float

    Examples
    --------
    >>> mean_cosine([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    -0.3333333333333333
    """
    x = _unit(x)
    if len(x) < 2:
        raise ValueError(f"mean_cosine: needs at least two vectors; got {len(x)}")
    # ‖Σ x‖² = N + Σ_{i≠j} xᵢ · xⱼ
    return float((np.sum(x.sum(axis=0) ** 2) - len(x)) / (len(x) * (len(x) - 1)))


def pair_cosines(x, y, targets=None):
    """Mean cosine of the pairs that belong together and of those that do not.

    Parameters
    ----------
    x : (N, D) float array
    y : (M, D) float array
    targets : (N,) int array, or (N, M) bool array, optional
        As for `standing`: which belong together.

    Returns
    -------
    (float, float)
        The second is NaN if all belong together.

    Examples
    --------
    >>> pair_cosines([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    (1.0, 0.0)
    """
    x, y = _unit(x), _unit(y)
    matched = positives((len(x), len(y)), targets)
    total, inside = float(x.sum(axis=0) @ y.sum(axis=0)), 0.0
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        inside += float((x[rows] @ y.T)[matched[rows]].sum())
    n = int(matched.sum())
    return inside / n, (total - inside) / (matched.size - n) if matched.size > n else math.nan


def geometry_scores(x, y):
    """Gap, alignment, uniformity and cosines of paired embeddings, under the names of a run's metrics.

    Parameters
    ----------
    x, y : (N, D) float array
        Row i of x belongs to row i of y; N at least 2.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> scores = geometry_scores([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> scores["modality_gap"], scores["alignment"], scores["cosine_matched"], scores["cosine_unmatched"]
    (0.0, 0.0, 1.0, 0.0)
    """
    matched, unmatched = pair_cosines(x, y)
    return {"modality_gap": modality_gap(x, y), "alignment": alignment(x, y), "uniformity_x": uniformity(x),
            "uniformity_y": uniformity(y), "cosine_matched": matched, "cosine_unmatched": unmatched,
            "cosine_within_x": mean_cosine(x), "cosine_within_y": mean_cosine(y)}


def close_gap(x, y, mean_x=None, mean_y=None):
    r"""Both modalities moved to a common centre, $\hat x - \operatorname{mean} \hat x$, and brought to length 1 again.

    Parameters
    ----------
    x : (N, D) float array
    y : (M, D) float array
    mean_x, mean_y : (D,) float array, optional
        Means of the unit vectors of other items, such as the training set's: those of a test set say something about
        its other items. By default the means of x and y.

    Returns
    -------
    (N, D) ndarray, (M, D) ndarray
        Unit vectors.

    Notes
    -----
    It often raises R@1, and not always: compare `ranks` before and after on validation. That a gap is closed says
    nothing about the pairs: two clouds around one centre may be paired wrongly throughout.

    Examples
    --------
    >>> x, y = close_gap([[1.0, 0.1], [1.0, -0.1]], [[-1.0, 0.2], [-1.0, -0.2]])
    >>> x.round(3).tolist(), y.round(3).tolist()
    ([[0.0, 1.0], [0.0, -1.0]], [[0.0, 1.0], [0.0, -1.0]])
    """
    x, y = _unit(x), _unit(y)
    mean_x = x.mean(axis=0) if mean_x is None else np.asarray(mean_x)
    mean_y = y.mean(axis=0) if mean_y is None else np.asarray(mean_y)
    return _unit(x - mean_x), _unit(y - mean_y)


class Plane(NamedTuple):
    """What `principal_plane` returns: where each vector falls on the two axes, and how much of the variance they show.

    Attributes
    ----------
    x : (N, 2) ndarray
    y : (M, 2) ndarray
    share : float
        From 0 to 1.
    """

    x: np.ndarray
    y: np.ndarray
    share: float


def principal_plane(x, y):
    r"""Two modalities projected on the two principal axes of both together, for drawing.

    With all unit vectors, less their common mean, as the rows of $A = U S V^\top$, the coordinates are $A v_1, A v_2$.

    Parameters
    ----------
    x : (N, D) float array
    y : (M, D) float array
        D at least 2.

    Returns
    -------
    Plane

    Notes
    -----
    An axis's sign means nothing; here the largest of its components is positive, so that a picture can be repeated.
    Where there is a gap, it is usually the first axis.

    Examples
    --------
    >>> found = principal_plane([[1.0, 0.0], [1.0, 0.1]], [[0.0, 1.0], [0.1, 1.0]])
    >>> found.x.shape, round(found.share, 6)
    ((2, 2), 1.0)
    """
    x, y = _unit(x), _unit(y)
    if x.shape[1] != y.shape[1] or x.shape[1] < 2:
        raise ValueError(f"principal_plane: needs (N, D) and (M, D), D at least 2; got {x.shape} and {y.shape}")
    both = np.concatenate([x, y])
    centred = both - both.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)                                   # ascending
    axes = axes[:, [-1, -2]]                                                                # (D, 2)
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    total = variances.sum()
    plane = centred @ axes
    return Plane(plane[:len(x)], plane[len(x):], float(variances[-2:].sum() / total) if total > 0 else 1.0)


def _unit(x):
    """The vectors brought to length 1, in float64."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "iuf" or not np.isfinite(x).all():
        raise ValueError(f"geometry: embeddings must be a non-empty matrix of finite numbers; got {x.dtype} {x.shape}")
    x = x.astype(np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    if (length == 0).any():
        raise ValueError(f"geometry: a vector of length 0 has no direction; got row {(length[:, 0] == 0).argmax()}")
    return x / length


def _pairs(name, x, y):
    x, y = _unit(x), _unit(y)
    if x.shape != y.shape:
        raise ValueError(f"{name}: pairs must be two matrices of one shape; got {x.shape} and {y.shape}")
    return x, y
