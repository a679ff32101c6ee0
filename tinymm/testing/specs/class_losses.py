"""Rows for `tinymm.functional.class_losses`."""

import numpy as np

from ...functional import cross_entropy
from ..specification import spec
from ..strategies import arrays, calls, integers, positive, shapes, st

REDUCTIONS = ("mean", "sum", "none")


def classified(smoothed=True, shape=None):
    """Scores, class indices of which some but not all are ignored, whatever number says so; class weights or none."""
    def fixed(shape):
        places = shape[:1] * (len(shape) > 1) + shape[2:]
        classes = shape[1] if len(shape) > 1 else shape[0]
        extras = dict(label_smoothing=st.sampled_from((0.0, 0.1, 1.0))) if smoothed else {}
        return st.sampled_from((-1, -100, 0) if classes > 1 else (-1, -100)).flatmap(lambda ignored: calls(
            arrays(shape, low=-4, high=4), integers(places, -1, classes).map(lambda t: some_counted(t, ignored)),
            weight=st.one_of(st.none(), positive((classes,))), ignore_index=ignored,
            reduction=st.sampled_from(REDUCTIONS), **extras))
    return (shapes(1, 4, max_side=3) if shape is None else st.just(shape)).flatmap(fixed)


def some_counted(target, ignored):
    """`ignored` for −1; in the first place class 0, or 1 where 0 is ignored, if all are."""
    target = np.where(np.asarray(target) == -1, ignored, target)
    if (target == ignored).all():
        target[(0,) * target.ndim] = int(ignored == 0)
    return target


def distributed():
    """Scores and class probabilities (any positive numbers: the formula is linear in them)."""
    def fixed(shape):
        classes = shape[1] if len(shape) > 1 else shape[0]
        return calls(arrays(shape, low=-4, high=4), positive(shape), weight=st.one_of(st.none(), positive((classes,))),
                     reduction=st.sampled_from(REDUCTIONS), label_smoothing=st.sampled_from((0.0, 0.3)))
    return shapes(1, 4, max_side=3).flatmap(fixed)


def each_place(x, target):
    """(place, its scores, its target or target row)."""
    axis = 1 if x.ndim > 1 else 0
    x = np.moveaxis(x, axis, -1)
    target = target if target.dtype.kind != "f" else np.moveaxis(target, axis, -1)
    return ((i, x[i], target[i]) for i in np.ndindex(x.shape[:-1])), x.shape[:-1]


def surprise(scores):
    """−ln p of each class."""
    return -np.log(np.exp(scores) / np.exp(scores).sum())


def index_reference(x, target, weight, ignore_index, reduction, label_smoothing=0.0, nll=False):
    places, shape = each_place(x, target)
    loss = np.zeros(shape)
    total = 0.0
    classes = x.shape[1 if x.ndim > 1 else 0]
    w = np.ones(classes) if weight is None else weight
    for i, scores, t in places:
        if t != ignore_index:
            s = -scores if nll else surprise(scores)
            loss[i] = (1 - label_smoothing) * w[t] * s[t] + label_smoothing * np.mean(w * s)
            total += w[t]
    return {"none": loss, "sum": loss.sum(), "mean": loss.sum() / total}[reduction]


def probability_reference(x, target, weight, reduction, label_smoothing):
    places, shape = each_place(x, target)
    loss = np.zeros(shape)
    for i, scores, q in places:
        q = (1 - label_smoothing) * q + label_smoothing / len(q)
        loss[i] = np.sum((1 if weight is None else weight) * q * surprise(scores))
    return {"none": loss, "sum": loss.sum(), "mean": loss.mean()}[reduction]


def mirrors(name):
    return lambda torch, x, target, **kwargs: getattr(torch.nn.functional, name)(x, target, **kwargs)


spec("index_cross_entropy", classified, index_reference, mirrors("cross_entropy"))
spec("index_cross_entropy", classified, index_reference, mirrors("cross_entropy"), function=cross_entropy)
spec("index_cross_entropy", lambda: classified(shape=(2, 4, 3)), index_reference, mirrors("cross_entropy"))
spec("index_cross_entropy", distributed, probability_reference, mirrors("cross_entropy"), function=cross_entropy,
     complex_step=False)  # it tells probabilities from indices by their dtype
spec("nll_loss", lambda: classified(smoothed=False), lambda *a, **k: index_reference(*a, **k, nll=True),
     mirrors("nll_loss"))
spec("nll_loss", lambda: classified(smoothed=False, shape=(2, 4, 3)),
     lambda *a, **k: index_reference(*a, **k, nll=True), mirrors("nll_loss"))
