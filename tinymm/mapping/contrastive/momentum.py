r"""A slow copy of the model and a queue of what it said: more negatives than a batch has.

An embedding from ten steps ago comes from another model than today's. If that model changes slowly enough, it is still
good as a negative: so the queue is filled by a copy whose weights are a moving average.
"""

import copy

import numpy as np

from ...autograd import Tensor, no_grad
from ...nn import Module
from .losses import info_nce_one_way

__all__ = ["MomentumEncoder", "PairQueue", "queue_loss"]

UNIT = 1e-3  # by how much the squared length of a unit vector may differ from 1
EMPTY = -1  # the key of a place in the queue that no pair has filled yet


class MomentumEncoder(Module):
    r"""A copy of a model that follows it slowly: $\theta' \leftarrow m\,\theta' + (1 - m)\,\theta$.

    Parameters
    ----------
    model : Module
        What is followed. The copy has Generators of its own, so its dropout draws other numbers.
    momentum : float
        m in [0, 1).
    rng : numpy.random.Generator
        Seeds the copy's Generators; not kept.

    Attributes
    ----------
    slow : Module
        The copy; its parameters do not require gradients. Its buffers are not averaged: running statistics are those of
        what went through the copy itself.

    Notes
    -----
    Put it into a Trainer's `extra_state`, which saves it with its Generators. In each step call `update` first and
    `forward` then, so that the first batch too is encoded by the current weights.

    References
    ----------
    He et al. (2020), Momentum contrast for unsupervised visual representation learning, eq. 2 (m = .999); Li et al.
    (2021), Align before fuse, §3.2 and 3.3 (m = .995).

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Linear(2, 1, bias=False, rng=rng)
    >>> momentum = MomentumEncoder(model, 0.9, rng=rng)
    >>> model.weight.data += 1
    >>> momentum.update(model)
    >>> (model.weight.data - momentum.slow.weight.data).round(3)
    array([[0.9, 0.9]], dtype=float32)
    """

    def __init__(self, model, momentum=0.995, *, rng):
        if not 0 <= momentum < 1:
            raise ValueError(f"MomentumEncoder: momentum lies in [0, 1); got {momentum}")
        self.momentum = momentum
        fresh = {id(g): np.random.default_rng(rng.integers(2**63)) for g in model.generators()}
        self.slow = copy.deepcopy(model, fresh)             # deepcopy's memo: object's id -> what to use instead
        self.slow.requires_grad_(False)

    def update(self, model):
        """Move the copy's parameters towards the model's."""
        for slow, fast in zip(self.slow.parameters(), model.parameters(), strict=True):
            slow.data[...] = self.momentum * slow.data + (1 - self.momentum) * fast.data

    def forward(self, *inputs, **kwargs):
        """What the copy gives, without a tape."""
        with no_grad():
            return self.slow(*inputs, **kwargs)


