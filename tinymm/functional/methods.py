"""The operators and methods of a Tensor: each is the function of that name, with the Tensor as first argument."""

import numpy as np

from .. import functional as F
from ..autograd import Tensor, is_grad_enabled, no_grad

__all__ = []


def _bind(**methods):
    for name, f in methods.items():
        setattr(Tensor, name, f)


def _reflected(f):
    return lambda self, other: f(other, self)


def _constant(f):
    """A method whose result is boolean or integer: there is no gradient to lose."""
    def call(self, *args, **kwargs):
        y = f(self.data, *(a.data if isinstance(a, Tensor) else a for a in args), **kwargs)
        return Tensor(y) if np.ndim(y) else y
    return call


def _spelled_out(f):
    """A method whose argument, a tuple of int, may also be spelled out: `x.reshape(2, 3)`."""
    def call(self, *numbers, **kwargs):
        if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
            numbers, = numbers
        return f(self, **kwargs) if kwargs else f(self, numbers)
    return call


def _augmented(name, f):
    """`p -= step`: under no_grad it changes a leaf in place; while the tape records, that is an error, as in PyTorch.

    What is no leaf that asks for a gradient, nor a Parameter, stays as it is: `y -= step` gives y's name to a new
    Tensor, which other names of the old one do not see.
    """
    def call(self, other):
        asks = self.requires_grad and self.is_leaf
        if not asks and type(self) is Tensor:
            return f(self, other)
        if asks and is_grad_enabled():
            raise TypeError(f"{name}: a leaf that requires grad cannot be changed in place while the tape records; "
                            "do it under tm.no_grad(), or write x = x + ... for a new Tensor")
        with no_grad():
            y = f(self, other)
        if y.shape != self.shape or not np.can_cast(y.dtype, self.dtype, "same_kind"):
            raise TypeError(f"{name}: the result must fit {self.dtype} {self.shape}; got {y.dtype} {y.shape}")
        self.data[...] = y.data
        return self
    return call


_bind(
    __add__=F.add, __radd__=_reflected(F.add), __sub__=F.subtract, __rsub__=_reflected(F.subtract),
    __mul__=F.multiply, __rmul__=_reflected(F.multiply), __truediv__=F.divide, __rtruediv__=_reflected(F.divide),
    __pow__=F.power, __rpow__=_reflected(F.power), __neg__=F.negative, __abs__=F.abs,
    __matmul__=F.matmul, __rmatmul__=_reflected(F.matmul), __getitem__=F.getitem,
)
_bind(**{f"__i{name}__": _augmented(name, getattr(Tensor, f"__{name}__"))
         for name in ("add", "sub", "mul", "truediv", "pow", "matmul")})
_bind(
    __eq__=_constant(np.equal), __ne__=_constant(np.not_equal), __lt__=_constant(np.less),
    __le__=_constant(np.less_equal), __gt__=_constant(np.greater), __ge__=_constant(np.greater_equal),
    __invert__=_constant(np.invert), __and__=_constant(np.bitwise_and), __rand__=_constant(np.bitwise_and),
    __or__=_constant(np.bitwise_or), __ror__=_constant(np.bitwise_or), __xor__=_constant(np.bitwise_xor),
    __rxor__=_constant(np.bitwise_xor), any=_constant(np.any), all=_constant(np.all),
)
_bind(**{name: getattr(F, name) for name in (
    "abs", "amax", "amin", "argmax", "argmin", "argsort", "astype", "broadcast_to", "ceil", "clamp", "clip", "cos",
    "cumsum", "exp", "flatten", "floor", "gather", "index_add", "log", "logsumexp", "masked_fill", "matmul", "max",
    "mean", "min", "norm", "prod", "reciprocal", "roll", "round", "rsqrt", "scatter_add", "sigmoid", "sign", "sin",
    "sort", "split", "sqrt", "square", "squeeze", "std", "sum", "swapaxes", "tanh", "topk", "transpose", "tril", "triu",
    "unsqueeze", "var")})
_bind(
    to=F.astype, reshape=_spelled_out(F.reshape), permute=_spelled_out(F.permute), expand=_spelled_out(F.expand),
    flip=_spelled_out(F.flip),
    T=property(lambda self: F.permute(self, tuple(range(self.ndim))[::-1])),
    mT=property(lambda self: F.transpose(self, -2, -1)),
)
