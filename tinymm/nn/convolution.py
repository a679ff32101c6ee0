"""Convolutions of sequences, images and videos, and the transposed convolution that enlarges an image."""

import math

import numpy as np

from .. import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d"]


class Conv1d(Module):
    r"""Cross-correlation along the last axis: $y_{o,l} = b_o + \sum_{i,k} w_{o,i,k}\, x_{i,\, sl + dk - p}$.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int
    bias : bool
        Whether b exists.
    rng : numpy.random.Generator
        Draws w and b from $U(-k, k)$, $k = \text{fan}_{in}^{-1/2}$.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels, kernel_size)
    bias : Parameter (out_channels,) or None

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Conv1d(3, 8, 5, padding=2, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 10), np.float32)).shape
    (2, 8, 10)
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, *, dilation=1, bias=True, rng):
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.weight, self.bias = _weight_and_bias((out_channels, in_channels, kernel_size), out_channels, bias, rng)

    def forward(self, x):
        """x (B, in_channels, L) to (B, out_channels, L')."""
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)

    def extra_repr(self):
        return _described(self)


class Conv2d(Module):
    r"""Cross-correlation of images: $y_{o,h,w} = b_o + \sum_{i,k,l} w_{o,i,k,l}\, x_{i,\, sh + k - p,\, sw + l - p}$.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding : int or (int, int)
    groups : int
        Channels are split into this many groups that do not mix.
    bias : bool
        Whether b exists.
    rng : numpy.random.Generator
        Draws w and b from $U(-k, k)$, $k = \text{fan}_{in}^{-1/2}$.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, *kernel_size)
    bias : Parameter (out_channels,) or None

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Conv2d(3, 8, 3, padding=1, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 16, 16), np.float32)).shape
    (2, 8, 16, 16)
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, *, groups=1, bias=True, rng):
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError("Conv2d: groups must divide both channel counts; "
                             f"got {groups} for {in_channels} and {out_channels}")
        self.stride = stride
        self.padding = padding
        self.groups = groups
        shape = (out_channels, in_channels // groups, *_pair(kernel_size))
        self.weight, self.bias = _weight_and_bias(shape, out_channels, bias, rng)

    def forward(self, x):
        """x (B, in_channels, H, W) to (B, out_channels, H', W')."""
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)

    def extra_repr(self):
        return _described(self)


class Conv3d(Module):
    r"""Cross-correlation of videos, over time, height and width: `functional.conv3d` with parameters.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding : int or (int, int, int)
        In time, height, width.
    bias : bool
        Whether there is one.
    rng : numpy.random.Generator
        Draws weight and bias from $U(-k, k)$, $k = \text{fan}_{in}^{-1/2}$.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels, *kernel_size)
    bias : Parameter (out_channels,) or None

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Conv3d(3, 8, 3, padding=1, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 5, 16, 16), np.float32)).shape
    (2, 8, 5, 16, 16)
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, *, bias=True, rng):
        self.stride = stride
        self.padding = padding
        kernel = (kernel_size,) * 3 if isinstance(kernel_size, int) else tuple(kernel_size)
        self.weight, self.bias = _weight_and_bias((out_channels, in_channels, *kernel), out_channels, bias, rng)

    def forward(self, x):
        """x (B, in_channels, T, H, W) to (B, out_channels, T', H', W')."""
        return F.conv3d(x, self.weight, self.bias, self.stride, self.padding)

    def extra_repr(self):
        return _described(self)


class ConvTranspose2d(Module):
    r"""The adjoint of a convolution, which enlarges:
    $y_{o,\, sh + k - p,\, sw + l - p} \mathrel{+}= w_{i,o,k,l}\, x_{i,h,w}$.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding : int or (int, int)
    bias : bool
        Whether b exists.
    rng : numpy.random.Generator
        Draws w and b from $U(-k, k)$, $k = (\text{out\_channels}\cdot|\text{kernel}|)^{-1/2}$, as PyTorch does.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels, *kernel_size)
    bias : Parameter (out_channels,) or None

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 8, 7, 7), np.float32)).shape
    (2, 3, 14, 14)
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, *,
                 bias=True, rng):
        self.stride = stride
        self.padding = padding
        self.output_padding = output_padding
        shape = (in_channels, out_channels, *_pair(kernel_size))
        self.weight, self.bias = _weight_and_bias(shape, out_channels, bias, rng)

    def forward(self, x):
        """x (B, in_channels, H, W) to (B, out_channels, H', W').

        H' = (H − 1)·stride − 2·padding + kernel + output_padding, and W' likewise.
        """
        return F.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding, self.output_padding)

    def extra_repr(self):
        return _described(self)


def _weight_and_bias(shape, out_channels, bias, rng):
    """Both drawn as PyTorch draws them; without `bias`, None in its place."""
    weight = init.kaiming_uniform_(Parameter(np.empty(shape, np.float32)), math.sqrt(5), rng=rng)
    if not bias:
        return weight, None
    fan_in, _ = init.fans(weight)
    bound = 1 / math.sqrt(fan_in)
    return weight, init.uniform_(Parameter(np.empty(out_channels, np.float32)), -bound, bound, rng=rng)


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _described(layer):
    """The weight's shape and those settings that this kind of layer has."""
    names = ("stride", "padding", "dilation", "groups", "output_padding")
    settings = [f"{name}={getattr(layer, name)}" for name in names if hasattr(layer, name)]
    return ", ".join([f"weight={layer.weight.shape}", *settings, f"bias={layer.bias is not None}"])
