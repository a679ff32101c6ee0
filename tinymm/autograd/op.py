"""`@op`: turns a plain NumPy function into one that the tape can follow.

    @op
    def tanh(x):
        return np.tanh(x)

    @tanh.vjp
    def tanh_vjp(g, y):
        return g * (1 - y * y)

A VJP names what it needs: `g` the cotangent, `y` the result, any argument of
the forward by its name, any extra the forward saved with `saving`. It returns
one gradient per leading argument (a tuple, possibly of thunks), or a single one
for the first. New arrays, `g` itself or views of it: never a saved array.
"""

import inspect
from functools import update_wrapper
from operator import itemgetter

import numpy as np
from numpy import ndarray

from . import tape
from .mode import mode, unusual
from .tape import Node
from .tensor import Tensor

__all__ = ["Op", "op", "registry", "saving"]

registry = {}  # name -> the op as users call it
ALIASES = {"dim": "axis", "axis": "dim", "keepdim": "keepdims", "keepdims": "keepdim", "input": "x"}


class saving:
    """What a forward returns when its VJP wants extras: `return saving(y, mask=mask)`."""

    __slots__ = ("y", "extras")

    def __init__(self, y, **extras):
        self.y = y
        self.extras = extras


class Op:
    """Everything the tape knows of an op: its forward, its VJP, its composite."""

    def __init__(self, forward):
        self.forward = forward
        self.name = forward.__name__.rstrip("_")
        parameters = inspect.signature(forward).parameters.values()
        if any(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters):
            raise TypeError(f"op: the parameters of {self.name!r} must be positional, since the tape passes them by position")
        self.names = [p.name for p in parameters]
        self.defaults = [p.default for p in parameters]
        # the one parameter that is a sequence of inputs: `tensors`, or *operands
        starred = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        self.starred = self.names.index(starred[0]) if starred else None
        self.sequence = self.starred if starred else self.names.index("tensors") if "tensors" in self.names else None
        self.operands = self.names == ["a", "b"]  # of two operands a list can only be meant as an array
        self.pull = None  # the VJP
        self.wants = ()  # the names it asks for after g
        self.places = []  # where each of them stands: argument position, len(names) for y, or an extra's name
        self.pick = picker([])  # takes them out of [*arguments, y]
        self.composite = None  # the same value in primitive ops

    def input_name(self, i):
        """How errors call the i-th input."""
        if self.sequence is not None:
            return f"{i} of {self.names[self.sequence]}"
        return repr(self.names[i]) if i < len(self.names) else str(i)

    def bind(self, args, kwargs):
        """One value per parameter, defaults filled in."""
        names = self.names
        if self.starred is not None:
            args = (*args[:self.starred], args[self.starred:])
        if len(args) > len(names):
            raise TypeError(f"{self.name}: takes {len(names)} arguments ({', '.join(names)}); got {len(args)}")
        values = [*args, *self.defaults[len(args):]]
        for key, value in kwargs.items():
            if key not in names:
                if ALIASES.get(key) not in names:
                    raise TypeError(f"{self.name}: takes ({', '.join(names)}); got an unexpected {key!r}")
                key = ALIASES[key]
            position = names.index(key)
            if position < len(args):
                raise TypeError(f"{self.name}: got two values for {key!r}")
            values[position] = value
        for name, value in zip(names, values):
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.name}: argument {name!r} is missing")
        return values

    def set_vjp(self, vjp):
        """Register the VJP; it is the one to call after `@name.vjp`."""
        wants = list(inspect.signature(vjp).parameters)
        if wants[:1] != ["g"]:
            raise TypeError(f"{self.name}: a VJP's first parameter is the cotangent g; got {wants[:1]}")
        self.pull, self.wants = vjp, tuple(wants[1:])
        spots = {name: i for i, name in enumerate((*self.names, "y"))}
        self.places = [spots.get(name, name) for name in self.wants]
        extras = any(type(k) is str for k in self.places)
        self.pick = picker(self.places) if not extras else lambda pool: self.miss(())
        return vjp

    def saved_for_vjp(self, values, y, extras):
        """The values the VJP names, in its order."""
        pool = [*values, y]
        if extras is None:
            return self.pick(pool)
        try:
            return [pool[k] if type(k) is int else extras[k] for k in self.places]
        except KeyError:
            return self.miss(extras)

    def miss(self, extras):
        """Say that the forward has not saved what the VJP names."""
        missing = [name for name in self.places if type(name) is str and name not in extras]
        raise TypeError(f"{self.name}: the VJP asks for {', '.join(missing)}, which is neither an argument, nor y, "
                        "nor saved by the forward") from None

    def pull_recorded(self, g, node):
        """The VJP on Tensors that are tied into the graph, so that it can be differentiated again."""
        if self.composite is not None:
            return self._pull_composite(g, node)
        lift = dict(zip(self.names, self._relink(node.parents)))
        args = [self._lift(lift.get(name), saved, node, name) for name, saved in zip(self.wants, node.saved)]
        return self.pull(g, *args)

    def _relink(self, parents):
        """The parents, grouped as the parameters are."""
        if self.sequence is None:
            return parents
        return [parents if i == self.sequence else None for i in range(len(self.names))]

    def _lift(self, parent, saved, node, name):
        if name == "y":
            return lay_results(node, saved)
        if isinstance(parent, tuple):
            return [a if p is None else Tensor(a, p) for a, p in zip(saved, parent)]
        return saved if parent is None else Tensor(saved, parent)

    def _pull_composite(self, g, node):
        """Differentiate the composite instead, cut off below its arguments by an identity each."""
        links = self._relink(node.parents)
        args = [self._lift(parent, value, node, None) for parent, value in zip(links, node.inputs)]
        args = [[fresh(a) for a in arg] if i == self.sequence else fresh(arg) for i, arg in enumerate(args)]
        y = self.composite(*args) if self.starred is None else self.composite(*args[:self.starred], *args[self.starred])
        inputs = args[self.sequence] if self.sequence is not None else args
        chosen = [a for a, p in zip(inputs, node.parents) if p is not None]
        outputs, cotangents = (y, g) if isinstance(y, tuple) else ([y], [g])
        kept = [(t, c) for t, c in zip(outputs, cotangents) if isinstance(t, Tensor) and t.requires_grad]
        grads = iter(tape.grad([t for t, _ in kept], chosen, [c for _, c in kept], create_graph=True, allow_unused=True))
        zero = (next(grads) if p is not None else None for p in node.parents)
        return tuple(Tensor(np.zeros_like(a.data)) if p is not None and d is None else d
                     for a, p, d in zip(inputs, node.parents, zero))


