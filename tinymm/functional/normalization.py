r"""Normalisations: subtract a mean, divide by a deviation, scale and shift. They differ in what is averaged over.

Layer norm: the features of one position. RMS norm: the same, without a mean. Group norm: a group of channels
of one example. Batch norm: one channel over the whole batch. All share one gradient,
$\bar x = \frac1\sigma\,(\bar{\hat x} - \langle\bar{\hat x}\rangle - \hat x\,\langle\bar{\hat x} \odot \hat x\rangle)$.
"""

import math

import numpy as np

from ..autograd import op, saving
from ..cores.blocks import as_floating, over_rows
from ..cores.sums import column_sum, for_sums, inner, total
from .reductions import centred
from .scaling import is_in_range, scale_of

__all__ = ["batch_norm", "group_norm", "layer_norm", "rms_norm"]


@op
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    r"""Normalise over the last axes: $y = w \odot \hat x + b$, $\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}$.

    Parameters
    ----------
    x : Tensor or ndarray, (..., *normalized_shape)
    normalized_shape : int or tuple of int
        The axes that $\mu$ and the (biased) variance $\sigma^2$ are taken over.
    weight, bias : Tensor or ndarray, optional
        In that shape.
    eps : float

    Returns
    -------
    Tensor
        In the shape of x.

    Raises
    ------
    ValueError
        If x does not end in `normalized_shape`, or weight or bias do not have it.

    Notes
    -----
    A row is measured from its first element, so that a constant row, however large, gives exactly the bias.

    References
    ----------
    Ba, Kiros, Hinton, "Layer normalization", 2016, equation 3.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.layer_norm(np.array([[1.0, 3.0], [5.0, 5.0]]), 2, eps=1e-12)
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    n = _width("layer_norm", x, normalized_shape, weight, bias)
    rows = for_sums(x).reshape(x.size // max(n, 1), n)
    y = np.empty_like(rows, order="C")
    hat = np.empty_like(rows, order="C")
    rstd = np.empty_like(rows, order="C", shape=(len(rows), 1))

    def normalise(hat, rstd, x, eps):
        np.subtract(x, x[:, :1], out=hat)
        hat -= _row_mean(hat)
        rstd[...] = 1 / np.sqrt(_row_mean(hat, hat) + eps)
        hat *= rstd

    def fill(y, hat, rstd, x):
        _in_range(normalise, hat, rstd, x, eps)
        _scaled(y, hat, weight, bias)

    over_rows(fill, y, hat, rstd, rows)
    return saving(y.astype(as_floating(x).dtype, copy=False).reshape(x.shape), hat=hat, rstd=rstd)


@layer_norm.vjp
def layer_norm_vjp(g, weight, bias, hat, rstd):     # x̄ = (1/σ)(ḡ − ⟨ḡ⟩ − x̂ ⟨ḡ ⊙ x̂⟩),  ḡ = w ⊙ g
    rows = g.reshape(hat.shape)

    def wrt_x():
        d = np.empty_like(hat)
        over_rows(fill, d, rows, hat, rstd)
        return d.reshape(g.shape)

    def fill(d, g, hat, rstd):
        _scaled(d, g, weight)
        shift = hat * _row_mean(d, hat)
        shift += _row_mean(d)
        d -= shift
        d *= rstd

    return wrt_x, None, *_affine_gradients(rows, hat, weight, bias)


@layer_norm.composite
def layer_norm_composite(x, normalized_shape, weight, bias, eps):
    axes = _last_axes(normalized_shape)
    scale = _scale(x, axes, eps)
    d = centred(x / scale, axes)
    return _affine(d / np.sqrt((d * d).mean(axes, keepdims=True) + eps / scale / scale), weight, bias)


@op
def rms_norm(x, normalized_shape, weight=None, eps=None):
    r"""Divide by the root mean square over the last axes: $y = w \odot x / \sqrt{\langle x^2\rangle + \epsilon}$.

    Parameters
    ----------
    x : Tensor or ndarray, (..., *normalized_shape)
    normalized_shape : int or tuple of int
        The axes that the mean is taken over.
    weight : Tensor or ndarray, optional
        In that shape.
    eps : float, optional
        Default: the machine epsilon of x's dtype.

    Returns
    -------
    Tensor
        In the shape of x.

    References
    ----------
    Zhang, Sennrich, "Root mean square layer normalization", 2019, equation 4.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rms_norm(np.array([3.0, -3.0]), 2)
    array([ 1., -1.])
    """
    n = _width("rms_norm", x, normalized_shape, weight)
    rows = for_sums(x).reshape(x.size // max(n, 1), n)
    y = np.empty_like(rows, order="C")
    hat = np.empty_like(rows, order="C")
    rstd = np.empty_like(rows, order="C", shape=(len(rows), 1))

    def normalise(hat, rstd, x, eps):
        rstd[...] = 1 / np.sqrt(_row_mean(x, x) + eps)
        np.multiply(x, rstd, out=hat)

    def fill(y, hat, rstd, x):
        _in_range(normalise, hat, rstd, x, _machine_epsilon(x, eps))
        _scaled(y, hat, weight)

    over_rows(fill, y, hat, rstd, rows)
    return saving(y.astype(as_floating(x).dtype, copy=False).reshape(x.shape), hat=hat, rstd=rstd)


@rms_norm.vjp
def rms_norm_vjp(g, weight, hat, rstd):     # x̄ = (1/σ)(ḡ − x̂ ⟨ḡ ⊙ x̂⟩),  ḡ = w ⊙ g
    rows = g.reshape(hat.shape)

    def wrt_x():
        d = np.empty_like(hat)
        over_rows(fill, d, rows, hat, rstd)
        return d.reshape(g.shape)

    def fill(d, g, hat, rstd):
        _scaled(d, g, weight)
        d -= hat * _row_mean(d, hat)
        d *= rstd

    return wrt_x, None, _affine_gradients(rows, hat, weight, None)[0]


@rms_norm.composite
def rms_norm_composite(x, normalized_shape, weight, eps):
    axes = _last_axes(normalized_shape)
    eps = _machine_epsilon(x, eps)
    scale = _scale(x, axes, eps)
    x = x / scale
    return _affine(x / np.sqrt((x * x).mean(axes, keepdims=True) + eps / scale / scale), weight, None)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    r"""Normalise each group of channels of each example, then scale and shift each channel.

    Parameters
    ----------
    input : Tensor or ndarray, (N, C, ...)
    num_groups : int
        Divides C; 1 averages over all channels, C over each on its own (instance norm).
    weight, bias : Tensor or ndarray, (C,), optional
    eps : float

    Returns
    -------
    Tensor
        In the shape of the input.

    Raises
    ------
    ValueError
        If the groups do not divide the channels.

    References
    ----------
    Wu, He, "Group normalization", 2018, equation 7.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2).round(2)
    array([[-1.,  1., -1.,  1.]])
    """
    N, C = input.shape[:2]
    if num_groups < 1 or C % num_groups:
        raise ValueError(f"group_norm: the groups must divide the channels; got {num_groups} groups for {input.shape}")
    n = math.prod(input.shape[1:]) // num_groups
    hat = layer_norm(input.reshape(N, num_groups, n), n, eps=eps).reshape(input.shape)
    channels = (C, *[1] * (input.ndim - 2))
    return _affine(hat, *(a if a is None else a.reshape(channels) for a in (weight, bias)))


@op
def batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    r"""Normalise each channel over batch and positions:
    $y = w\,\hat x + b$, $\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}$.

    Parameters
    ----------
    x : Tensor or ndarray, (N, C, ...)
    running_mean, running_var : ndarray or Tensor, (C,), optional
        Averages over past batches. Used when not training; updated IN PLACE when training,
        $r \leftarrow (1 - m)\,r + m\,s$, s being this batch's mean or unbiased variance.
    weight, bias : Tensor or ndarray, (C,), optional
    training : bool
        Whether $\mu$ and $\sigma^2$ are this batch's (biased variance) or the running ones.
    momentum : float
        The m above.
    eps : float

    Returns
    -------
    Tensor
        In the shape of x.

    Raises
    ------
    ValueError
        If x has no channels, a channel a single value to train on, or evaluation no running statistics.

    References
    ----------
    Ioffe, Szegedy, "Batch normalization", 2015, algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> F.batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True).round(2)
    array([[-1.],
           [ 1.]])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    dtype = as_floating(x).dtype
    x = for_sums(x)
    scale = 1
    if x.ndim < 2:
        raise ValueError(f"batch_norm: x must be (N, C, ...); got {x.shape}")
    d = None
    if not training:
        mean, var = _running_statistics(x, running_mean, running_var)
    else:
        n = x.size // max(x.shape[1], 1)
        if n < 2:
            raise ValueError(f"batch_norm: training needs more than one value per channel; got shape {x.shape}")
        with np.errstate(over="ignore", invalid="ignore"):
            d, mean, var = _deviations(x, n)
        if not is_in_range(var + eps):
            scale = _scale(x, _but_channels(x), eps)
            d, mean, var = _deviations(x / scale, n)
        _update(running_mean, mean * scale, momentum)
        with np.errstate(over="ignore"):
            _update(running_var, var * (n / (n - 1)) * scale * scale, momentum)
    rstd = 1 / np.sqrt(var + eps / scale / scale)
    weight, bias = _over_channels(x, weight, bias)
    factor = _in_order(rstd if weight is None else rstd * weight, x)
    if training:
        y = d * factor
    else:
        y = x - _in_order(mean, x)                              # x − μ is not kept: the gradient makes it again
        y *= factor
    if bias is not None:
        y += _in_order(bias, x)
    return saving(y.astype(dtype, copy=False), d=d, mean=mean, rstd=rstd, scale=scale)


