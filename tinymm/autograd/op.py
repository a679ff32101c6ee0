"""`@op`: turns a plain NumPy function into one that the tape can follow.

    @op
    def tanh(x):
        return np.tanh(x)

    @tanh.vjp
    def tanh_vjp(g, y):
        return g * (1 - y * y)

A VJP names what it needs: `g` the cotangent, `y` the result, any argument of
the forward by its name, any extra the forward saved with `saving`. It returns
the gradients of the leading arguments (a tuple, possibly of thunks), or that of
the first alone. Each is a new array, `g` itself or a view of it, never a saved
array: the tape may add to it in place.
"""

import inspect
from functools import update_wrapper
from operator import itemgetter

import numpy as np

from . import tape
from .calling import caller_for, lay_results
from .tape import Node
from .tensor import Tensor

__all__ = ["Op", "op", "registry"]

registry = {}  # name -> the op as users call it
# an argument may be called by NumPy's name or by PyTorch's
ALIASES = {"dim": "axis", "axis": "dim", "keepdim": "keepdims", "keepdims": "keepdim", "input": "x"}


class Op:
    """Everything the tape knows of an op: its forward, its VJP, its composite."""

    def __init__(self, forward):
        self.forward = forward
        self.name = forward.__name__.rstrip("_")
        parameters = inspect.signature(forward).parameters.values()
        if any(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters):
            raise TypeError(f"op: the parameters of {self.name!r} must be positional, "
                            "since the tape passes them by position")
        self.names = [p.name for p in parameters]
        self.defaults = [p.default for p in parameters]
        # the one parameter that is a sequence of inputs: `tensors`, or *operands
        starred = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        self.starred = self.names.index(starred[0]) if starred else None
        self.sequence = self.starred
        if not starred and "tensors" in self.names:
            self.sequence = self.names.index("tensors")
        self.operands = self.names == ["a", "b"]  # an op of two operands takes a list for an array
        # arguments that share a dtype (see calling)
        self.peers = [i for i, name in enumerate(self.names) if name in ("a", "b", "x", "min", "max", "value")]
        self.pull = None  # the VJP
        self.wants = ()  # the names it asks for after g
        self.places = []  # where each of them is found: argument position, len(names) for y, or an extra's name
        self.pick = _picker([])  # takes them out of [*arguments, y]
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
        self.pull = vjp
        self.wants = tuple(wants[1:])
        spots = {name: i for i, name in enumerate((*self.names, "y"))}
        self.places = [spots.get(name, name) for name in self.wants]
        extras = any(type(k) is str for k in self.places)
        self.pick = _picker(self.places) if not extras else lambda pool: self.miss(())
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
        """The VJP on Tensors with a place in the graph, so that it records itself."""
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
        """A saved value as the Tensor it was; a constant, which has no parent, stays an array."""
        if name == "y":
            return lay_results(node, saved)
        if isinstance(parent, tuple):
            return [a if p is None else Tensor(a, p) for a, p in zip(saved, parent)]
        return saved if parent is None else Tensor(saved, parent)

    def _pull_composite(self, g, node):
        """Differentiate the composite instead; an identity before each argument is where the walk ends."""
        links = self._relink(node.parents)
        args = [self._lift(parent, value, node, None) for parent, value in zip(links, node.inputs)]
        args = [[_fresh(a) for a in arg] if i == self.sequence else _fresh(arg) for i, arg in enumerate(args)]
        y = self.composite(*args) if self.starred is None else self.composite(*args[:self.starred], *args[self.starred])
        inputs = args[self.sequence] if self.sequence is not None else args
        chosen = [a for a, p in zip(inputs, node.parents) if p is not None]
        results = zip(y, g) if isinstance(y, tuple) else [(y, g)]
        kept = [(t, c) for t, c in results if isinstance(t, Tensor) and t.requires_grad]
        grads = iter(tape.grad([t for t, _ in kept], chosen, [c for _, c in kept], create_graph=True,
                               allow_unused=True))
        found = (next(grads) if p is not None else None for p in node.parents)
        return tuple(Tensor(np.zeros_like(a.data)) if p is not None and d is None else d
                     for a, p, d in zip(inputs, node.parents, found))


def _picker(places):
    """A function that takes the elements at `places` out of a sequence; it runs at every op, so it has no loop."""
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda pool: ()
    k, = places
    return lambda pool: (pool[k],)


def _fresh(a):
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
    call = caller_for(record)
    update_wrapper(call, forward)
    call.op = record
    call.vjp = record.set_vjp
    call.composite = lambda f: setattr(record, "composite", f) or f
    if record.name in registry and registry[record.name].__module__ != call.__module__:
        raise ValueError(f"op: {record.name!r} is registered already, by {registry[record.name].__module__}")
    registry[record.name] = call
    return call


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