def picker(places):
    """A function from a sequence to a tuple of its elements at `places`; quicker than a loop, for it runs at every op."""
    if len(places) > 1:
        return itemgetter(*places)
    k = places[0] if places else None
    return (lambda pool: ()) if k is None else lambda pool: (pool[k],)


def lay_results(node, y):
    """Tensor(s) for what an op returned. Of several results, the floating ones get a port each."""
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


def fresh(a):
    """The same value behind an identity node: a place where a gradient can be cut."""
    if not isinstance(a, Tensor) or a._node is None:
        return a
    return Tensor(a.data, Node(_identity, (a._node,), (), None, a.data.shape, a.data.dtype))


def op(forward):
    """Register a NumPy function as a differentiable op.

    Parameters
    ----------
    forward : callable
        Array arguments first; returns an array, a tuple of arrays, or `saving(y, extra=...)`. A
        parameter named `tensors`, or a starred one, is a sequence of inputs.

    Returns
    -------
    callable
        Called with Tensors it records itself and returns Tensors; with arrays alone it is the NumPy function.
        Its attribute `vjp` is a decorator that registers the vector-Jacobian product, `composite` one
        that registers the same value in primitive ops, `op` the record.

    Raises
    ------
    ValueError
        If an op of that name is registered already.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> @tm.op
    ... def cube(x):
    ...     return x ** 3
    >>> @cube.vjp
    ... def cube_vjp(g, x):
    ...     return g * 3 * x ** 2
    >>> x = tm.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad.item()
    12.0
    >>> del tm.autograd.registry["cube"]
    """
    record = Op(forward)
    arity = len(record.names) if record.starred is None else -1
    caller = {1: _unary_caller, 2: _binary_caller}.get(arity, _caller) if record.sequence is None else _sequence_caller
    call = caller(record, arity)
    update_wrapper(call, forward)
    call.op = record
    call.vjp = record.set_vjp
    call.composite = lambda f: setattr(record, "composite", f) or f
    if record.name in registry and registry[record.name].__module__ != call.__module__:
        raise ValueError(f"op: {record.name!r} is registered already, by {registry[record.name].__module__}")
    registry[record.name] = call
    return call