@batch_norm.vjp
def batch_norm_vjp(g, x, weight, training, d, mean, rstd, scale):   # x̄ = (w/σ)(g − ⟨g⟩ − x̂ ⟨g ⊙ x̂⟩), or (w/σ) g
    d = x - _in_order(mean, x) if d is None else d
    plain = _channel_sum(g)                                     # b̄
    product = _channel_product(g, d) * rstd                     # w̄

    def wrt_x():
        factor = rstd / scale if weight is None else rstd / scale * weight.reshape(rstd.shape)
        factor = _in_order(factor, x)
        if not training:
            return g * factor
        n = x.size // x.shape[1]
        slope = _in_order(rstd * product / -n, x)
        shift = _in_order(plain / n, x)

        def fill(x_bar, d, g):
            np.multiply(d, slope, out=x_bar)
            x_bar += g
            x_bar -= shift
            x_bar *= factor

        x_bar = np.empty_like(d)
        over_rows(fill, x_bar, d, g)
        return x_bar

    return wrt_x, None, None, lambda: product.reshape(-1), lambda: plain.reshape(-1)


@batch_norm.composite
def batch_norm_composite(x, running_mean, running_var, weight, bias, training, momentum, eps):
    scale = 1
    if training:
        scale = _scale(x, _but_channels(x), eps)
        d = centred(x / scale, _but_channels(x))
        var = np.square(d).mean(_but_channels(x), keepdims=True)
    else:
        mean, var = _running_statistics(x, running_mean, running_var)
        d = x - mean
    return _affine(d / np.sqrt(var + eps / scale / scale), *_over_channels(x, weight, bias))


