"""Row for `tinymm.functional.convolution.video`: the formula as a loop over windows, on every kind of geometry."""

import numpy as np

from ....functional import convolution
from ...specification import spec
from ...strategies import convolutions
from .conv import mirrors


def looped(x, w, bias, stride, padding, dilation, groups):
    """The formula itself, one window at a time."""
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    reach = [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation)]
    y = np.zeros((len(x), len(w), *((n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, stride))))
    depth = w.shape[1]
    share = len(w) // groups
    for b, o, *place in np.ndindex(y.shape):
        first = o // share * depth
        corner = [k * s for k, s in zip(place, stride)]
        window = x[(b, slice(first, first + depth), *(slice(c, c + r, d) for c, r, d in zip(corner, reach, dilation)))]
        y[(b, o, *place)] = (window * w[o]).sum() + (0 if bias is None else bias[o])
    return y


spec("conv2d", lambda: convolutions(dims=3), looped, mirrors("conv3d"), function=convolution.conv3d)
