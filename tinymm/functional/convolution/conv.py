"""Convolutions (cross-correlations, as everywhere in deep learning): one- and two-dimensional, and transposed.

The arithmetic is in `columns`: a convolution, its gradient by the image and its
gradient by the kernel are three views of one trilinear form, and the transposed
convolution is the second of them with the roles exchanged. Here: the formulas,
their explicit forms (one matrix product per kernel pixel), and the checks.
"""

import math

from ...autograd import op
from ...cores.sums import total
from ..indexing import getitem, place
from .columns import correlate, kernel_gradient, spread
from .windows import Geometry, geometry_of, pair

__all__ = ["conv1d", "conv2d", "conv_transpose2d"]


@op
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    r"""Two-dimensional convolution: the kernel's inner product with every window of the image.

    $$y_{b,o,v,u} = \beta_o + \sum_{c=1}^{C/G} \sum_{i,j} w_{o,c,i,j}\;
    x_{b,\,c_0(o)+c,\; v s + i d - p,\; u s + j d - p}$$

    for each of the $B \cdot O \cdot H' \cdot W'$ results: seven nested loops, which one matrix product with
    the columns of windows does. x is 0 outside the image; $c_0(o)$ is the first channel of o's group.

    Parameters
    ----------
    input : Tensor or array, (B, C, H, W)
    weight : Tensor or array, (O, C / groups, kh, kw)
    bias : Tensor or array, (O,), optional
    stride, dilation : int or (int, int)
        Step from window to window; step from pixel to pixel inside a window.
    padding : int, (int, int), 'valid' or 'same'
        Zeros on each side; 'same' (stride 1 only) keeps the size, an odd zero goes below and to the right.
    groups : int
        Output group k sees input group k only.

    Returns
    -------
    Tensor, (B, O, H', W')
        $H' = \lfloor (H + 2p - d(kh - 1) - 1) / s \rfloor + 1$, W' likewise; in the dtype of the input.

    Raises
    ------
    ValueError
        If the channels do not match, the groups do not divide them, or the kernel is larger than the padded image.

    Notes
    -----
    Windows pass through a buffer of columns, those of several images or some rows of a large one at a time; a 1×1
    kernel needs no columns.

    References
    ----------
    Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning", relationship 14.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> image = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> F.conv2d(image, np.array([[[[-1.0, 1.0]]]]))        # differences along the width
    array([[[[1., 1.],
             [1., 1.],
             [1., 1.]]]])
    """
    geometry = _geometry("conv2d", input, weight, bias, stride, padding, dilation, groups)
    return correlate(input, weight, geometry, groups, bias)


@conv2d.vjp
def conv2d_vjp(g, input, weight, stride, padding, dilation, groups):
    geometry = _geometry("conv2d", input, weight, None, stride, padding, dilation, groups)
    return (lambda: spread(g, weight, geometry, groups),            # x̄: every response paints its window
            lambda: kernel_gradient(g, input, geometry, groups),    # w̄: every window, weighted by its response
            lambda: total(g, (0, 2, 3)))                            # β̄ₒ = Σ g[:, o]


@conv2d.composite
def conv2d_composite(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """y = Σᵢⱼ W[:, :, i, j] · (what the windows see through kernel pixel i, j)."""
    geometry = _geometry("conv2d", input, weight, bias, stride, padding, dilation, groups)
    batch = len(input)
    depth = weight.shape[1]                                                         # C / G
    width = len(weight) // groups                                                   # O / G
    x = place(input, geometry.inside, (*input.shape[:2], *geometry.padded))
    y = 0
    for i, j, tap in geometry.taps():
        seen = x[tap].reshape(batch, groups, depth, math.prod(geometry.windows))    # (B, G, C/G, H'W')
        y = y + weight[:, :, i, j].reshape(groups, width, depth) @ seen             # (B, G, O/G, H'W')
    y = y.reshape(batch, len(weight), *geometry.windows)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    r"""One-dimensional convolution, $y_{b,o,t} = \beta_o + \sum_{c,j} w_{o,c,j}\, x_{b,c,ts+jd-p}$:
    `conv2d` of height 1.

    Parameters
    ----------
    input : Tensor or array, (B, C, T)
    weight : Tensor or array, (O, C / groups, k)
    bias : Tensor or array, (O,), optional
    stride, padding, dilation, groups
        As in `conv2d`, in one dimension.

    Returns
    -------
    Tensor, (B, O, T')
        $T' = \lfloor (T + 2p - d(k - 1) - 1) / s \rfloor + 1$.

    Raises
    ------
    ValueError
        If input or weight is not three-dimensional, and as in `conv2d`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.conv1d(np.array([[[1.0, 2.0, 4.0, 8.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2., 4.]]])
    """
    if input.ndim != 3 or weight.ndim != 3:
        raise ValueError("conv1d: input must be (B, C, T) and weight (O, C / groups, k); "
                         f"got {input.shape} and {weight.shape}")
    batch, channels, time = input.shape
    out, depth, k = weight.shape
    image = input.reshape(batch, channels, 1, time)
    kernel = weight.reshape(out, depth, 1, k)
    padding = padding if isinstance(padding, str) else (0, _single(padding))
    args = image, kernel, bias, (1, _single(stride)), padding, (1, _single(dilation)), groups
    windows = _geometry("conv1d", *args).windows
    return conv2d(*args).reshape(batch, out, windows[1])


@op
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    r"""Transposed convolution: every pixel paints a kernel; overlapping paint adds up.

    $$y_{b,o,\;v s + i d - p,\; u s + j d - p} \mathrel{+}= \sum_c w_{c,o,i,j}\; x_{b,c,v,u},
      \qquad y \text{ starts at } \beta_o$$

    It is the gradient of `conv2d` with respect to its image: it leads from the shape of the result back to the image's.

    Parameters
    ----------
    input : Tensor or array, (B, C, H, W)
    weight : Tensor or array, (C, O / groups, kh, kw)
    bias : Tensor or array, (O,), optional
    stride, dilation : int or (int, int)
        Step from painted window to window; step inside a window.
    padding : int or (int, int)
        How much is cut off each side of the result.
    output_padding : int or (int, int)
        Rows and columns added below and to the right: with a stride, images of several sizes lead to the same input.
    groups : int
        Output group k is painted by input group k only.

    Returns
    -------
    Tensor, (B, O, H', W')
        $H' = (H - 1) s - 2 p + d (kh - 1) + \text{output\_padding} + 1$, W' likewise.

    Raises
    ------
    ValueError
        If the channels do not match, the groups do not divide them, nothing is left of the result, or
        `output_padding` reaches stride and dilation.

    References
    ----------
    Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning", relationship 14.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.conv_transpose2d(np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3)), stride=(1, 2))
    array([[[[1., 1., 3., 2., 2.]]]])
    """
    geometry = _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation)
    y = spread(input, weight, geometry, groups)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


