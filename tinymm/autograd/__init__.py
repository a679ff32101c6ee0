"""The engine: Tensor, the tape, `@op`, `grad`, debug mode. No formula lives here."""

from .calling import saving
from .debug import debug
from .mode import enable_grad, is_grad_enabled, no_grad, watched
from .op import identity, op, registry
from .tape import grad
from .tensor import Tensor, tensor

__all__ = ["Tensor", "debug", "enable_grad", "grad", "identity", "is_grad_enabled", "no_grad", "op", "registry",
           "saving", "tensor", "watched"]
