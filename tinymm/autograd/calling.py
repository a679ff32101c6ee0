"""How an op is called: Tensors stripped to arrays, the forward run, its result put on the tape.

Four functions do this, and `op` picks one for each op: for any arguments, for one, for two, for a sequence of inputs.
Those for one and for two do what the first does, but without a loop: they are the hot path.
"""

import numpy as np
from numpy import ndarray

from .mode import mode, unusual
from .tape import Node
from .tensor import Tensor, require_no_mask

__all__ = ["caller_for", "lay_results", "saving"]

PLAIN = {ndarray, int, float, bool, type(None), str}  # arguments of these types go to the forward unchanged


class saving:
    """What a forward returns when its VJP needs extras: `return saving(y, mask=mask)`."""

    __slots__ = ("y", "extras")

    def __init__(self, y, **extras):
        self.y = y
        self.extras = extras


def caller_for(record):
    """The function users call."""
    if record.sequence is not None:
        return _sequence_caller(record)
    return {1: _unary_caller, 2: _binary_caller}.get(len(record.names), _caller)(record)


def _caller(record):
    """One pass over the arguments, one Node, one Tensor."""
    forward = record.forward
    bind = record.bind
    arity = len(record.names)
    peers = record.peers
    many_peers = len(peers) > 1

    def call(*args, **kwargs):
        if kwargs or len(args) != arity:
            args = bind(args, kwargs)
        values = []
        parents = []
        tensors = False  # is any argument a Tensor?
        taped = False  # does any ask for a gradient?
        for a in args:
            node = None
            if isinstance(a, Tensor):
                node = a._node
                a = a.data
                tensors = True
                if node is not None:
                    taped = True
            elif type(a) not in PLAIN:
                a = _plain_argument(record, a, args)
            values.append(a)
            parents.append(node)
        if many_peers:
            values = _agreed(peers, values)
        try:
            y = forward(*values)
        except ValueError as error:
            raise _named(record, error) from None
        if not tensors:
            return _plain(y)
        return _lay(record, values, tuple(parents), y, taped)

    return call


def _unary_caller(record):
    """`_caller` for ops of one argument: the same Node and Tensor without a loop, for this is the hot path."""
    forward = record.forward
    general = _caller(record)

    def call(*args, **kwargs):
        if kwargs or len(args) != 1 or not isinstance(args[0], Tensor):
            return general(*args, **kwargs)
        node = args[0]._node
        x = args[0].data
        y = forward(x)
        if node is None or type(y) is not ndarray or y.dtype.kind not in "fc" or unusual:
            return _lay(record, (x,), (node,), y, node is not None)
        return Tensor(y, Node(record, (node,), record.pick((x, y)), record.composite and (x,), y.shape, y.dtype))

    return call


def _binary_caller(record):
    """`_caller` for ops of two arguments: likewise, where both are Tensors."""
    forward = record.forward
    peers = record.peers
    general = _caller(record)

    def call(*args, **kwargs):
        if kwargs or len(args) != 2:
            return general(*args, **kwargs)
        a, b = args
        if not isinstance(a, Tensor) or not isinstance(b, Tensor):
            return general(a, b)
        first, second = a._node, b._node
        a, b = a.data, b.data
        if a.dtype is not b.dtype:
            a, b = _agreed(peers, (a, b))
        try:
            y = forward(a, b)
        except ValueError as error:
            raise _named(record, error) from None
        taped = first is not None or second is not None
        if not taped or type(y) is not ndarray or y.dtype.kind not in "fc" or unusual:
            return _lay(record, (a, b), (first, second), y, taped)
        return Tensor(y, Node(record, (first, second), record.pick((a, b, y)), record.composite and (a, b),
                              y.shape, y.dtype))

    return call


