r"""The gradient of a large contrastive batch, with the memory of a small one.

The loss needs all embeddings of a batch at once, but they are few numbers. What takes memory is what the encoders
remember for their gradients. By the chain rule

$$ \frac{\partial L}{\partial \theta} = \sum_i \frac{\partial L}{\partial f_i} \cdot \frac{\partial f_i}{\partial
\theta}, $$

and the left factor needs no encoder's memory. So: all embeddings $f_i$, remembering nothing; $\partial L / \partial
f_i$ of the loss alone; then the encoders again, a chunk at a time, each with its share of the sum. Every example is
encoded twice.
"""

import numpy as np

from ...autograd import Tensor, no_grad, tensor

__all__ = ["cached_backward"]


def cached_backward(model, encode, chunks, loss):
    """Add the gradient of a loss over all chunks to the parameters, holding the tape of one chunk at a time.

    Parameters
    ----------
    model : Module
        Has all that `encode` uses: its Generators and buffers are set back before the second pass, which so repeats the
        first, with the same dropout masks.
    encode : callable
        ``encode(chunk)`` gives a Tensor (b, ...) or a tuple of them. What it does to an example must not depend on the
        others of the batch. It draws from no Generator but the model's.
    chunks : sequence
        The batch in pieces.
    loss : callable
        ``loss(*embeddings)`` gives the Tensor () to minimise, from the embeddings of the whole batch; called once.

    Returns
    -------
    Tensor ()
        The loss. The gradients are in the parameters already; this is a leaf, whose `backward` adds nothing to them, so
        that it can be what a Trainer's loss returns.

    Notes
    -----
    Exact, not an approximation: smaller batches whose gradients are added up (gradient accumulation) have fewer
    negatives, and are another loss. Batch normalisation in training mode mixes examples, and sees chunks instead of the
    batch: the result is then the exact gradient of the chunked encoder.

    References
    ----------
    Gao et al. (2021), Scaling deep contrastive learning batch size under memory limited setup, §3.2.

    Examples
    --------
    >>> import tinymm as tm
    >>> from tinymm.mapping import info_nce, unit
    >>> rng = np.random.default_rng(0)
    >>> model, x = tm.nn.Linear(3, 2, rng=rng), tm.tensor(rng.standard_normal((6, 3)).astype(np.float32))
    >>> def loss(f):
    ...     return info_nce(f, np.roll(np.eye(6, 2, dtype=np.float32), 1, 0), 1.0)
    >>> loss(unit(model(x))).backward()
    >>> whole = model.weight.grad
    >>> model.zero_grad()
    >>> _ = cached_backward(model, lambda chunk: unit(model(chunk)), [x[:2], x[2:4], x[4:]], loss)
    >>> np.allclose(model.weight.grad, whole, atol=1e-6)
    True
    """
    if not len(chunks):
        raise ValueError("cached_backward: needs at least one chunk")
    start = _snapshot(model)
    with no_grad():
        pieces = [[f.data for f in _tuple(encode(chunk))] for chunk in chunks]
    embeddings = [tensor(np.concatenate(parts), requires_grad=True) for parts in zip(*pieces, strict=True)]
    value = loss(*embeddings)
    value.backward()                                        # f̄, and the gradient of the loss's own parameters
    cotangents = [np.zeros_like(f.data) if f.grad is None else f.grad for f in embeddings]
    _restore(model, start)
    begins = [0] * len(embeddings)                          # of each kind; a chunk may have more of one than of another
    for chunk, first_pass in zip(chunks, pieces):
        ends = [begin + len(f) for begin, f in zip(begins, first_pass)]
        _replay(encode(chunk), [f_bar[begin:end] for f_bar, begin, end in zip(cotangents, begins, ends)])
        begins = ends
    return tensor(value.data, requires_grad=True)


def _replay(embeddings, cotangents):
    """Send the cotangents back through one chunk: the gradient of Σ f̄ · f, with f̄ constant."""
    parts = [(f * f_bar).sum() for f, f_bar in zip(_tuple(embeddings), cotangents)]
    sum(parts[1:], parts[0]).backward()


def _tuple(embeddings):
    return (embeddings,) if isinstance(embeddings, Tensor) else embeddings


def _snapshot(model):
    """The states of the Generators and copies of the buffers."""
    return model.rng_state(), [buffer.copy() for buffer in model.buffers()]


def _restore(model, snapshot):
    states, buffers = snapshot
    model.load_rng_state(states)
    for buffer, before in zip(model.buffers(), buffers):
        buffer[...] = before
