"""The tape: what was computed from what, and the walk back along it.

`op` lays a Node for each recorded result. `backward` and `grad` walk the nodes
in descending order of creation, so that a node is reached only after everything
that used its result. Nothing recurses; what a node saved is let go as soon as
its VJP has run.
"""

from collections import Counter
from itertools import count
from operator import attrgetter

import numpy as np
from numpy import ndarray

from ..cores.sums import total
from .mode import enable_grad, mode
from .tensor import Leaf, Tensor, require_no_mask

__all__ = ["Node", "backward", "grad", "next_order"]

next_order = count().__next__
RELEASED = "released"


class Node:
    """One recorded result: its op, the nodes of the inputs, what the VJP will need."""

    __slots__ = ("op", "parents", "saved", "inputs", "shape", "dtype", "order", "port", "where", "__weakref__")

    def __init__(self, op, parents, saved, inputs, shape, dtype):
        self.op = op
        self.parents = parents  # one per input: Node, Leaf, or None for a constant
        self.saved = saved  # the values the VJP names after g, in its order
        self.inputs = inputs  # all argument values, for ops that have a composite
        self.shape = shape  # of the result; None where an op has several results
        self.dtype = dtype
        self.order = next_order()
        self.port = None  # which of several results this is (see calling.lay_results)
        self.where = None  # source line, in debug mode


def backward(tensor, gradient=None, retain_graph=False):
    r"""Accumulate $\partial\,\langle g, y\rangle / \partial x$ into `.grad` of every leaf x below y.

    Parameters
    ----------
    gradient : array_like, optional
        The cotangent g, in the shape of this Tensor. May be left out for a single element, where it is 1.
    retain_graph : bool
        Keep what the tape saved, for another walk.

    Raises
    ------
    ValueError
        If nothing here requires a gradient, if `gradient` has another shape, or
        if the graph has been released by an earlier walk.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).backward([1.0, 10.0])
    >>> x.grad
    array([ 2., 40.], dtype=float32)
    """
    if tensor._node is None:
        raise ValueError("backward: this Tensor does not require grad")
    cotangents = {tensor._node: _seed(tensor, gradient, "backward")}
    graph = _reachable(cotangents)
    borrowed = _walk(graph, cotangents, retain_graph)
    for leaf, g in cotangents.items():
        target = leaf.tensor
        if target is None:
            continue  # nobody is left to read it
        if target.grad is None:
            target.grad = g.copy() if leaf in borrowed else g
        else:
            target.grad = np.asarray(target.grad + g)  # the sum of two 0-d arrays is a NumPy scalar


