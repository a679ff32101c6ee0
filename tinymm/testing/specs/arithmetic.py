"""Rows for `tinymm.functional.arithmetic`."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, broadcastable, calls, positive, st, tensors_of


def pairs(**kwargs):
    """Two arrays that broadcast."""
    return tensors_of(broadcastable(2), **kwargs).map(lambda ab: (tuple(ab), {}))


def apart():
    """Two arrays that broadcast and tie nowhere: the fraction of b's multiples of 0.1 is one half."""
    def rounded(call):
        (a, b), _ = call
        return (np.asarray(np.round(a, 1)), np.asarray(np.round(b, 1) + 0.05)), {}
    return pairs(low=-2, high=2).map(rounded)


spec("add", pairs, lambda a, b: np.add(a, b), torch=lambda torch, a, b: torch.add(a, b))
spec("subtract", pairs, lambda a, b: np.add(a, np.negative(b)), torch=lambda torch, a, b: torch.subtract(a, b))
spec("multiply", pairs, lambda a, b: np.multiply(a, b), torch=lambda torch, a, b: torch.multiply(a, b))
spec("divide", lambda: pairs(gap=0.4), lambda a, b: a * np.reciprocal(b), torch=lambda torch, a, b: torch.divide(a, b))
spec("negative", lambda: calls(arrays()), lambda x: 0 - x, torch=lambda torch, x: torch.negative(x))
spec("power", lambda: pairs(low=0.3, high=2.5), lambda a, b: np.exp(b * np.log(a)),
     torch=lambda torch, a, b: torch.pow(a, b))
spec("power", lambda: calls(arrays(gap=0.3), st.sampled_from((2, 3, -1, 0, 2.0))),
     lambda a, n: np.sign(a) ** n * np.exp(n * np.log(np.abs(a))), torch=lambda torch, a, n: torch.pow(a, n))
spec("power", lambda: calls(st.sampled_from((2.0, 0.5)), positive()), lambda a, b: np.exp(b * np.log(a)),
     torch=lambda torch, a, b: torch.pow(a, b))
spec("maximum", apart, lambda a, b: np.where(a > b, a, b), torch=lambda torch, a, b: torch.maximum(a, b))
spec("minimum", apart, lambda a, b: np.where(a < b, a, b), torch=lambda torch, a, b: torch.minimum(a, b))