def _deviations(x, n):
    """x − μ, a new array; μ and σ² of each channel, (1, C, 1, ...)."""
    first = x[(slice(1), slice(None), *[slice(1)] * (x.ndim - 2))]          # (1, C, 1, ...)
    d = x - _in_order(first, x)
    shift = _channel_sum(d) / n
    d -= _in_order(shift, x)
    return d, shift + first, _channel_product(d, d) / n


def _width(name, x, normalized_shape, weight=None, bias=None):
    """How many elements each normalised row has."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape):] != shape:
        raise ValueError(f"{name}: the input must end in normalized_shape, {shape}; got {x.shape}")
    for role, a in (("weight", weight), ("bias", bias)):
        if a is not None and a.shape != shape:
            raise ValueError(f"{name}: the {role} must have normalized_shape, {shape}; got {a.shape}")
    return math.prod(shape)


def _last_axes(normalized_shape):
    return -1 if isinstance(normalized_shape, int) else tuple(range(-len(normalized_shape), 0))


def _machine_epsilon(x, eps):
    return float(np.finfo(x.dtype).eps) if eps is None else eps


def _in_range(normalise, hat, rstd, x, eps):
    """normalise(hat, rstd, x, eps), which fills the first two; where a square leaves the range, of x / scale."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        normalise(hat, rstd, x, eps)
    if not (rstd.min(initial=1) > 0 and rstd.max(initial=1) < 1e15):
        scale = _scale(x, 1, eps)
        normalise(hat, rstd, x / scale, eps / scale / scale)
        rstd /= scale