def grad(outputs, inputs, grad_outputs=None, *, create_graph=False, retain_graph=None, allow_unused=False):
    r"""The gradients $\bar x = \sum_k \bar y_k\, \partial y_k/\partial x$, returned instead of accumulated.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
    inputs : Tensor or sequence of Tensor
        Leaves or intermediate results.
    grad_outputs : sequence of array_like or Tensor, optional
        One cotangent per output, in its shape, or None for 1 (an output of a single element). With a single output
        the cotangent need not be in a list, even if it is a list of numbers itself.
    create_graph : bool
        Record the backward walk itself, so that the result can be differentiated again.
    retain_graph : bool, optional
        Keep the graph for another walk; default: the value of `create_graph`.
    allow_unused : bool
        Give None for an input that no output depends on, instead of an error.

    Returns
    -------
    tuple of Tensor
        One per input, in its shape and dtype.

    Raises
    ------
    ValueError
        If an output or input does not require grad, an input is unused, or the graph is released.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor(3.0, requires_grad=True)
    >>> dx, = tm.grad(x * x * x, x, create_graph=True)
    >>> dx.item(), tm.grad(dx, x)[0].item()
    (27.0, 18.0)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    grad_outputs = _one_each(outputs, grad_outputs)
    for name, group in (("output", outputs), ("input", inputs)):
        for i, t in enumerate(group):
            if t._node is None:
                raise ValueError(f"grad: {name} {i} does not require grad")
    cotangents = _seeds(outputs, grad_outputs, create_graph)
    wanted = dict.fromkeys(t._node for t in inputs)
    graph, useful = _leading_to(wanted, _reachable(cotangents))
    walk = _walk_recorded if create_graph else _walk
    borrowed = walk(graph, cotangents, create_graph if retain_graph is None else retain_graph, wanted, useful)
    wanted.update((node, g) for node, g in cotangents.items() if node in wanted)  # where the walk ended
    found = [wanted[t._node] for t in inputs]
    for i, g in enumerate(found):
        if g is None and not allow_unused:
            raise ValueError(f"grad: no output depends on input {i}; pass allow_unused=True to get None for it")
    if create_graph:
        return tuple(found)
    shared = borrowed.union(node for node, times in Counter(t._node for t in inputs).items() if times > 1)
    found = [g.copy() if g is not None and t._node in shared else g for t, g in zip(inputs, found)]
    return tuple(None if g is None else Tensor(g) for g in found)


def _seeds(outputs, cotangents, create_graph):
    """Node -> the cotangent a walk starts from: the sum of those of all outputs there."""
    seeds = {}
    for y, g in zip(outputs, cotangents):
        seed = _seed(y, g, "grad", lift=create_graph)
        before = seeds.get(y._node)
        if before is None:
            seeds[y._node] = seed
        elif create_graph:
            seeds[y._node] = before + seed
        else:
            seeds[y._node] = np.asarray(before + seed)  # the sum of two 0-d arrays is a NumPy scalar
    return seeds


def _one_each(outputs, grad_outputs):
    """A cotangent, or None, for each output."""
    if grad_outputs is None:
        return [None] * len(outputs)
    count = len(grad_outputs) if isinstance(grad_outputs, (list, tuple)) else None
    if len(outputs) == 1:
        # [1.0] is a cotangent for an output of shape (1,), but a list of one cotangent for an output of shape ()
        g = grad_outputs[0] if count == 1 else grad_outputs
        listed = count == 1 and (g is None or isinstance(g, Tensor) or np.shape(g) == outputs[0].shape)
        return [g] if listed else [grad_outputs]
    if count != len(outputs):
        raise ValueError("grad: one cotangent per output; "
                         f"got {count or type(grad_outputs).__name__} for {len(outputs)} outputs")
    return grad_outputs


def _seed(y, g, who, lift=False):
    """The cotangent a walk starts from, checked against the output it belongs to."""
    if g is None:
        if y.data.size != 1:
            raise ValueError(f"{who}: an output of shape {y.shape} needs a cotangent of that shape; got none")
        g = np.ones_like(y.data)
    require_no_mask(who, g)
    raw = g.data if isinstance(g, Tensor) else np.asarray(g, dtype=y.data.dtype)
    if raw.shape != y.data.shape:
        raise ValueError(f"{who}: the cotangent must have the shape of the output, {y.shape}; got {raw.shape}")
    if lift:
        raw = g if isinstance(g, Tensor) else Tensor(raw)
    return raw if raw.dtype == y.data.dtype else raw.astype(y.data.dtype)


def _reachable(roots):
    """Every node the roots depend on, leaves left out, in order of creation."""
    seen = set(roots)
    stack = list(roots)
    graph = []
    while stack:
        node = stack.pop()
        if node.op is not None:
            graph.append(node)
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
    graph.sort(key=attrgetter("order"))
    return graph


def _leading_to(wanted, graph):
    """The nodes of `graph` that depend on a wanted node, and the set of these and the wanted ones."""
    useful = set(wanted)
    part = []
    for node in graph:
        if any(parent in useful for parent in node.parents):
            useful.add(node)
            part.append(node)
    return part, useful


def _arrivals(graph, cotangents, retain_graph, wanted):
    """Each node of `graph` with its cotangent, the last created first: by then its cotangent is complete."""
    while graph:
        node = graph.pop()
        g = cotangents.pop(node, None)
        if g is None:
            continue
        if node in wanted:
            wanted[node] = g
        if node.saved is RELEASED:
            raise _released(node.op)
        if node.port is None:
            yield node, g
        else:  # one of several results: its cotangent goes into the list that belongs to all of them
            whole, = node.parents
            cotangents.setdefault(whole, [None] * len(whole.shape))[node.port] = g
        if not retain_graph:
            node.saved = RELEASED
            node.inputs = None


def _walk(graph, cotangents, retain_graph, wanted=(), useful=None):
    """Pull the cotangents back through `graph`; what is left in the dict belongs to leaves.

    Returns the set of nodes whose cotangent is borrowed memory: the caller's, another
    node's, or a view. Any other cotangent is its node's own, and may be added to in place.
    """
    watch = mode.watch
    borrowed = set(cotangents)
    for node, g in _arrivals(graph, cotangents, retain_graph, wanted):
        op = node.op
        parents = node.parents
        saved = node.saved
        grads = op.pull(g if type(g) is not list else _complete(g, node.shape), *saved)
        if type(grads) is not tuple:
            grads = (grads,)
        if len(grads) < len(parents):
            grads = _pad(grads, parents)
        i = -1  # counted by hand: enumerate would add a tenth to the time of a node
        for parent in parents:
            i += 1
            if parent is None or useful is not None and parent not in useful:
                continue
            d = grads[i]
            like = parent if parent.op is not None else parent.tensor
            if like is None:
                continue  # a leaf that nobody holds any more
            if type(d) is not ndarray:
                d = _called(op, i, d)
            if d.shape != like.shape or d.dtype is not like.dtype:
                d = _fitted(op, i, d, like)
            if watch is not None:
                watch.check_backward(node, i, g, d)
            if parent in cotangents:
                _accumulate(cotangents, borrowed, parent, d)
            else:
                cotangents[parent] = d
                if d is g or d.base is not None:
                    borrowed.add(parent)
        if watch is not None and not retain_graph:
            watch.unlock(saved)
    return borrowed


def _accumulate(cotangents, borrowed, parent, d):
    """Add a second cotangent, or a third, to the one that a node has."""
    if parent in borrowed:
        cotangents[parent] = np.asarray(cotangents[parent] + d)  # the sum of two 0-d arrays is a NumPy scalar
        borrowed.discard(parent)
    else:
        cotangents[parent] += d


def _walk_recorded(graph, cotangents, retain_graph, wanted, useful):
    """`_walk` on Tensors: the VJP texts record themselves. Always out of place."""
    with enable_grad():
        for node, g in _arrivals(graph, cotangents, retain_graph, wanted):
            op = node.op
            grads = op.pull_recorded(g if type(g) is not list else _complete(g, node.shape, Tensor), node)
            for i, (parent, d) in enumerate(zip(node.parents, _pad(grads, node.parents))):
                if parent is None or parent not in useful:
                    continue
                like = parent if parent.op is not None else parent.tensor.data
                d = _fitted(op, i, _called(op, i, d, Tensor), like)
                cotangents[parent] = d if parent not in cotangents else cotangents[parent] + d


def _complete(cotangent, results, wrap=lambda a: a):
    """The cotangents of several results, with zeros for those that were not used."""
    return [wrap(np.zeros(*result)) if g is None else g for g, result in zip(cotangent, results)]


def _pad(grads, parents):
    """One gradient per parent: None for the arguments after the last for which the VJP gives one."""
    grads = grads if isinstance(grads, (tuple, list)) else (grads,)
    return (*grads, *[None] * (len(parents) - len(grads)))


def _called(op, i, d, kind=ndarray):
    """A gradient that came as a thunk or a scalar, as an array."""
    d = d() if callable(d) else d
    if d is None:
        raise ValueError(f"{op.name}: argument {op.input_name(i)} is not differentiable, but requires grad")
    if kind is ndarray:
        return np.asarray(d)
    return d if isinstance(d, Tensor) else Tensor(np.asarray(d))


def _fitted(op, i, d, like):
    """A gradient in the shape and dtype of its input."""
    if d.shape != like.shape:
        d = _unbroadcast(op, i, d, like.shape)
    return d if d.dtype == like.dtype else d.astype(like.dtype)


def _unbroadcast(op, i, d, shape):
    """Sum a gradient over the axes along which its input was broadcast."""
    extra = d.ndim - len(shape)
    reduced = d
    if extra >= 0:
        stretched = [k + extra for k, n in enumerate(shape) if n == 1 and d.shape[k + extra] != 1]
        axes = (*range(extra), *stretched)
        reduced = total(d, axes, keepdims=True) if type(d) is ndarray else d.sum(axis=axes, keepdims=True)
    if reduced.shape[max(extra, 0):] != shape:
        raise ValueError(f"{op.name}: the VJP gave input {op.input_name(i)} a gradient of shape {d.shape}; "
                         f"its own shape is {shape}")
    return reduced.reshape(shape)


def _released(op):
    return ValueError(f"backward: the result of {op.name} has already been walked and what it saved is released; "
                      "pass retain_graph=True to the first walk")


Tensor.backward = backward
