"""Rows for `tinymm.functional.losses`."""

import math
import warnings

import numpy as np
import scipy.special

from ..specification import spec
from ..strategies import arrays, calls, masks, positive, shapes, st

REDUCTIONS = ("mean", "sum", "none")
REDUCE = {"mean": np.mean, "sum": np.sum, "none": np.asarray, "batchmean": lambda loss: np.sum(loss) / len(loss)}


def pairs(reductions=REDUCTIONS, **kwargs):
    """Two arrays of one shape whose difference keeps away from 0 and 1, where the losses have kinks."""
    def fixed(shape):
        apart = st.tuples(arrays(shape), arrays(shape, low=-3, high=3)).map(kink_free)
        return apart.flatmap(lambda xt: calls(*xt, reduction=st.sampled_from(reductions),
                                              **{k: st.sampled_from(v) for k, v in kwargs.items()}))
    return shapes(0, 3).flatmap(fixed)


def kink_free(pair):
    """The distance from x to t moved onto odd multiples of 0.1, give or take 0.03; the kinks are even multiples."""
    x, d = pair
    return x, np.asarray(x - (np.floor(d * 5) / 5 + 0.1 + 0.03 * np.sin(9 * d)))


def termwise(loss):
    """A loss of two numbers as a loop over elements, then the reduction."""
    def reference(x, target, reduction, **kwargs):
        terms = [loss(float(a), float(b), **kwargs) for a, b in zip(np.ravel(x), np.ravel(target))]
        return REDUCE[reduction](np.reshape(terms, np.shape(x)))
    return reference


def mirrors(name):
    return lambda torch, x, target, **kwargs: getattr(torch.nn.functional, name)(x, target, **kwargs)


def huber(x, t, delta):
    d = math.fabs(x - t)
    return d * d / 2 if d < delta else delta * (d - delta / 2)


spec("mse_loss", pairs, termwise(lambda x, t: (x - t) ** 2), mirrors("mse_loss"))
spec("l1_loss", pairs, termwise(lambda x, t: math.fabs(x - t)), mirrors("l1_loss"))
spec("huber_loss", lambda: pairs(delta=(1.0, 0.4, 2.0)), termwise(huber), mirrors("huber_loss"))
spec("smooth_l1_loss", lambda: pairs(beta=(1.0, 0.4, 2.0)), termwise(lambda x, t, beta: huber(x, t, beta) / beta),
     mirrors("smooth_l1_loss"))


def distributions(log_target):
    """Log-probabilities, and positive targets or their logarithms."""
    def fixed(shape):
        return calls(arrays(shape), arrays(shape) if log_target else positive(shape), log_target=log_target,
                     reduction=st.sampled_from((*REDUCTIONS, "batchmean")))
    return shapes(1, 3).flatmap(fixed)


def kl_reference(x, target, reduction, log_target):
    t = np.exp(target) if log_target else target
    return REDUCE[reduction](scipy.special.kl_div(t, np.exp(x)) + t - np.exp(x))


def torch_kl_div(torch, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that "mean" is not the divergence
        return torch.nn.functional.kl_div(*args, **kwargs)


spec("kl_div", lambda: distributions(False), kl_reference, torch_kl_div)
spec("kl_div", lambda: distributions(True), kl_reference, torch_kl_div)


def answers(weighted):
    """Scores and probabilities of yes, with weights that broadcast."""
    def fixed(shape):
        extras = dict(weight=positive(shape), pos_weight=positive(shape[-1:])) if weighted else {}
        target = st.one_of(masks(shape).map(lambda m: m.astype(float)), positive(shape, 0, 1))
        return calls(arrays(shape, low=-4, high=4), target, reduction=st.sampled_from(REDUCTIONS), **extras)
    return shapes(1, 3).flatmap(fixed)


def bce_reference(x, target, reduction, weight=1.0, pos_weight=1.0):
    p = scipy.special.expit(x)
    return REDUCE[reduction](
        -weight * (pos_weight * target * np.log(p) + (1 - target) * np.log(scipy.special.expit(-x))))


spec("binary_cross_entropy_with_logits", lambda: answers(False), bce_reference,
     mirrors("binary_cross_entropy_with_logits"))
spec("binary_cross_entropy_with_logits", lambda: answers(True), bce_reference,
     mirrors("binary_cross_entropy_with_logits"))