def _scale(x, axes, eps):
    """What x is divided by so that its squares stay in range, and beside them ε."""
    scale = scale_of(x, axes)
    return np.where(scale < eps ** 0.5, 1, scale).astype(x.dtype)


def _row_mean(a, b=None):
    """⟨a ⊙ b⟩, or ⟨a⟩, of each row, as a column; in BLAS. Rows without columns never come here."""
    return inner(a, np.ones(a.shape[1], a.dtype) if b is None else b)[:, None] * (1 / a.shape[1])


def _scaled(y, rows, weight, bias=None):
    """y ← w ⊙ rows + b; weight and bias in any shape of as many elements as a row."""
    np.multiply(rows, 1 if weight is None else weight.reshape(-1), out=y)
    if bias is not None:
        y += bias.reshape(-1)


def _affine_gradients(rows, hat, weight, bias):
    """w̄ = Σ g ⊙ x̂ and b̄ = Σ g, over the rows."""
    def wrt_weight():
        stretches = over_rows(lambda g, hat: column_sum(g * hat), rows, hat)
        return sum(stretches, np.zeros_like(rows, shape=rows.shape[1])).reshape(weight.shape)

    return (None if weight is None else wrt_weight,
            None if bias is None else lambda: column_sum(rows).reshape(bias.shape))


def _affine(hat, weight, bias):
    """w ⊙ x̂ + b, with broadcasting."""
    y = hat if weight is None else hat * weight
    return y if bias is None else y + bias


def _but_channels(x):
    """All axes of (N, C, ...) but the second."""
    return (0, *range(2, x.ndim))


def _side_by_side(x):
    """Whether the channels of a pixel are neighbours in memory."""
    return x.strides[1] < x.strides[-1]


def _channel_sum(a):
    """Σ over all axes but the channels, (1, C, 1, ...)."""
    return total(a, _but_channels(a), keepdims=True)


def _channel_product(a, b):
    """Σ a ⊙ b over all axes but the channels, (1, C, 1, ...); in BLAS where a channel's positions lie side by side."""
    if not (a.flags.c_contiguous and b.flags.c_contiguous and math.prod(a.shape[2:]) > 1):
        return _channel_sum(a * b)
    by_image = inner(*(x.reshape(*x.shape[:2], math.prod(x.shape[2:])) for x in (a, b)))
    return total(by_image, 0).reshape(1, -1, *[1] * (a.ndim - 2))


def _in_order(a, x):
    """a, (1, C, 1, ...), as an operand beside x. Where x's channels lie side by side, a is repeated along the last
    axis, so that NumPy goes through both arrays in one long run."""
    if not _side_by_side(x):
        return a
    a = np.broadcast_to(a, (*a.shape[:-1], x.shape[-1]))
    return np.ascontiguousarray(a.swapaxes(1, -1)).swapaxes(1, -1)


def _over_channels(x, *vectors):
    """Vectors (C,) as (1, C, 1, ...)."""
    for a in vectors:
        if a is not None and a.shape != (x.shape[1],):
            raise ValueError(f"batch_norm: one number per channel of {x.shape}; got shape {a.shape}")
    return [None if a is None else a.reshape((1, -1, *[1] * (x.ndim - 2))) for a in vectors]


def _running_statistics(x, running_mean, running_var):
    """The running mean and variance as they are now, laid along the channels: copies, in the floating dtype of x."""
    if running_mean is None or running_var is None:
        raise ValueError("batch_norm: evaluation needs running_mean and running_var; got none")
    return (a.astype(np.result_type(x.dtype, 0.0)) for a in _over_channels(x, running_mean, running_var))


def _update(running, batch, momentum):
    """r ← (1 − m) r + m s, in place."""
    if running is not None:
        running *= 1 - momentum
        running += momentum * batch.reshape(-1)
