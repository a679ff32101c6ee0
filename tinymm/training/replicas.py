"""A step's examples on several cores: each replica of the model takes its share of them through a tape of its own.

One batch through NumPy keeps a single core busy, but for the products BLAS spreads out; half a batch in each of two
threads keeps both busy throughout. As in data-parallel training on several machines, only gradients meet.
"""

import copy
import math

import numpy as np

from ..autograd.mode import mode
from ..cores.threads import parallel_for

__all__ = ["backward_replicas"]


def backward_replicas(model, loss, weights):
    r"""Add $\nabla_\theta \sum_k w_k L_k(\theta)$ to the gradients of a model, where replica k computes $L_k$.

    Parameters
    ----------
    model : Module
        Replica 0. The others are copies with the same parameter arrays, buffers of their own, and Generators seeded
        from the model's.
    loss : callable
        ``loss(replica, k)`` gives a scalar Tensor, or (Tensor, dict of str to float).
    weights : sequence of float
        $w_k$, the share of the examples that replica k sees; sums to 1.

    Returns
    -------
    dict of str to float
        The weighted means of the losses, as "loss", and of the other numbers.

    Notes
    -----
    Floating-point buffers, such as running statistics, become the weighted mean of the replicas'. Batch statistics are
    those of a share, not of the whole batch. Under `tm.debug()` the replicas take turns, where the debugger sees them.

    References
    ----------
    Li et al., "PyTorch distributed: experiences on accelerating data parallel training", 2020, section 3.1.

    Examples
    --------
    >>> import tinymm as tm
    >>> model = tm.nn.Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    >>> x = np.array([[[1.0]], [[2.0]]], np.float32)
    >>> _ = backward_replicas(model, lambda replica, k: replica(tm.tensor(x[k])).sum(), [0.75, 0.25])
    >>> model.weight.grad
    array([[1.25]], dtype=float32)
    """
    replicas = [model, *(_replica(model) for _ in weights[1:])]
    numbers = [None] * len(weights)

    def some(start, stop):
        for k in range(start, stop):
            result = loss(replicas[k], k)
            value, others = result if isinstance(result, tuple) else (result, {})
            value.backward(np.full(value.shape, weights[k], value.dtype))
            numbers[k] = {**{name: float(number) for name, number in others.items()}, "loss": value.item()}

    if mode.watch is None:
        parallel_for(len(weights), some, work=math.inf)
    else:
        some(0, len(weights))
    for replica in replicas[1:]:
        _add_gradients(model, replica)
    _average_buffers(replicas, weights)
    return {name: sum(w * found[name] for w, found in zip(weights, numbers)) for name in numbers[0]}


def _replica(model):
    """A copy that shares the parameters' arrays; what its dropout draws is new."""
    shared = {id(p.data): p.data for p in model.parameters()}
    fresh = {id(g): np.random.default_rng(g.integers(2**63)) for g in model.generators()}
    return copy.deepcopy(model, {**shared, **fresh})  # the memo: what stands for the original instead of a copy


def _add_gradients(model, replica):
    for p, other in zip(model.parameters(), replica.parameters()):
        if p.grad is None:
            p.grad = other.grad
        elif other.grad is not None:
            p.grad += other.grad


def _average_buffers(replicas, weights):
    for own, *others in zip(*(replica.buffers() for replica in replicas)):
        if others and own.dtype.kind == "f":
            own[...] = sum(w * buffer for w, buffer in zip(weights, (own, *others)))