def _caller(record, arity):
    """The function users call: one pass over the arguments, one Node, one Tensor."""
    forward, bind = record.forward, record.bind

    def call(*args, **kwargs):
        if kwargs or len(args) != arity:
            args = bind(args, kwargs)
        values, parents, tensors, taped = [], [], False, False
        for a in args:
            node = None
            if isinstance(a, Tensor):
                node = a._node
                a = a.data
                tensors = True
                if node is not None:
                    taped = True
            elif isinstance(a, np.generic):
                a = a.item()  # a NumPy scalar is a number: it must not turn float32 into float64
            elif record.operands and isinstance(a, (list, tuple)):
                a = _array_beside(a, args)
            values.append(a)
            parents.append(node)
        try:
            y = forward(*values)
        except ValueError as error:
            raise _named(record, error) from None
        if not tensors:
            return _plain(y)
        return _lay(record, values, tuple(parents), y, taped)

    return call


def _unary_caller(record, arity):
    """`_caller` for ops of one argument: the same Node and Tensor without a loop, for this is the hot path."""
    forward, general = record.forward, _caller(record, arity)

    def call(*args, **kwargs):
        if kwargs or len(args) != 1 or not isinstance(args[0], Tensor):
            return general(*args, **kwargs)
        x, = args
        node, x = x._node, x.data
        y = forward(x)
        if node is None or type(y) is not ndarray or y.dtype.kind not in "fc" or unusual:
            return _lay(record, (x,), (node,), y, node is not None)
        return Tensor(y, Node(record, (node,), record.pick((x, y)), record.composite and (x,), y.shape, y.dtype))

    return call


def _binary_caller(record, arity):
    """`_caller` for ops of two arguments: likewise, where both are Tensors."""
    forward, general = record.forward, _caller(record, arity)

    def call(*args, **kwargs):
        if kwargs or len(args) != 2:
            return general(*args, **kwargs)
        a, b = args
        if not isinstance(a, Tensor) or not isinstance(b, Tensor):
            return general(a, b)
        first, second = a._node, b._node
        a, b = a.data, b.data
        try:
            y = forward(a, b)
        except ValueError as error:
            raise _named(record, error) from None
        taped = first is not None or second is not None
        if not taped or type(y) is not ndarray or y.dtype.kind not in "fc" or unusual:
            return _lay(record, (a, b), (first, second), y, taped)
        return Tensor(y, Node(record, (first, second), record.pick((a, b, y)), record.composite and (a, b), y.shape, y.dtype))

    return call


def _sequence_caller(record, arity):
    """`_caller` for ops with a sequence of inputs."""
    forward, bind, k = record.forward, record.bind, record.sequence

    def call(*args, **kwargs):
        values = list(bind(args, kwargs) if kwargs or len(args) != arity else args)
        inputs = list(values[k])
        values[k] = [a.data if isinstance(a, Tensor) else np.asarray(a) for a in inputs]
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


def _array_beside(numbers, operands):
    """A list as an array: in the floating dtype of the operand beside it, since Python numbers promote nothing."""
    array = np.asarray(numbers)
    for b in operands:
        if isinstance(b, (Tensor, ndarray)) and b.dtype.kind in "fc" and array.dtype.kind in "biuf":
            return array.astype(b.dtype)
    return array


def _plain(y):
    return y.y if type(y) is saving else y


def _lay(record, values, parents, y, taped):
    """Wrap what the forward returned; put it on the tape if anything asks for a gradient."""
    extras = None
    if type(y) is saving:
        extras, y = y.extras, y.y
    several = type(y) is tuple
    if several:
        shape, dtype = [(part.shape, part.dtype) for part in y], None
    else:
        y = y if type(y) is np.ndarray else np.asarray(y)
        shape, dtype = y.shape, y.dtype
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


@op
def identity(x):
    """The input itself, as a new place on the tape: $y = x$.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.autograd.identity(tm.tensor([1.0])).data
    array([1.], dtype=float32)
    """
    return x


@identity.vjp
def identity_vjp(g):                # x̄ = g
    return g


_identity = identity.op
