"""Rows for `tinymm.functional.sketching`: their sums, term by term."""

import numpy as np

from ...functional import count_sketch
from ..specification import spec
from ..strategies import arrays, broadcastable, calls, integers, st


@st.composite
def pairs(draw):
    """Two stacks of circles of N, odd or even; the stacks broadcast."""
    lead, n = draw(broadcastable(2, 2)), draw(st.integers(1, 7))
    return tuple(draw(arrays((*axes, n))) for axes in lead), {}


def convolved(a, b):
    n = a.shape[-1]
    return np.stack([sum(a[..., m] * b[..., (k - m) % n] for m in range(n)) for k in range(n)], -1)


def correlated(a, b):
    n = a.shape[-1]
    return np.stack([sum(a[..., m] * b[..., (m + k) % n] for m in range(n)) for k in range(n)], -1)


@st.composite
def to_throw(draw):
    width, n = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    x = draw(arrays(draw(st.sampled_from(((width,), (2, width), (2, 1, width))))))
    index, sign = draw(integers((width,), 0, n)), 2 * draw(integers((width,), 0, 2)) - 1
    return (x, index, sign, n), {}


def thrown(x, index, sign, n):
    y = np.zeros((*x.shape[:-1], n))
    for i, (place, s) in enumerate(zip(index, sign)):
        y[..., place] += s * x[..., i]
    return y


def by_transform(torch, a, b, conjugate=False):
    A = torch.fft.rfft(a)
    return torch.fft.irfft((A.conj() if conjugate else A) * torch.fft.rfft(b), a.shape[-1])


spec("circular_convolution", pairs, convolved, by_transform, complex_step=False)  # NumPy's rfft takes real numbers
spec("circular_correlation", pairs, correlated, lambda torch, a, b: by_transform(torch, a, b, True),
     complex_step=False)
spec("place", to_throw, thrown, function=count_sketch)
