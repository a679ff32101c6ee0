"""Losses on continuous targets and on probabilities: how far a prediction is from what it should have been.

Losses of class scores are in `class_losses`. Prediction and target must have one
shape: PyTorch broadcasts, which turns (N,) against (N, 1) into N² differences.
"""

import numpy as np

from ..autograd import Tensor, op
from .elementwise import sigmoid, softplus
from .reductions import mean, sum

__all__ = ["binary_cross_entropy_with_logits", "huber_loss", "kl_div", "l1_loss", "mse_loss", "smooth_l1_loss"]


@op
def mse_loss(x, target, reduction="mean"):
    r"""Squared error: $\ell = (x - t)^2$.

    Parameters
    ----------
    x, target : Tensor or array_like
        Of one shape.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    Raises
    ------
    ValueError
        If the shapes differ, the reduction is unknown, or the mean is over nothing.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.mse_loss(np.array([1.0, 5.0]), np.array([1.0, 2.0])).item()
    4.5
    """
    d = _difference("mse_loss", x, target)
    return reduced("mse_loss", d * d, reduction)


@mse_loss.vjp
def mse_loss_vjp(g, x, target, reduction):  # x̄ = 2 g (x − t)
    d = _share(g, x, reduction) * (2 * (x - target))
    return d, lambda: -d


@op
def l1_loss(x, target, reduction="mean"):
    r"""Absolute error: $\ell = |x - t|$.

    Parameters
    ----------
    x, target : Tensor or array_like
        Of one shape.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.l1_loss(np.array([1.0, 5.0]), np.array([1.0, 2.0])).item()
    1.5
    """
    return reduced("l1_loss", np.abs(_difference("l1_loss", x, target)), reduction)


@l1_loss.vjp
def l1_loss_vjp(g, x, target, reduction):   # x̄ = g sign(x − t)
    d = _share(g, x, reduction) * np.sign(x - target)
    return d, lambda: -d


