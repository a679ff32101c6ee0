"""A step's examples on several cores: each replica of the model takes its share of them through a tape of its own.

NumPy works through one batch on a single core, apart from the matrix products, for which BLAS uses all. Two threads
with half a batch each keep two cores busy throughout. As in data-parallel training on several machines, the replicas
exchange nothing but gradients and running statistics.
"""

import copy
import math
from functools import partial

import numpy as np

from ..autograd import Tensor
from ..autograd.mode import mode
from ..cores.threads import parallel_for

__all__ = ["backward_replicas", "needs_whole_batch", "refuse_replicas"]


def needs_whole_batch(loss):
    r"""Mark a loss that compares the examples of a batch with each other, as contrastive losses do.

    The mean of such a loss over shares of a batch is not the loss of the batch: within a share, each example has fewer
    others to be told apart from. A `Trainer` with more than one replica refuses a marked loss. Mark a loss that changes
    the Trainer's `extra_state` too, since replicas would call it at the same time.

    Parameters
    ----------
    loss : callable
        As for `Trainer`: ``loss(model, batch, rng)``.

    Returns
    -------
    callable
        The same one.

    Examples
    --------
    >>> @needs_whole_batch
    ... def contrastive_loss(model, batch, rng):
    ...     images, texts = batch
    >>> refuse_replicas(contrastive_loss, 2)
    Traceback (most recent call last):
    ValueError: Trainer: contrastive_loss compares the examples of a batch with each other, and a replica would see only
        its share of them; replicas must be 1, got 2
    """
    loss.needs_whole_batch = True
    return loss


def refuse_replicas(loss, replicas):
    """Raise ValueError if there are several replicas and the loss is marked, also if a `partial` hides the mark.

    Examples
    --------
    >>> refuse_replicas(lambda model, batch, rng: None, 2)
    """
    is_marked = getattr(loss, "needs_whole_batch", False)
    while isinstance(loss, partial):
        loss = loss.func
        is_marked = is_marked or getattr(loss, "needs_whole_batch", False)
    if is_marked and replicas > 1:
        name = getattr(loss, "__name__", type(loss).__name__)
        raise ValueError(f"Trainer: {name} compares the examples of a batch with each other, and a replica would see "
                         f"only its share of them; replicas must be 1, got {replicas}")


def backward_replicas(model, share_loss, fractions):
    r"""Add $\nabla_\theta \sum_k w_k L_k(\theta)$ to the gradients of a model, where replica k computes $L_k$.

    Parameters
    ----------
    model : Module
        Replica 0. The others are copies with the same parameter arrays, buffers of their own, and Generators seeded
        from the model's.
    share_loss : callable
        ``share_loss(replica, k)`` gives $L_k$, a scalar Tensor, or (Tensor, dict of str to float).
    fractions : sequence of float
        $w_k$, the fraction of the examples that replica k sees; their sum is 1.

    Returns
    -------
    dict of str to float
        The weighted means of the losses, as "loss", and of the other numbers.

    Notes
    -----
    Floating-point buffers, such as running statistics, become the weighted mean of the replicas'. Batch statistics are
    those of a share, not of the whole batch. Under `tm.debug()` the replicas run one after another in the calling
    thread, where the debugger sees them.

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
    replicas = [model, *(_replica(model) for _ in fractions[1:])]
    numbers = [None] * len(fractions)

    def backward(start, stop):
        for k in range(start, stop):
            result = share_loss(replicas[k], k)
            loss, others = result if isinstance(result, tuple) else (result, {})
            loss.backward(np.full(loss.shape, fractions[k], loss.dtype))
            others = {name: a.data if isinstance(a, Tensor) else a for name, a in others.items()}
            numbers[k] = {**{name: float(a) for name, a in others.items()}, "loss": loss.item()}

    if mode.watch is None:
        parallel_for(len(fractions), backward, work=math.inf)
    else:
        backward(0, len(fractions))
    for replica in replicas[1:]:
        _add_gradients(model, replica)
    _average_buffers(replicas, fractions)
    return {name: sum(w * own[name] for w, own in zip(fractions, numbers)) for name in numbers[0]}


def _replica(model):
    """A copy with the parameters' own arrays and with new Generators, so that its dropout draws other numbers."""
    shared = {id(p.data): p.data for p in model.parameters()}
    fresh = {id(g): np.random.default_rng(g.integers(2**63)) for g in model.generators()}
    return copy.deepcopy(model, {**shared, **fresh})  # deepcopy's memo: object's id -> what to use instead of a copy


def _add_gradients(model, replica):
    """Add a replica's gradients to the model's."""
    for p, other in zip(model.parameters(), replica.parameters()):
        if p.grad is None:
            p.grad = other.grad
        elif other.grad is not None:
            p.grad += other.grad


def _average_buffers(replicas, fractions):
    """Set each floating-point buffer of the model, which is replica 0, to the weighted mean of the replicas'."""
    for own, *others in zip(*(replica.buffers() for replica in replicas)):
        if others and own.dtype.kind == "f":
            own[...] = sum(w * buffer for w, buffer in zip(fractions, (own, *others)))
