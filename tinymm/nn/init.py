r"""Starting values, drawn in place from a Generator.

Fan-in is the number of inputs that reach one output, fan-out the number of outputs that one input reaches: of a weight
(out, in, *kernel) they are in·|kernel| and out·|kernel|. The names, arguments and scales are PyTorch's.
"""

import math

import numpy as np

__all__ = ["kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "xavier_normal_", "xavier_uniform_"]


def uniform_(tensor, a=0.0, b=1.0, *, rng):
    r"""Fill with draws from $U(a, b)$.

    Parameters
    ----------
    tensor : Tensor
        Its `data` is overwritten.
    a, b : float
    rng : numpy.random.Generator

    Returns
    -------
    Tensor
        The one that was passed in.

    Raises
    ------
    ValueError
        If `rng` is no Generator.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = uniform_(tm.nn.Parameter(np.empty(100)), -2.0, 2.0, rng=np.random.default_rng(0))
    >>> bool(abs(p.data).max() < 2)
    True
    """
    tensor.data[...] = checked(rng).uniform(a, b, tensor.shape)
    return tensor


def normal_(tensor, mean=0.0, std=1.0, *, rng):
    r"""Fill with draws from $N(\text{mean}, \text{std}^2)$.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = normal_(tm.nn.Parameter(np.empty(10000)), std=0.02, rng=np.random.default_rng(0))
    >>> round(float(p.data.std()), 3)
    0.02
    """
    tensor.data[...] = checked(rng).normal(mean, std, tensor.shape)
    return tensor


def xavier_uniform_(tensor, gain=1.0, *, rng):
    r"""Fill from $U(-b, b)$, $b = \text{gain}\sqrt{6 / (\text{fan}_{in} + \text{fan}_{out})}$.

    References
    ----------
    Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, eq. 16.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = xavier_uniform_(tm.nn.Parameter(np.empty((2, 4))), rng=np.random.default_rng(0))
    >>> bool(abs(p.data).max() < 1)
    True
    """
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, rng=rng)


def xavier_normal_(tensor, gain=1.0, *, rng):
    r"""Fill from $N(0, s^2)$, $s = \text{gain}\sqrt{2 / (\text{fan}_{in} + \text{fan}_{out})}$.

    References
    ----------
    Glorot & Bengio (2010), eq. 12.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = xavier_normal_(tm.nn.Parameter(np.empty((100, 100))), rng=np.random.default_rng(0))
    >>> round(float(p.data.std()), 2)
    0.1
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), rng=rng)


def kaiming_uniform_(tensor, a=0.0, *, rng):
    r"""Fill from $U(-b, b)$, $b = \sqrt{6 / ((1 + a^2)\,\text{fan}_{in})}$.

    Parameters
    ----------
    tensor : Tensor
    a : float
        Negative slope of the leaky ReLU that follows; 0 for ReLU. $a = \sqrt 5$ gives $b = \text{fan}_{in}^{-1/2}$,
        PyTorch's default for linear and convolutional weights.
    rng : numpy.random.Generator

    References
    ----------
    He et al. (2015), Delving deep into rectifiers, eq. 15.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = kaiming_uniform_(tm.nn.Parameter(np.empty((8, 6))), rng=np.random.default_rng(0))
    >>> bool(abs(p.data).max() < 1)
    True
    """
    bound = math.sqrt(6 / ((1 + a * a) * fans(tensor)[0]))
    return uniform_(tensor, -bound, bound, rng=rng)


def kaiming_normal_(tensor, a=0.0, *, rng):
    r"""Fill from $N(0, s^2)$, $s = \sqrt{2 / ((1 + a^2)\,\text{fan}_{in})}$; arguments as `kaiming_uniform_`.

    References
    ----------
    He et al. (2015), eq. 15.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> p = kaiming_normal_(tm.nn.Parameter(np.empty((100, 200))), rng=np.random.default_rng(0))
    >>> round(float(p.data.std()), 2)
    0.1
    """
    return normal_(tensor, 0.0, math.sqrt(2 / ((1 + a * a) * fans(tensor)[0])), rng=rng)


def fans(tensor):
    """(fan-in, fan-out) of a weight (out, in, *kernel)."""
    if tensor.ndim < 2 or tensor.size == 0:
        raise ValueError("init: fan-in and fan-out need a weight of at least 2 axes, none of length 0; "
                         f"got shape {tensor.shape}")
    kernel = math.prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def checked(rng):
    """The rng itself, or an error if it is no Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError("rng: needs a numpy.random.Generator such as np.random.default_rng(0); "
                         f"got {type(rng).__name__}")
    return rng
