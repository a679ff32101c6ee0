"""tinymm: multimodal learning from scratch, in pure NumPy, with its own autograd.

    import tinymm as tm
    import tinymm.functional as F
"""

from . import exits  # first: if this is the `tinymm` command, it ends in one line whatever goes wrong from here on
from . import autograd, functional, moved, nn, optim, testing, training
from ._version import __version__
from .autograd import Tensor, debug, enable_grad, grad, is_grad_enabled, no_grad, op, tensor

__all__ = ["Tensor", "__version__", "autograd", "debug", "enable_grad", "functional", "grad", "is_grad_enabled", "nn",
           "no_grad", "op", "optim", "tensor", "testing", "training"]