class PairQueue:
    """The newest pairs of slow embeddings, each with a key that says which caption it had.

    Parameters
    ----------
    length : int
        K, a multiple of the batch size: then whole batches leave, and every pair stays for K / B steps.
    width : int
        D of the embeddings.
    batch_size : int
        B.
    rng : numpy.random.Generator
        The queue starts as random unit vectors, the easiest of negatives.

    Attributes
    ----------
    x, y : float32 ndarray (K, D)
        Unit vectors.
    keys : int64 ndarray (K,)
        −1 where no pair has been yet.

    References
    ----------
    He et al. (2020), Algorithm 1.

    Examples
    --------
    >>> queue = PairQueue(4, 2, 2, rng=np.random.default_rng(0))
    >>> queue.push(np.eye(2), np.eye(2), [7, 8])
    >>> queue.keys.tolist(), queue.targets([8, 9]).astype(int).tolist()
    ([7, 8, -1, -1], [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 0]])
    """

    def __init__(self, length, width, batch_size, *, rng):
        if batch_size < 1 or length < batch_size or length % batch_size:
            raise ValueError("PairQueue: the length must be a positive multiple of the batch size; "
                             f"got {length} and {batch_size}")
        x, y = rng.standard_normal((2, length, width))
        self.x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
        self.y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype(np.float32)
        self.keys = np.full(length, EMPTY)
        self.next = 0  # the oldest place, which is filled next

    def targets(self, keys):
        """Where a caption of the batch is that of the batch's and the queue's pairs: bool (B, B + K)."""
        keys = self._checked(keys)
        return keys[:, None] == np.concatenate([keys, self.keys])

    def push(self, x, y, keys):
        """Replace the oldest pairs by a batch's unit vectors (B, D) and keys (B,), int ≥ 0; a last batch may be small.

        Examples
        --------
        >>> PairQueue(2, 2, 1, rng=np.random.default_rng(0)).push(np.ones((1, 2)), np.ones((1, 2)), [0])
        Traceback (most recent call last):
        ValueError: PairQueue: embeddings must be unit vectors; got a length of 1.414
        """
        keys = self._checked(keys)
        x, y = _arrays(x, y)
        if not x.shape == y.shape == (len(keys), self.x.shape[1]) or len(keys) > len(self.keys):
            raise ValueError(f"PairQueue: a batch must be two arrays (B, {self.x.shape[1]}) and B keys, B at most "
                             f"{len(self.keys)}; got {x.shape}, {y.shape} and {keys.shape}")
        lengths = np.linalg.norm(np.concatenate([x, y]), axis=1)
        wrong = lengths[~(np.abs(lengths - 1) < UNIT)]
        if len(wrong):
            raise ValueError(f"PairQueue: embeddings must be unit vectors; got a length of {wrong[0]:.4g}")
        places = (self.next + np.arange(len(keys))) % len(self.keys)
        self.x[places], self.y[places], self.keys[places] = x, y, keys
        self.next = (self.next + len(keys)) % len(self.keys)

    def _checked(self, keys):
        """Keys as int64 (B,), none negative: those would be equal to an empty place."""
        keys = np.asarray(keys)
        if keys.ndim != 1 or keys.dtype.kind not in "iu" or (keys < 0).any():
            raise ValueError(f"PairQueue: keys must be a vector of integers, none negative; got {keys.tolist()}")
        return keys.astype(np.int64)

    def state_dict(self):
        """The pairs, their keys and the place of the oldest: dict of str to ndarray."""
        return {"x": self.x.copy(), "y": self.y.copy(), "keys": self.keys.copy(), "next": np.array(self.next)}

    def load_state_dict(self, state):
        """Go on from where `state_dict` was taken."""
        if state["x"].shape != self.x.shape:
            raise ValueError(f"PairQueue: the queue is {self.x.shape}; got {state['x'].shape}")
        for name in ("x", "y", "keys"):
            getattr(self, name)[...] = state[name]
        self.next = int(state["next"])


def queue_loss(x, y, slow_x, slow_y, queue, log_scale, keys):
    r"""InfoNCE of a batch against the slow embeddings of the batch and of the queue, both ways.

    $$ L = \tfrac12 \ell(x \to y' \cup Q_y) + \tfrac12 \ell(y \to x' \cup Q_x) $$

    with $\ell$ as in `info_nce_one_way`, slow embeddings $x', y'$ and the queue's $Q_x, Q_y$.

    Parameters
    ----------
    x, y : Tensor (B, D)
        Unit vectors from the model.
    slow_x, slow_y : Tensor or ndarray (B, D)
        Unit vectors of the same pairs from the `MomentumEncoder`; they stand before the queue and hold the right
        answers. Neither they nor the queue get a gradient.
    queue : PairQueue
        Not changed; call `push` afterwards.
    log_scale : Tensor () or float
    keys : int array (B,)
        Which caption each pair has. Equal ones, in the batch or the queue, are right answers, not negatives.

    Returns
    -------
    Tensor ()

    References
    ----------
    Li et al. (2021), eq. 1 and 2, without the soft targets of eq. 6.

    Examples
    --------
    >>> queue = PairQueue(6, 2, 2, rng=np.random.default_rng(0))
    >>> pair = np.eye(2, dtype=np.float32)
    >>> queue_loss(pair, pair, pair, pair, queue, 0.0, [0, 1]).item() < queue_loss(pair, -pair, pair, pair, queue, 0.0,
    ...                                                                            [0, 1]).item()
    True
    """
    slow_x, slow_y = _arrays(slow_x, slow_y)
    targets = queue.targets(keys)
    return (info_nce_one_way(x, np.concatenate([slow_y, queue.y]), log_scale, targets)
            + info_nce_one_way(y, np.concatenate([slow_x, queue.x]), log_scale, targets)) / 2


def _arrays(*tensors):
    """The plain arrays, cut off from the tape."""
    return [t.data if isinstance(t, Tensor) else np.asarray(t) for t in tensors]
