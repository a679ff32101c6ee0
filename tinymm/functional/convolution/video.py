"""Convolution of videos, as a two-dimensional one: the frames that the kernel covers become channels of one image."""

from ..indexing import place
from ..joining import concatenate
from ..shape import permute, reshape
from .conv import conv2d

__all__ = ["conv3d"]


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    r"""Three-dimensional convolution: the kernel's inner product with every window in time, height and width.

    $$y_{b,o,t,v,u} = \beta_o + \sum_{c,k,i,j} w_{o,c,k,i,j}\;
      x_{b,\,c_0(o)+c,\; t s_t + k d_t - p_t,\; v s_h + i d_h - p_h,\; u s_w + j d_w - p_w}$$

    For one t the sum over c and k runs over the channels of the frames $t s_t + k d_t - p_t$: with these frames stacked
    as channels, it is a `conv2d` with kernel $w_{o,(c,k),i,j}$. All t are computed at once, as a batch.

    Parameters
    ----------
    input : Tensor or array, (B, C, T, H, W)
    weight : Tensor or array, (O, C / groups, kt, kh, kw)
    bias : Tensor or array, (O,), optional
    stride, padding, dilation : int or (int, int, int)
        In time, height, width; padding with zeros on either side.
    groups : int
        Output group k sees input group k only.

    Returns
    -------
    Tensor, (B, O, T', H', W')
        $T' = \lfloor (T + 2 p_t - d_t (k_t - 1) - 1) / s_t \rfloor + 1$, H' and W' likewise; in the dtype of the input.

    Raises
    ------
    ValueError
        If input or weight is not five-dimensional, the channels do not match, or the kernel does not fit.

    References
    ----------
    Tran et al. (2015), Learning spatiotemporal features with 3D convolutional networks, §3.1.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> video = np.arange(4.0).reshape(1, 1, 4, 1, 1) ** 2          # one pixel, four frames
    >>> F.conv3d(video, np.array([-1.0, 1.0]).reshape(1, 1, 2, 1, 1)).ravel()
    array([1., 3., 5.])
    """
    if input.ndim != 5 or weight.ndim != 5:
        raise ValueError("conv3d: input must be (B, C, T, H, W) and weight (O, C / groups, kt, kh, kw); "
                         f"got {input.shape} and {weight.shape}")
    if input.shape[1] != groups * weight.shape[1]:
        raise ValueError(f"conv3d: the input must have groups x {weight.shape[1]} channels; "
                         f"got {input.shape[1]} channels and groups {groups}")
    stride = _triple(stride, "stride")
    padding = _triple(padding, "padding")
    dilation = _triple(dilation, "dilation")
    batch, channels, time, height, width = input.shape
    out, depth, taps, *kernel = weight.shape
    windows = _windows(time, taps, stride[0], padding[0], dilation[0])
    x = permute(input, (0, 2, 1, 3, 4))                                    # (B, T, C, H, W)
    if padding[0]:
        x = place(x, (slice(None), slice(padding[0], padding[0] + time)), (batch, time + 2 * padding[0], *x.shape[2:]))
    last = stride[0] * (windows - 1) + 1
    seen = [reshape(x[:, k * dilation[0]:k * dilation[0] + last:stride[0]],
                    (batch * windows, channels, 1, height, width))
            for k in range(taps)]
    frames = reshape(concatenate(seen, 2), (batch * windows, channels * taps, height, width))   # channels (c, k)
    y = conv2d(frames, reshape(weight, (out, depth * taps, *kernel)), bias, stride[1:], padding[1:],
               dilation[1:], groups)
    return permute(reshape(y, (batch, windows, *y.shape[1:])), (0, 2, 1, 3, 4))


def _windows(time, taps, stride, padding, dilation):
    """How many windows there are in time."""
    reach = dilation * (taps - 1) + 1
    padded = time + 2 * padding
    if taps < 1 or reach > padded:
        raise ValueError("conv3d: the kernel must fit into the padded frames; "
                         f"got a reach of {reach} and {padded} frames")
    return (padded - reach) // stride + 1


def _triple(value, what):
    three = tuple(value) if isinstance(value, (tuple, list)) else (value,) * 3
    if len(three) != 3 or any(not isinstance(n, int) or n < (what != "padding") for n in three):
        raise ValueError(f"conv3d: {what} must be one whole number or three, at least {int(what != 'padding')}; "
                         f"got {value!r}")
    return three
