"""Parameter: a Tensor that a Module owns and an optimiser changes."""

import numpy as np

from ..autograd import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf Tensor that requires a gradient and that a Module finds among its attributes.

    Parameters
    ----------
    data : array_like or Tensor
        An ndarray is taken as it is, without a copy; Python floats become float32.
    requires_grad : bool
        False for a frozen parameter.

    Notes
    -----
    `copy.deepcopy` gives an independent leaf of equal value, without `grad`.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.nn.Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data, requires_grad=True):
        if isinstance(data, Tensor):
            data = data.data
        elif not isinstance(data, (np.ndarray, np.generic)):
            data = np.asarray(data, dtype=np.float32)
        super().__init__(np.asarray(data))
        self.requires_grad = requires_grad