@op
def huber_loss(x, target, reduction="mean", delta=1.0):
    r"""Squared error near, absolute far: $\ell = \tfrac12 d^2$ where $|d| < \delta$,
    else $\delta(|d| - \tfrac12\delta)$.

    Parameters
    ----------
    x, target : Tensor or array_like
        Of one shape; d is their difference.
    reduction : {"mean", "sum", "none"}
    delta : float
        Where the square ends; positive.

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.huber_loss(np.array([1.0, 5.0]), np.array([0.0, 2.0]), reduction="none")
    array([0.5, 2.5])
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive; got {delta}")
    d = np.abs(_difference("huber_loss", x, target))
    near = np.minimum(d, delta)
    return reduced("huber_loss", near * (d - 0.5 * near), reduction)


@huber_loss.vjp
def huber_loss_vjp(g, x, target, reduction, delta):     # x̄ = g · d clipped to [−δ, δ]
    d = _share(g, x, reduction) * np.clip(x - target, -delta, delta)
    return d, lambda: -d


@op
def smooth_l1_loss(x, target, reduction="mean", beta=1.0):
    r"""Huber's loss divided by its threshold: $\ell = d^2 / 2\beta$ where $|d| < \beta$, else $|d| - \tfrac12\beta$.

    Parameters
    ----------
    x, target : Tensor or array_like
        Of one shape; d is their difference.
    reduction : {"mean", "sum", "none"}
    beta : float
        Where the square ends; positive.

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.smooth_l1_loss(np.array([1.0, 5.0]), np.array([0.0, 2.0]), beta=2.0, reduction="none")
    array([0.25, 2.  ])
    """
    if not beta > 0:
        raise ValueError(f"smooth_l1_loss: beta must be positive (for 0 use l1_loss); got {beta}")
    d = np.abs(_difference("smooth_l1_loss", x, target))
    near = np.minimum(d, beta)
    return reduced("smooth_l1_loss", near * (d - 0.5 * near) / beta, reduction)


@smooth_l1_loss.vjp
def smooth_l1_loss_vjp(g, x, target, reduction, beta):  # x̄ = g · d/β clipped to [−1, 1]
    d = _share(g, x, reduction) * np.clip((x - target) / beta, -1.0, 1.0)
    return d, lambda: -d


@op
def kl_div(x, target, reduction="mean", log_target=False):
    r"""Kullback-Leibler divergence, term by term: $\ell = t\,(\ln t - x)$, x being log-probabilities.

    Parameters
    ----------
    x : Tensor or array_like
        Log-probabilities of the prediction.
    target : Tensor or array_like
        Probabilities in the shape of x; a term with $t = 0$ is 0.
    reduction : {"mean", "batchmean", "sum", "none"}
        The divergence of distributions is "batchmean": the sum divided by the length of the first axis. "mean"
        divides by the number of terms, as PyTorch's does.
    log_target : bool
        Whether the target is given as logarithms: $\ell = e^t (t - x)$.

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    Notes
    -----
    $\mathrm{KL}(t \,\|\, p)$ with $p = e^x$: the prediction comes first here, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> prediction, target = np.log(np.array([[0.5, 0.5]])), np.array([[1.0, 0.0]])
    >>> float(F.kl_div(prediction, target, reduction="batchmean").round(4))
    0.6931
    """
    d = _difference("kl_div", x, target)
    target = _counted(x, target)
    if log_target:
        terms = np.exp(target) * -d
    else:
        terms = np.where(target > 0, target * (np.log(np.where(target > 0, target, 1)) - x), 0)
    return reduced("kl_div", terms, reduction)


@kl_div.vjp
def kl_div_vjp(g, x, target, reduction, log_target):
    # x̄ = −g t,  t̄ = g (ln t + 1 − x);  with a target in logs x̄ = −g e^t,  t̄ = g e^t (t − x + 1)
    g = _share(g, x, reduction)
    if log_target:
        return lambda: -g * np.exp(target), lambda: g * np.exp(target) * (target - x + 1)
    return lambda: -g * target, lambda: g * np.where(target > 0, np.log(np.where(target > 0, target, 1)) + 1 - x, 0)


@op
def binary_cross_entropy_with_logits(x, target, weight=None, reduction="mean", pos_weight=None):
    r"""Cross-entropy of yes/no answers, from scores: $\ell = -p\,t \ln\sigma(x) - (1 - t) \ln(1 - \sigma(x))$.

    Parameters
    ----------
    x : Tensor or array_like
        Scores (logits).
    target : Tensor or array_like
        Probabilities of yes, in the shape of x.
    weight : array_like, optional
        Multiplies each loss; broadcasts to x.
    reduction : {"mean", "sum", "none"}
    pos_weight : array_like, optional
        The p of the formula, weight of a yes; broadcasts to x.

    Returns
    -------
    Tensor
        A scalar, or the shape of x for "none".

    Notes
    -----
    Computed as $(1 - t)\ln(1 + e^x) + p\,t\ln(1 + e^{-x})$, in which no digits cancel. Both logarithms are
    $\max(\pm x, 0) + \ln(1 + e^{-|x|})$, which never overflows.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.binary_cross_entropy_with_logits(np.array([0.0, 1e4]), np.array([1.0, 1.0]), reduction="none").round(4)
    array([0.6931, 0.    ])
    """
    _difference("binary_cross_entropy_with_logits", x, target)
    target = _counted(x, target)
    yes, no = _yes(x, target, pos_weight), 1 - target
    loss = no * np.maximum(x, 0) + yes * np.maximum(-x, 0) + (no + yes) * np.log1p(np.exp(-np.abs(x)))
    if weight is not None:
        loss = loss * _like(x, weight)
    return reduced("binary_cross_entropy_with_logits", loss, reduction)


@binary_cross_entropy_with_logits.vjp
def binary_cross_entropy_with_logits_vjp(g, x, target, weight, reduction, pos_weight):
    # x̄ = g ((1 − t) σ(x) − p t σ(−x)),  t̄ = g (p ln(1 + e^−x) − ln(1 + e^x))
    g = _share(g, x, reduction)
    if weight is not None:
        g = g * _like(x, weight)
    p = 1 if pos_weight is None else _like(x, pos_weight)
    return (lambda: g * ((1 - target) * sigmoid(x) - _yes(x, target, pos_weight) * sigmoid(-x)),
            lambda: g * (p * softplus(-x) - softplus(x)))


def _yes(x, target, pos_weight):
    """p t."""
    return target if pos_weight is None else _like(x, pos_weight) * target


def _like(x, constant):
    """A constant in the dtype of x."""
    return np.asarray(constant).astype(x.dtype)


def _difference(name, x, target):
    """x − t, of one shape."""
    if np.shape(x) != np.shape(target):
        raise ValueError(f"{name}: prediction and target must have one shape; got {np.shape(x)} and {np.shape(target)}")
    return np.subtract(x, _counted(x, target))


def _counted(x, target):
    """A target of integers or booleans, in the dtype of x: float32 with int64 would give float64."""
    x = np.asarray(x)
    whole = np.asarray(target)
    return whole.astype(x.dtype) if whole.dtype.kind in "iub" and x.dtype.kind == "f" else target


def reduced(name, loss, reduction):
    """The mean or sum of losses, or the losses."""
    if reduction == "none":
        return loss
    loss = loss if isinstance(loss, Tensor) else np.asarray(loss)  # a NumPy scalar would become a Python number
    if reduction == "sum":
        return sum(loss)
    if reduction != "mean" and not (reduction == "batchmean" and name == "kl_div"):
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none'; got {reduction!r}")
    if not loss.size:
        raise ValueError(f"{name}: a mean over no elements does not exist; got shape {loss.shape}")
    return mean(loss) if reduction == "mean" else sum(loss) / len(loss)


def _share(g, x, reduction):
    """The cotangent of each loss, from that of the reduced loss."""
    if reduction == "mean":
        return g / x.size
    return g / len(x) if reduction == "batchmean" else g
