"""Losses of class scores: cross-entropy and negative log-likelihood.

The class axis is the second, (N, C, d1, ...), or the only one, (C,). The target
is an index of a class or a distribution over classes.
"""

import numpy as np

from ..autograd import Tensor, op, saving
from ..cores.blocks import as_floating
from ..cores.sums import for_sums
from .losses import reduced
from .reductions import sum
from .softmaxes import along, exponentials, log_softmax

__all__ = ["cross_entropy", "index_cross_entropy", "nll_loss"]


def cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    r"""Cross-entropy of softmax scores: $\ell = -\sum_c w_c\, q_c \ln\operatorname{softmax}(x)_c$.

    Parameters
    ----------
    input : Tensor or ndarray, (N, C), (N, C, d1, ...) or (C,)
        Scores x (logits).
    target : int array (N), (N, d1, ...) or (), or a float array in the shape of the input
        The true class: q is 1 there. Or q itself, class probabilities.
    weight : array_like (C,), optional
        The w of the formula.
    ignore_index : int
        A target that is not counted.
    reduction : {"mean", "sum", "none"}
        The mean over indices is weighted by $w_t$, that over probabilities is not.
    label_smoothing : float
        $\epsilon$ in [0, 1]: q becomes $(1 - \epsilon)\,q + \epsilon / C$.

    Returns
    -------
    Tensor
        A scalar, or the shape of the input without its class axis.

    Raises
    ------
    ValueError
        If a target is not a class, shapes disagree, or a mean has nothing to count (PyTorch gives NaN for that).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.cross_entropy(np.zeros((2, 4)), np.array([3, -100])).round(4))
    1.3863
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must lie in [0, 1]; got {label_smoothing}")
    target = target if isinstance(target, Tensor) else np.asarray(target)
    if target.dtype.kind != "f":
        return index_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    if target.shape != input.shape:
        raise ValueError("cross_entropy: class probabilities must have the shape of the input; "
                         f"got {target.shape} and {input.shape}")
    axis = _class_axis(input)
    q = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
    log_p = log_softmax(input, axis)
    unused = q == 0
    if weight is not None:
        w = _class_weight("cross_entropy", input, weight).reshape(-1, *[1] * (input.ndim - axis - 1))
        unused = unused | (w == 0)
    terms = q * np.where(unused & (log_p == -np.inf), 0, log_p)                 # 0 ln 0 = 0
    if weight is not None:
        terms = terms * w
    loss = -sum(terms, axis)
    return reduced("cross_entropy", loss, reduction)


@op
def index_cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    r"""`cross_entropy` for class indices, fused: $\ell = \ln\sum_c e^{x_c - x_t}$,
    with the softmax kept for the gradient.

    Parameters
    ----------
    x, target, weight, ignore_index, reduction, label_smoothing
        As for `cross_entropy`.

    Returns
    -------
    Tensor
        A scalar, or the shape of the target.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.index_cross_entropy(np.array([[0.0, 1e4], [5.0, 5.0]]), np.array([1, 0]), reduction="none").round(4)
    array([0.    , 0.6931])
    """
    dtype = as_floating(x).dtype
    x = for_sums(x)
    axis = _class_axis(x)
    where, kept, w = _chosen_classes("cross_entropy", x, target, weight, ignore_index, axis)
    true = np.take_along_axis(x, where, axis)
    e, total, c = exponentials(x, axis, true)                                   # c = x_t, or the maximum: see there
    hidden = ~np.isfinite(total) & ~(kept if label_smoothing else w != 0)
    if hidden.any():                                                            # no gradient of NaN · 0 from there
        np.copyto(e, 0, where=hidden)
        total[hidden] = 1
    loss = np.zeros_like(w)
    np.multiply(w, np.log(total) - (true - c), out=loss, where=w != 0)
    if label_smoothing:
        share = _smoothing(x, weight, label_smoothing, axis)
        terms = share * (np.log(total) + c - x)
        if not share.all():
            terms = np.where(share != 0, terms, 0)                              # a class without weight, if x_c = −∞
        loss *= 1 - label_smoothing
        loss += np.where(kept, sum(terms, axis, keepdims=True), 0)
    divisor = _mean_divisor("cross_entropy", w, reduction)
    y = _collected("cross_entropy", loss, axis, reduction, divisor).astype(dtype, copy=False)
    return saving(y, e=e, total=total, where=where, kept=kept, w=w, divisor=divisor)


@index_cross_entropy.vjp
def index_cross_entropy_vjp(g, x, weight, reduction, label_smoothing, e, total, where, kept, w, divisor):
    # x̄ = g (softmax(x) Σ_c q_c − q),  q_c = (1 − ε) w_t 1{c = t} + ε w_c / C
    axis = _class_axis(x)
    g = np.expand_dims(g, axis) if reduction == "none" else g / divisor
    hit = np.where(w != 0, g * ((1 - label_smoothing) * w), 0)
    mass = hit
    if label_smoothing:
        share = np.where(kept, g, 0) * _smoothing(x, weight, label_smoothing, axis)
        mass = hit + sum(share, axis, keepdims=True)
    d = np.empty_like(e)
    along(lambda d, e, mass, dim: np.multiply(e, mass, out=d), axis, d, e, mass / total)
    np.put_along_axis(d, where, np.take_along_axis(d, where, axis) - hit, axis)
    if label_smoothing:
        d -= share
    return d


@index_cross_entropy.composite
def index_cross_entropy_composite(x, target, weight, ignore_index, reduction, label_smoothing):
    axis = _class_axis(x)
    where, kept, w = _chosen_classes("cross_entropy", x, target, weight, ignore_index, axis)
    q = (1 - label_smoothing) * _one_hot(x, where, w, axis)
    if label_smoothing:
        q += kept * _smoothing(x, weight, label_smoothing, axis)
    x = np.where((q != 0).any(axis, keepdims=True), x, 0)
    loss = -(np.where(q != 0, log_softmax(x, axis), 0) * q).sum(axis, keepdims=True)
    return _collected("cross_entropy", loss, axis, reduction, _mean_divisor("cross_entropy", w, reduction))


@op
def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    r"""Negative log-likelihood of the true class: $\ell = -w_t\, x_t$, x being log-probabilities.

    Parameters
    ----------
    x : Tensor or ndarray, (N, C), (N, C, d1, ...) or (C,)
        Log-probabilities.
    target : int array (N), (N, d1, ...) or ()
    weight : array_like (C,), optional
        The w of the formula.
    ignore_index : int
        A target that is not counted.
    reduction : {"mean", "sum", "none"}
        The mean is weighted: the sum divided by $\sum w_t$.

    Returns
    -------
    Tensor
        A scalar, or the shape of the target.

    Raises
    ------
    ValueError
        If a target is not a class, shapes disagree, or a mean has nothing to count (PyTorch gives NaN for that).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.nll_loss(np.array([[-1.0, -2.0], [-3.0, -4.0]]), np.array([0, 1])).item()
    2.5
    """
    axis = _class_axis(x, "nll_loss")
    where, _, w = _chosen_classes("nll_loss", x, target, weight, ignore_index, axis)
    loss = np.zeros_like(w)
    np.multiply(-w, np.take_along_axis(x, where, axis), out=loss, where=w != 0)
    divisor = _mean_divisor("nll_loss", w, reduction)
    return saving(_collected("nll_loss", loss, axis, reduction, divisor), where=where, w=w, divisor=divisor)


@nll_loss.vjp
def nll_loss_vjp(g, x, reduction, where, w, divisor):   # x̄_c = −g w_t 1{c = t}
    axis = _class_axis(x)
    g = np.expand_dims(g, axis) if reduction == "none" else g / divisor
    hot = _one_hot(x, where, -w, axis)
    return np.where(hot != 0, g * hot, 0)


def _class_axis(x, name="cross_entropy"):
    """The axis of the classes in (N, C, ...) or (C,)."""
    axis = 1 if x.ndim > 1 else 0
    if x.shape[axis:axis + 1] in ((), (0,)):
        raise ValueError(f"{name}: needs at least one class; got {x.shape}")
    return axis


def _chosen_classes(name, x, target, weight, ignore_index, axis):
    """The true class of each position, whether it counts, and its weight (0 if it does not).

    In each of the three the class axis is kept, with length 1.
    """
    target = np.asarray(target)
    if target.dtype.kind not in "iu":
        raise ValueError(f"{name}: the target must be class indices; got {target.dtype}")
    if target.shape != x.shape[:axis] + x.shape[axis + 1:]:
        raise ValueError(f"{name}: the target must have the shape of the input without its class axis; "
                         f"got {target.shape} for {x.shape}")
    classes = x.shape[axis]
    kept = target != ignore_index
    wrong = target[kept & ((target < 0) | (target >= classes))]
    if wrong.size:
        raise ValueError(f"{name}: a target must lie in [0, {classes}) or equal ignore_index ({ignore_index}); "
                         f"got {wrong.flat[0]}")
    where = np.expand_dims(np.where(kept, target, 0).astype(np.intp), axis)
    kept = np.expand_dims(kept, axis)
    w = np.ones(1, x.dtype) if weight is None else _class_weight(name, x, weight)[where]
    return where, kept, kept * w


def _class_weight(name, x, weight):
    """The weight of each class, in the dtype of x."""
    weight = np.asarray(weight, x.dtype)
    if weight.shape != (x.shape[_class_axis(x)],):
        raise ValueError(f"{name}: one weight per class; got {weight.shape} for {x.shape}")
    return weight


def _smoothing(x, weight, label_smoothing, axis):
    """ε w_c / C, laid along the class axis."""
    classes = x.shape[axis]
    share = np.ones(classes, x.dtype) if weight is None else _class_weight("cross_entropy", x, weight)
    return (share * (label_smoothing / classes)).reshape(-1, *[1] * (x.ndim - axis - 1))


def _one_hot(x, where, w, axis):
    """Zeros in the shape of x, with w at the true class."""
    hot = np.zeros(x.shape, x.dtype)
    np.put_along_axis(hot, where, w, axis)
    return hot


def _mean_divisor(name, w, reduction):
    """What the sum of losses is divided by: for a mean the sum of weights, else 1."""
    if reduction != "mean":
        return 1
    total = float(sum(w))
    if total == 0:
        raise ValueError(f"{name}: a mean over no targets does not exist; all {w.size} are ignored or have weight 0")
    return total


def _collected(name, loss, axis, reduction, divisor):
    """The losses without their class axis, or their sum divided."""
    if reduction == "none":
        return loss.reshape(loss.shape[:axis] + loss.shape[axis + 1:])
    if reduction not in ("mean", "sum"):
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none'; got {reduction!r}")
    return sum(loss) / divisor
