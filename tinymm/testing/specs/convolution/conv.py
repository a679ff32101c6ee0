"""Rows for `tinymm.functional.convolution.conv`: the formulas as nested loops, on every kind of geometry."""

import warnings

import numpy as np

from ....cores import ceil_div
from ....functional import convolution
from ...specification import spec
from ...strategies import convolutions, transposed_convolutions


def looped(x, w, bias, stride, padding, dilation, groups):
    """The formula itself, one window at a time."""
    kh, kw = w.shape[2:]
    sh, sw = stride
    dh, dw = dilation
    if padding == "same":
        borders = [(d * (k - 1) // 2, ceil_div(d * (k - 1), 2)) for k, d in zip(w.shape[2:], dilation)]
    else:
        borders = [(p, p) for p in padding]
    x = np.pad(x, ((0, 0), (0, 0), *borders))
    rows = range(0, x.shape[2] - dh * (kh - 1), sh)
    columns = range(0, x.shape[3] - dw * (kw - 1), sw)
    y = np.zeros((len(x), len(w), len(rows), len(columns)))
    depth = w.shape[1]
    share = len(w) // groups
    for b, o, v, u in np.ndindex(y.shape):
        first = o // share * depth
        window = x[b, first:first + depth, rows[v]:, columns[u]:][:, :dh * (kh - 1) + 1:dh, :dw * (kw - 1) + 1:dw]
        y[b, o, v, u] = (window * w[o]).sum() + (0 if bias is None else bias[o])
    return y


def looped_line(x, w, bias, stride, padding, dilation, groups):
    """The same for a line: a sum over output steps and kernel positions."""
    if padding == "same":
        reach = dilation[0] * (w.shape[2] - 1)
        x = np.pad(x, ((0, 0), (0, 0), (0, reach % 2)))
        padding = (reach // 2,)
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2))
    steps = (x.shape[2] - dilation[0] * (w.shape[2] - 1) - 1) // stride[0] + 1
    y = np.zeros((len(x), len(w), steps))
    for o in range(len(w)):
        for c in range(w.shape[1]):
            channel = x[:, o // (len(w) // groups) * w.shape[1] + c]
            for t in range(steps):
                for j in range(w.shape[2]):
                    y[:, o, t] += w[o, c, j] * channel[:, t * stride[0] + j * dilation[0]]
        y[:, o] += 0 if bias is None else bias[o]
    return y


def painted(x, w, bias, stride, padding, extra, groups, dilation):
    """Every pixel of x adds its kernel to a canvas, which is then cut."""
    depth, kh, kw = w.shape[1:]
    sh, sw = stride
    dh, dw = dilation
    height, width = ((n - 1) * s + d * (k - 1) + 1 + e
                     for n, s, d, k, e in zip(x.shape[2:], stride, dilation, w.shape[2:], extra))
    canvas = np.zeros((len(x), groups * depth, height, width))
    for b, c, v, u in np.ndindex(x.shape):
        first = c // (len(w) // groups) * depth
        for i, j in np.ndindex(kh, kw):
            canvas[b, first:first + depth, v * sh + i * dh, u * sw + j * dw] += x[b, c, v, u] * w[c, :, i, j]
    canvas = canvas[:, :, padding[0]:height - padding[0], padding[1]:width - padding[1]]
    return canvas if bias is None else canvas + bias.reshape(-1, 1, 1)


def mirrors(name):
    """PyTorch's function of that name; it warns that an uneven 'same' costs it a copy."""
    def call(torch, *args):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same'")
            return getattr(torch.nn.functional, name)(*args)

    return call


spec("conv2d", convolutions, looped, mirrors("conv2d"))
spec("conv2d", lambda: convolutions(same=True), looped, mirrors("conv2d"))
spec("conv2d", lambda: convolutions(dims=1), looped_line, mirrors("conv1d"), function=convolution.conv1d)
spec("conv2d", lambda: convolutions(dims=1, same=True), looped_line, mirrors("conv1d"), function=convolution.conv1d)
spec("conv_transpose2d", transposed_convolutions, painted, mirrors("conv_transpose2d"))
