"""Normalisations: per token (layer, RMS), per group of channels, per channel of a batch."""

import numpy as np

from .. import functional as F
from .module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm"]


class LayerNorm(Module):
    r"""Zero mean and unit variance over the last axes:
    $y = \gamma \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes.
    eps : float

    Attributes
    ----------
    weight, bias : Parameter, in the normalised shape
        $\gamma$, starts at 1; $\beta$, starts at 0.

    References
    ----------
    Ba et al. (2016), Layer normalization, eq. 4.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.LayerNorm(2)(tm.tensor([[3.0, 5.0]])).data.round(3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, normalized_shape, eps=1e-5):
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32))
        self.bias = Parameter(np.zeros(self.normalized_shape, np.float32))

    def forward(self, x):
        """x (..., *normalized_shape) to the same shape."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(Module):
    r"""Unit root mean square over the last axes: $y = \gamma \odot x / \sqrt{\overline{x^2} + \epsilon}$.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes.
    eps : float, optional
        Default: the machine epsilon of the dtype of x, as in PyTorch.

    Attributes
    ----------
    weight : Parameter, in the normalised shape
        $\gamma$, starts at 1.

    References
    ----------
    Zhang & Sennrich (2019), Root mean square layer normalization, eq. 4.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.RMSNorm(2)(tm.tensor([[3.0, -3.0]])).data.round(3).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, normalized_shape, eps=None):
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32))

    def forward(self, x):
        """x (..., *normalized_shape) to the same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}"


class GroupNorm(Module):
    r"""Zero mean and unit variance over each group of channels of one example.

    $$y = \gamma_c\,(x - \mu_g) / \sqrt{\sigma_g^2 + \epsilon} + \beta_c$$

    Parameters
    ----------
    num_groups, num_channels : int
        The first divides the second.
    eps : float

    Attributes
    ----------
    weight, bias : Parameter (num_channels,)
        $\gamma$, starts at 1; $\beta$, starts at 0.

    References
    ----------
    Wu & He (2018), Group normalization, eq. 1-7.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.GroupNorm(2, 4)(tm.tensor(np.ones((2, 4, 3, 3), np.float32))).shape
    (2, 4, 3, 3)
    """

    def __init__(self, num_groups, num_channels, eps=1e-5):
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups must divide num_channels; got {num_groups} and {num_channels}")
        self.num_groups = num_groups
        self.eps = eps
        self.weight = Parameter(np.ones(num_channels, np.float32))
        self.bias = Parameter(np.zeros(num_channels, np.float32))

    def forward(self, x):
        """x (B, C, ...) to the same shape."""
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.weight.size}, eps={self.eps}"


class _BatchNorm(Module):
    """Batch normalisation; a subclass lists in `ndims` how many axes its inputs may have."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, np.float32))
        self.bias = Parameter(np.zeros(num_features, np.float32))
        self.register_buffer("running_mean", np.zeros(num_features, np.float32))
        self.register_buffer("running_var", np.ones(num_features, np.float32))
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def forward(self, x):
        """x (B, C, ...) to the same shape."""
        if x.ndim not in self.ndims:
            raise ValueError(f"{type(self).__name__}: the input has {' or '.join(map(str, self.ndims))} axes; "
                             f"got {x.shape}")
        if self.training:
            self.num_batches_tracked += 1
        momentum = 1 / max(int(self.num_batches_tracked), 1) if self.momentum is None else self.momentum
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                            training=self.training, momentum=momentum, eps=self.eps)

    def extra_repr(self):
        return f"{self.weight.size}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(_BatchNorm):
    r"""Zero mean and unit variance of each feature over the batch.

    $$y = \gamma_c\,(x - \mu_c) / \sqrt{\sigma_c^2 + \epsilon} + \beta_c$$

    Parameters
    ----------
    num_features : int
        C.
    eps : float
    momentum : float or None
        m in the running statistics $r \leftarrow (1 - m)\,r + m\,s$, which replace the batch's own after `eval()`.
        None: the mean over all batches so far, m being 1 over their number.

    Attributes
    ----------
    weight, bias : Parameter (C,)
        $\gamma$, starts at 1; $\beta$, starts at 0.
    running_mean, running_var, num_batches_tracked : buffers (C,), (C,), ()

    Notes
    -----
    In training an example's result depends on the whole batch, padding included; where that matters use LayerNorm.

    References
    ----------
    Ioffe & Szegedy (2015), Batch normalization, algorithms 1 and 2.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.BatchNorm1d(1)(tm.tensor([[1.0], [3.0]])).data.round(3).tolist()
    [[-1.0], [1.0]]
    """

    ndims = (2, 3)  # (B, C) or (B, C, L)


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (B, C, H, W): statistics of each channel over batch and positions.

    References
    ----------
    Ioffe & Szegedy (2015), Batch normalization, §3.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.BatchNorm2d(3)(tm.tensor(np.ones((2, 3, 4, 4), np.float32))).shape
    (2, 3, 4, 4)
    """

    ndims = (4,)


def _shape(normalized_shape):
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
