r"""Losses that bring the pairs of two modalities together and keep everything else apart.

All compare unit vectors by $s_{ij} = e^{\text{log\_scale}}\, x_i \cdot y_j$, a cosine divided by the temperature
$\tau = e^{-\text{log\_scale}}$. Of Tensors they give Tensors, of arrays plain numbers.
"""

import numpy as np

from ... import functional as F
from ...autograd import Tensor

__all__ = ["info_nce", "info_nce_any", "info_nce_one_way", "sigmoid_loss", "similarities", "unit"]


def unit(x, eps=1e-12):
    r"""Vectors brought to length 1: $x / \lVert x \rVert$; one shorter than `eps` has no direction and becomes 0.

    Parameters
    ----------
    x : Tensor or ndarray (..., D)
    eps : float

    Returns
    -------
    Tensor (..., D)

    Notes
    -----
    The gradient of a vector that became 0 is 0, and no gradient is larger than 1/eps times the one that came in.
    `functional.normalize` divides such a vector by eps instead; its gradient at 0 is g/eps, which ends a training run.

    Examples
    --------
    >>> import numpy as np
    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    length = F.norm(x, axis=-1, keepdims=True)                                          # (..., 1)
    return x / F.where(length > eps, length, np.inf)


def similarities(x, y, log_scale):
    r"""Scaled cosines of every pair of unit vectors: $s_{ij} = e^{\text{log\_scale}}\, x_i \cdot y_j$.

    Parameters
    ----------
    x : Tensor or ndarray (B, D)
    y : Tensor or ndarray (N, D)
        Both of length 1, as `unit` makes them.
    log_scale : Tensor () or float

    Returns
    -------
    Tensor (B, N)

    Raises
    ------
    ValueError
        If x and y are not matrices of vectors of one width.

    Examples
    --------
    >>> import numpy as np
    >>> similarities(np.eye(2), np.eye(2), np.log(10.0)).round(2)
    array([[10.,  0.],
           [ 0., 10.]])
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in (*x.shape, *y.shape):
        raise ValueError(f"similarities: x and y must be (B, D) and (N, D); got {x.shape} and {y.shape}")
    if not isinstance(log_scale, Tensor):
        log_scale = np.asarray(log_scale, x.dtype)
    return F.exp(log_scale) * (x @ y.mT)


def info_nce(x, y, log_scale, targets=None):
    r"""Symmetric InfoNCE: each x must find its y among all of the batch, and each y its x.

    $$ L = \frac12 \left( \frac1B \sum_i \ell(s_{i \cdot}, P_i) + \frac1N \sum_j \ell(s_{\cdot j}, P'_j) \right),
    \qquad \ell(s, P) = -\frac{1}{|P|} \sum_{p \in P} \ln \frac{e^{s_p}}{\sum_k e^{s_k}} $$

    where $P_i$ are the right columns of row i and $P'_j$ the right rows of column j. Without `targets` they are the
    diagonal, and $\ell$ is the plain cross-entropy.

    Parameters
    ----------
    x : Tensor (B, D)
    y : Tensor (N, D)
        Unit vectors, as `unit` makes them.
    log_scale : Tensor () or float
        Logarithm of the scale of the cosines, minus the logarithm of the temperature.
    targets : bool array (B, N), optional
        True where x_i and y_j belong together; at least one in each row. By default x_i and y_i do. A column without a
        True is a further negative for all rows and has no loss of its own.

    Returns
    -------
    Tensor ()

    Raises
    ------
    ValueError
        If the shapes do not fit, `targets` is not boolean, or a row has no True.

    Notes
    -----
    Identical embeddings give ln B (of a square batch), with any targets. With several right answers the minimum is not
    0: it is the mean of $\ln |P|$, since a softmax can give each of them at most 1/|P|. `info_nce_any` asks for one of
    them only, and can reach 0.

    References
    ----------
    Radford et al. (2021), Learning transferable visual models from natural language supervision, Figure 3; several
    right answers: Khosla et al. (2020), Supervised contrastive learning, eq. 2 (L_out).

    Examples
    --------
    >>> import numpy as np, math
    >>> same_vector = unit(np.ones((4, 3)))
    >>> info_nce(same_vector, same_vector, 2.0).item() == math.log(4)
    True
    """
    return _both_ways("info_nce", _mean_of_right, x, y, log_scale, targets)


def info_nce_any(x, y, log_scale, targets=None):
    r"""As `info_nce`, but one right answer of several is enough: $\ell(s, P) = -\ln \sum_{p \in P} e^{s_p} / \sum_k
    e^{s_k}$.

    Parameters
    ----------
    x, y, log_scale, targets
        As for `info_nce`.

    Returns
    -------
    Tensor ()

    Notes
    -----
    By Jensen's inequality it is never above `info_nce`, and equal to it where each row has one right answer. Its
    gradient leaves the right answers their relative order: the nearest of them is drawn in most, in proportion to its
    softmax among them. Identical embeddings give ln B − ln |P|, if each row has |P| right ones.

    References
    ----------
    Miech et al. (2020), End-to-end learning of visual representations from uncurated instructional videos, eq. 1
    (MIL-NCE); but for the constant ln |P| also L_in of Khosla et al. (2020), eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> x, y, everything_fits = unit(np.eye(3)), unit(np.ones((3, 3))), np.ones((3, 3), bool)
    >>> round(info_nce_any(x, y, 0.0, everything_fits).item(), 6), round(info_nce(x, y, 0.0, everything_fits).item(), 6)
    (0.0, 1.098612)
    """
    return _both_ways("info_nce_any", _any_of_right, x, y, log_scale, targets)


