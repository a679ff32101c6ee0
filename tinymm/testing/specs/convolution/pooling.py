"""Rows for `tinymm.functional.convolution.pooling`: every window cut out and looked at by itself."""

import numpy as np

from ...specification import spec
from ...strategies import arrays, calls, st


@st.composite
def poolings(draw, dilated=False, side_by_side=False):
    """An image whose pixels are all different, and a geometry in which at least one window fits."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = None if side_by_side else draw(st.one_of(st.none(), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    padding = (0, 0) if side_by_side else tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) if dilated else (1, 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    sides = [draw(st.integers(max(1, r - 2 * p), r - 2 * p + 4)) for r, p in zip(reach, padding)]
    if side_by_side:
        sides = [k * draw(st.integers(1, 3)) for k in kernel]
    image = draw(arrays((draw(st.integers(1, 2)), draw(st.integers(1, 2)), *sides), distinct=True))
    return (image, kernel, stride, padding, *([dilation] if dilated else [])), {}


@st.composite
def averages(draw):
    """The same with a rule for pixels outside the image."""
    args, _ = draw(poolings())
    return args, {"count_include_pad": draw(st.booleans())}


@st.composite
def grids(draw):
    """An image and the grid it is averaged into, coarser, finer or equal."""
    image = draw(arrays((2, draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(st.integers(1, 6)))))
    size = draw(st.one_of(st.integers(1, 4), st.tuples(*[st.one_of(st.none(), st.integers(1, 7))] * 2)))
    return (image, size), {}


def cut(x, kernel, stride, padding, dilation=(1, 1)):
    """For each window, the list of its pixels that lie inside the image."""
    stride = kernel if stride is None else stride
    shape = [(n + 2 * p - d * (k - 1) - 1) // s + 1
             for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation)]
    windows = np.empty((*x.shape[:2], *shape), object)
    for b, c, v, u in np.ndindex(windows.shape):
        rows = [v * stride[0] + i * dilation[0] - padding[0] for i in range(kernel[0])]
        columns = [u * stride[1] + j * dilation[1] - padding[1] for j in range(kernel[1])]
        windows[b, c, v, u] = [x[b, c, k, m] for k in rows if 0 <= k < x.shape[2]
                               for m in columns if 0 <= m < x.shape[3]]
    return windows


def each(f, windows):
    return np.array([f(pixels) for pixels in windows.ravel()]).reshape(windows.shape)


def largest(x, *geometry):
    return each(lambda pixels: max(pixels, default=-np.inf), cut(x, *geometry))


def average(x, kernel, stride, padding, count_include_pad=True):
    return each(lambda pixels: sum(pixels) / (kernel[0] * kernel[1] if count_include_pad else len(pixels)),
                cut(x, kernel, stride, padding))


def averaged_grid(x, size):
    size = size if isinstance(size, tuple) else (size, size)
    height, width = (n if k is None else k for n, k in zip(x.shape[2:], size))
    y = np.empty((*x.shape[:2], height, width))
    for v, u in np.ndindex(height, width):
        rows = slice(int(np.floor(v * x.shape[2] / height)), int(np.ceil((v + 1) * x.shape[2] / height)))
        columns = slice(int(np.floor(u * x.shape[3] / width)), int(np.ceil((u + 1) * x.shape[3] / width)))
        y[:, :, v, u] = x[:, :, rows, columns].mean((2, 3))
    return y


def mirrors(name):
    return lambda torch, *args, **kwargs: getattr(torch.nn.functional, name)(*args, **kwargs)


def seeing():
    """Windows that see at least one pixel each; for one that sees none the result is -inf, as in PyTorch."""
    return poolings(dilated=True).filter(lambda call: all(cut(*call[0]).ravel()))


spec("max_pool2d", seeing, largest, mirrors("max_pool2d"))
spec("max_pool2d", lambda: poolings(side_by_side=True), largest, mirrors("max_pool2d"))
spec("max_pool2d", lambda: calls(arrays((1, 5, 3, 3), distinct=True), (2, 2), (1, 1), (1, 1)), largest,
     mirrors("max_pool2d"))
spec("avg_pool2d", averages, average, mirrors("avg_pool2d"))
spec("avg_pool2d", lambda: poolings(side_by_side=True), average, mirrors("avg_pool2d"))
spec("adaptive_avg_pool2d", grids, averaged_grid, mirrors("adaptive_avg_pool2d"))