@conv_transpose2d.vjp
def conv_transpose2d_vjp(g, input, weight, stride, padding, output_padding, groups, dilation):
    geometry = _transposed(input, weight, None, stride, padding, output_padding, groups, dilation)
    return (lambda: correlate(g, weight, geometry, groups),         # the form of `conv2d`, with x and g exchanged
            lambda: kernel_gradient(input, g, geometry, groups),    # likewise
            lambda: total(g, (0, 2, 3)))                            # β̄ₒ = Σ g[:, o]


@conv_transpose2d.composite
def conv_transpose2d_composite(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """y = Σᵢⱼ (W[:, :, i, j]ᵀ x, placed where the windows' kernel pixels i, j are)."""
    geometry = _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation)
    batch = len(input)
    width = len(weight) // groups                                               # C / G
    depth = weight.shape[1]                                                     # O / G
    x = input.reshape(batch, groups, width, math.prod(input.shape[2:]))         # (B, G, C/G, HW)
    y = 0
    for i, j, tap in geometry.taps():
        paint = weight[:, :, i, j].reshape(groups, width, depth).mT @ x         # (B, G, O/G, HW)
        paint = paint.reshape(batch, groups * depth, *geometry.windows)
        y = y + place(paint, tap, (batch, groups * depth, *geometry.padded))
    y = getitem(y, geometry.inside)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


def _geometry(name, input, weight, bias, stride, padding, dilation, groups):
    """Check the arguments of a convolution and lay out its windows."""
    _check_dims(name, input, weight, groups, "(O, C / groups, kh, kw)")
    if weight.shape[0] % groups or input.shape[1] != groups * weight.shape[1]:
        raise ValueError(f"{name}: groups must divide the {weight.shape[0]} output channels, "
                         f"and the input have groups x {weight.shape[1]} channels; "
                         f"got {input.shape[1]} channels and groups {groups}")
    _check_bias(name, bias, weight.shape[0])
    return geometry_of(name, input.shape[2:], weight.shape[2:], stride, padding, dilation)


def _transposed(input, weight, bias, stride, padding, output_padding, groups, dilation):
    """Check the arguments; the layout of the convolution whose windows are the input's pixels."""
    name = "conv_transpose2d"
    _check_dims(name, input, weight, groups, "(C, O / groups, kh, kw)")
    if weight.shape[0] % groups or input.shape[1] != weight.shape[0]:
        raise ValueError(f"{name}: the input must have the {weight.shape[0]} channels of the weight, and groups divide "
                         f"them; got {input.shape[1]} channels and groups {groups}")
    _check_bias(name, bias, groups * weight.shape[1])
    stride = pair(stride, name, "stride", 1)
    dilation = pair(dilation, name, "dilation", 1)
    before = pair(padding, name, "padding", 0)
    extra = pair(output_padding, name, "output_padding", 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"{name}: output_padding must be below stride or dilation; "
                         f"got {extra}, {stride} and {dilation}")
    kernel = weight.shape[2:]
    windows = input.shape[2:]
    padded = tuple((n - 1) * s + d * (k - 1) + 1 + e for n, s, d, k, e in zip(windows, stride, dilation, kernel, extra))
    sides = tuple(n - 2 * p for n, p in zip(padded, before))
    if min(sides) < 1:
        raise ValueError(f"{name}: padding must leave something of the {padded} pixels; got padding {before}")
    return Geometry(kernel, stride, dilation, before, sides, padded, windows)


def _check_dims(name, input, weight, groups, layout):
    if input.ndim != 4 or weight.ndim != 4:
        raise ValueError(f"{name}: input must be (B, C, H, W) and weight {layout}; "
                         f"got {input.shape} and {weight.shape}")
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"{name}: groups must be a whole number, at least 1; got {groups!r}")


def _check_bias(name, bias, channels):
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{name}: bias must have one number for each of {channels} channels; got shape {bias.shape}")


def _single(value):
    """The number itself, from a number or a tuple of one."""
    return value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