def info_nce_one_way(query, keys, log_scale, targets=None):
    r"""The rows' half of `info_nce`: queries find their keys. Against a queue only this half exists.

    Parameters
    ----------
    query : Tensor (B, D)
    keys : Tensor or ndarray (N, D)
        Unit vectors; N ≥ B.
    log_scale : Tensor () or float
    targets : bool array (B, N), optional
        By default query i belongs to key i, and the keys from B on are negatives.

    Returns
    -------
    Tensor ()

    References
    ----------
    van den Oord et al. (2018), Representation learning with contrastive predictive coding, eq. 4; He et al. (2020),
    Momentum contrast for unsupervised visual representation learning, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> round(info_nce_one_way(unit(np.eye(2)), unit(np.eye(5)[:, :2]), 0.0).item(), 4)
    0.9048
    """
    logits = similarities(query, keys, log_scale)
    return _mean_of_right(logits, _right("info_nce_one_way", logits.shape, targets)).mean()


def sigmoid_loss(x, y, log_scale, bias, targets=None):
    r"""SigLIP: every pair is a question of its own, do they belong together?

    $$ L = -\frac1B \sum_{ij} \ln \sigma\bigl(z_{ij} (t\, x_i \cdot y_j + b)\bigr), \qquad t = e^{\text{log\_scale}},
    \quad z_{ij} = \pm 1 $$

    Parameters
    ----------
    x : Tensor (B, D)
    y : Tensor (N, D)
        Unit vectors.
    log_scale, bias : Tensor () or float
    targets : bool array (B, N), optional
        True where z = +1; by default the diagonal.

    Returns
    -------
    Tensor ()

    Notes
    -----
    There is no softmax, so a row may have any number of right answers, and its loss does not depend on how large the
    batch is but through the sum of its negatives. At t = 10, b = −10, where training starts, the negatives cost next to
    nothing and each positive about 10 − 10 x·y: the loss of random vectors is about 10, not ln B.

    References
    ----------
    Zhai et al. (2023), Sigmoid loss for language image pre-training, §3.2 and Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = (unit(rng.standard_normal((256, 64))) for _ in range(2))
    >>> round(sigmoid_loss(x, y, np.log(10.0), -10.0).item(), 1)
    10.1
    """
    scores = similarities(x, y, log_scale)
    if not isinstance(bias, Tensor):
        bias = np.asarray(bias, scores.dtype)
    z = np.where(_right("sigmoid_loss", scores.shape, targets, in_each_row=False), 1, -1).astype(scores.dtype)
    return F.softplus(-z * (scores + bias)).sum() / scores.shape[0]                     # −ln σ(a) = ln(1 + e^−a)


def _both_ways(name, row_losses, x, y, log_scale, targets):
    """The mean of the rows' and of the columns' mean losses."""
    logits = similarities(x, y, log_scale)                                              # (B, N)
    right = _right(name, logits.shape, targets)
    asks = np.flatnonzero(right.any(axis=0))                                            # columns that have an answer
    columns = logits.mT if len(asks) == logits.shape[1] else logits.mT[asks]
    return (row_losses(logits, right).mean() + row_losses(columns, right.T[asks]).mean()) / 2


def _mean_of_right(logits, right):
    """The cross-entropy of each row with a target spread evenly over its right answers: (B,)."""
    share = right / right.sum(axis=1, keepdims=True)
    return -(share.astype(logits.dtype) * F.log_softmax(logits, 1)).sum(1)


def _any_of_right(logits, right):
    """Minus the logarithm of the softmax's sum over the right answers, of each row: (B,)."""
    return F.logsumexp(logits, 1) - F.logsumexp(F.masked_fill(logits, ~right, -np.inf), 1)


def _right(name, shape, targets, in_each_row=True):
    """The targets, checked; the diagonal if there are none: bool (B, N)."""
    if targets is None:
        if shape[1] < shape[0]:
            raise ValueError(f"{name}: without targets y must have at least as many rows as x; got {shape}")
        return np.eye(*shape, dtype=bool)
    targets = np.asarray(targets)
    if targets.dtype != bool or targets.shape != shape:
        raise ValueError(f"{name}: targets must be boolean of shape {shape}; got {targets.dtype} {targets.shape}")
    if in_each_row and not targets.any(axis=1).all():
        raise ValueError(f"{name}: each row of targets needs a True; row {targets.any(axis=1).argmin()} has none")
    return targets