def _sequence_caller(record):
    """`_caller` for ops with a sequence of inputs."""
    forward = record.forward
    bind = record.bind
    k = record.sequence  # its position among the parameters
    arity = len(record.names) if record.starred is None else -1  # a starred op is always bound

    def call(*args, **kwargs):
        values = list(bind(args, kwargs) if kwargs or len(args) != arity else args)
        inputs = list(values[k])
        values[k] = [a.data if isinstance(a, Tensor) else np.asarray(_plain_argument(record, a, ())) for a in inputs]
        parents = tuple(a._node if isinstance(a, Tensor) else None for a in inputs)
        try:
            y = forward(*values) if record.starred is None else forward(*values[:k], *values[k])
        except ValueError as error:
            raise _named(record, error) from None
        if not any(isinstance(a, Tensor) for a in inputs):
            return _plain(y)
        return _lay(record, values, parents, y, any(p is not None for p in parents))

    return call


def _named(record, error):
    """NumPy's complaint about an axis or about shapes, with the name of the op in front; any other as it is."""
    known = isinstance(error, np.exceptions.AxisError) or str(error).startswith(("operands", "duplicate", "repeated"))
    return type(error)(f"{record.name}: {error}") if known else error


def _plain_argument(record, a, args):
    """An argument that is neither a Tensor nor of a type that every forward knows."""
    if isinstance(a, np.generic):
        return a.item()  # a NumPy scalar is a number: it must not turn float32 into float64
    if isinstance(a, ndarray):  # a subclass: np.matrix, say, whose * and ** mean something else
        require_no_mask(record.name, a)
        # a class that defines its own ufuncs (complex steps do) is passed on as it is
        own = type(a).__array_ufunc__ is not ndarray.__array_ufunc__
        return a if own else np.asarray(a)
    return _array_beside(a, args) if record.operands and isinstance(a, (list, tuple)) else a


def _array_beside(numbers, operands):
    """A list as an array, in the floating dtype of the other operand: Python numbers do not promote a dtype."""
    array = np.asarray(numbers)
    for b in operands:
        if isinstance(b, (Tensor, ndarray)) and b.dtype.kind in "fc" and array.dtype.kind in "biuf":
            return array.astype(b.dtype)
    return array


def _agreed(peers, values):
    """The values, those of `peers` by PyTorch's rule for dtypes: a real array without axes is a number like any other,
    and does not promote the floating dtype of one that has axes."""
    arrays = {i: values[i] for i in peers if isinstance(values[i], ndarray)}
    dtypes = {a.dtype for a in arrays.values() if a.ndim}
    if len(dtypes) != 1 or len(arrays) < 2 or next(iter(dtypes)).kind not in "fc":
        return values
    dtype, = dtypes
    return [a.astype(dtype) if i in arrays and not a.ndim and a.dtype.kind in "biuf" and a.dtype != dtype else a
            for i, a in enumerate(values)]


def _plain(y):
    """What the forward returned, without the extras."""
    return y.y if type(y) is saving else y


def _lay(record, values, parents, y, taped):
    """Wrap what the forward returned; put it on the tape if anything asks for a gradient."""
    extras = None
    if type(y) is saving:
        extras = y.extras
        y = y.y
    several = type(y) is tuple
    if several:
        shape = [(part.shape, part.dtype) for part in y]
        dtype = None
    else:
        y = y if type(y) is ndarray else np.asarray(y)
        shape = y.shape
        dtype = y.dtype
        taped = taped and dtype.kind in "fc"
    watch = mode.watch
    if watch is not None:
        watch.check_forward(record, values, y)
    if not taped or not mode.recording:
        return tuple(map(Tensor, y)) if several else Tensor(y)
    saved = record.saved_for_vjp(values, y, extras)
    inputs = values if record.composite is not None else None
    node = Node(record, parents, saved, inputs, shape, dtype)
    if watch is not None:
        watch.lock(node)
    return Tensor(y, node) if not several else lay_results(node, y)


def lay_results(node, y):
    """Tensor(s) for what an op returned. Of several results, each floating one gets a node of its own: a port."""
    if type(y) is not tuple:
        return Tensor(y, node)
    ports = []
    for i, part in enumerate(y):
        port = None
        if part.dtype.kind in "fc":
            port = Node(node.op, (node,), (), None, part.shape, part.dtype)
            port.port = i
        ports.append(Tensor(part, port))
    return tuple(ports)
