"""Tensor: an ndarray, and the place on the tape it came from.

A Tensor carries three things: `data` (the ndarray), `grad` (what `backward`
left there) and `_node` (None for a constant, a Leaf for something that asks for
a gradient, a Node for the result of an op). Arithmetic, methods such as `.sum`
and the answers to NumPy functions are bound to this class by
`tinymm.functional.methods`; `backward` is bound by `tape`. No formula lives here.
"""

import weakref

import numpy as np

__all__ = ["Leaf", "Tensor", "tensor"]


class Leaf:
    """The end of the tape: where the gradient of an input or parameter arrives."""

    __slots__ = ("_tensor", "__weakref__")
    parents = ()
    op = None

    def __init__(self, tensor):
        self._tensor = weakref.ref(tensor)  # weak: a Tensor and its Leaf make no cycle

    @property
    def tensor(self):
        return self._tensor()


class Tensor:
    """An n-dimensional array that remembers how it was computed.

    Make one with `tinymm.tensor`. `data` is the ndarray itself, not a copy;
    `grad` is an ndarray of the same shape and dtype after `backward`, else None.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("data", "grad", "_node", "__weakref__")

    def __init__(self, data, node=None):
        self.data = data
        self.grad = None
        self._node = node

    @property
    def shape(self):
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    @property
    def is_leaf(self):
        """Whether this Tensor is the result of no recorded op."""
        return self._node is None or self._node.op is None

    @property
    def requires_grad(self):
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value):
        if not self.is_leaf:
            raise ValueError("requires_grad: only a leaf can be switched; this Tensor is the result of "
                             f"{self._node.op.name}; use .detach() to cut it off the tape")
        if value and self.data.dtype.kind not in "fc":
            raise ValueError(f"requires_grad: only floating-point tensors have gradients; got {self.data.dtype}")
        if value != self.requires_grad:
            self._node = Leaf(self) if value else None

    def requires_grad_(self, value=True):
        """Ask for (or waive) a gradient; returns the Tensor itself."""
        self.requires_grad = value
        return self

    def detach(self):
        """The same memory as a constant: nothing flows back through it."""
        return Tensor(self.data)

    def numpy(self):
        """The ndarray (no copy); an error if a gradient would be lost silently."""
        return self.__array__()

    def item(self):
        """The only element, as a Python number."""
        return self.data.item()

    def tolist(self):
        """The elements as nested Python lists."""
        return self.data.tolist()

    def __array__(self, dtype=None, copy=None):
        if self._node is not None:
            raise TypeError("__array__: this Tensor requires grad, and a plain array would silently leave the tape; "
                            "say .detach() or .data")
        return np.array(self.data, dtype=dtype, copy=copy)

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        if self.data.ndim == 0:
            raise TypeError("iter: a 0-d Tensor has no elements to iterate over")
        return (self[i] for i in range(len(self.data)))

    def __bool__(self):
        return bool(self.data)

    def __float__(self):
        return float(self._number("__float__"))

    def __reduce__(self):
        """What `copy` and `deepcopy` make: a leaf of its own, whose gradient arrives in the copy; without `grad`."""
        if not self.is_leaf:
            raise ValueError(f"copy: only a leaf can be copied; this Tensor is the result of {self._node.op.name}; "
                             "copy .detach(), or say x + 0 for one more place on the tape")
        return _copied, (type(self), self.data, self.requires_grad)

    def __int__(self):
        return int(self._number("__int__"))

    def _number(self, who):
        """The only element, for Python and for `array[i] = tensor`; an error if a gradient would be lost silently."""
        if self._node is not None:
            raise TypeError(f"{who}: this Tensor requires grad, and a plain number would silently leave the tape; "
                            "say .item() or .detach()")
        return self.data.item()

    def __index__(self):
        return self.data.__index__()

    __hash__ = object.__hash__

    def __setitem__(self, index, value):
        raise TypeError("setitem: the tape cannot follow an assignment; use tm.functional.where or index_add, "
                        "or edit .data outside the graph")

    def __repr__(self):
        body = np.array2string(self.data, separator=", ", prefix="tensor(", threshold=60, precision=4)
        kind = "" if self.data.dtype == np.float32 else f", dtype={self.data.dtype}"
        if self._node is not None:
            kind += ", requires_grad=True" if self.is_leaf else f", op={self._node.op.name}"
        return f"tensor({body}{kind})"


def _copied(kind, data, requires_grad):
    """A leaf of this class around the data."""
    copy = kind.__new__(kind)
    Tensor.__init__(copy, data)
    copy.requires_grad = requires_grad
    return copy


def require_no_mask(who, data):
    """Refuse a masked array: as an ndarray it would show the elements that it hides."""
    if isinstance(data, np.ma.MaskedArray):
        raise ValueError(f"{who}: the mask of a masked array would be lost; got {data.dtype} {data.shape} with "
                         f"{np.ma.count_masked(data)} elements hidden; fill it, or use masked_fill or where")


def tensor(data, requires_grad=False, dtype=None):
    """Make a Tensor from a copy of `data`.

    Parameters
    ----------
    data : array_like or Tensor
        Python floats become float32; arrays keep their dtype.
    requires_grad : bool
        Whether `backward` leaves a gradient in its `grad`.
    dtype : numpy dtype, optional
        Overrides the dtype of `data`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If a gradient is asked for data that is not floating-point, or the data is a masked array.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2)
    >>> tm.tensor(0.5).dtype
    dtype('float32')
    """
    if isinstance(data, Tensor):
        data = data.data
    require_no_mask("tensor", data)
    if dtype is None and not isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        dtype = np.float32 if array.dtype == np.float64 else array.dtype
    result = Tensor(np.array(data, dtype=dtype))
    result.requires_grad = requires_grad
    return result
