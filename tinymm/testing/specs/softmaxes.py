"""Rows for `tinymm.functional.softmaxes`."""

import scipy.special

from ..specification import spec
from ..strategies import arrays, calls, shapes, st


def along_an_axis():
    """An array and one of its axes."""
    return shapes(1, 3).flatmap(
        lambda shape: calls(arrays(shape, low=-6, high=6), st.integers(-len(shape), len(shape) - 1)))


def along_the_middle():
    return calls(arrays((2, 3, 4), low=-6, high=6), st.sampled_from((1, -2)))


spec("softmax", along_an_axis, lambda x, dim: scipy.special.softmax(x, dim),
     lambda torch, x, dim: torch.nn.functional.softmax(x, dim))
spec("softmax", along_the_middle, lambda x, dim: scipy.special.softmax(x, dim),
     lambda torch, x, dim: torch.nn.functional.softmax(x, dim))
spec("log_softmax", along_an_axis, lambda x, dim: scipy.special.log_softmax(x, dim),
     lambda torch, x, dim: torch.nn.functional.log_softmax(x, dim))
spec("log_softmax", along_the_middle, lambda x, dim: scipy.special.log_softmax(x, dim),
     lambda torch, x, dim: torch.nn.functional.log_softmax(x, dim))
