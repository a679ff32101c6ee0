r"""Keys and values kept between the steps of decoding, so that each word is projected once.

One cache belongs to one attention layer and one batch. The decoder layers take a pair of them, the stacks a list with
an entry per layer; `new_cache()` makes it.
"""

from contextlib import contextmanager

from ... import functional as F
from .kept import Kept

__all__ = ["KeyValueCache", "MemoryCache", "StreamingCache"]


class KeyValueCache:
    r"""The cache of self-attention: keys and values of all positions so far, to which each step adds its own.

    Attributes
    ----------
    key, value : Tensor (B, H, S, D/H), or None at first
    length : int
        Number of positions read so far: the `offset` of the next one's positional encoding.

    Notes
    -----
    With causal attention position t never depends on later ones, so what was computed for it stays true. Decoding T
    positions costs T projections and T²/2 scores; reading the whole prefix again for each word costs T²/2 projections
    and T³/3 scores. Several new positions at once need `is_causal`: without it each of them sees those after it too.
    Gradients flow through the kept keys and values. Under `no_grad`, where none are wanted, they stand in arrays that
    grow by doubling (`Kept`): `key` and `value` are views, which the next `select` may change in place.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> x = tm.tensor(np.random.default_rng(1).normal(size=(1, 3, 8)).astype(np.float32))
    >>> cache = tm.nn.KeyValueCache()
    >>> steps = [attend(x[:, t:t + 1], x[:, t:t + 1], x[:, t:t + 1], cache=cache)[0] for t in range(3)]
    >>> whole, _ = attend(x, x, x, is_causal=True)
    >>> bool(np.allclose(F.concatenate(steps, 1).data, whole.data, atol=1e-6)), cache.length
    (True, 3)
    """

    def __init__(self):
        self._keys = self._values = Kept(axis=2)                            # (B, H, length, D/H)
        self.length = 0

    @property
    def key(self):
        return self._keys.tensor

    @property
    def value(self):
        return self._values.tensor

    def extend(self, key, value):
        """Add the keys and values (B, H, n, D/H) of n new positions; all of them are returned."""
        before = self._keys.tensor
        if before is not None and len(key.data) != len(before.data):
            raise ValueError(f"{type(self).__name__}: holds a batch of {len(before)}; got one of {len(key)}")
        keys, values = self._added(self._keys, key), self._added(self._values, value)
        self._keys, self._values = keys, values
        self.length += key.data.shape[2]
        return keys.tensor, values.tensor

    def _added(self, kept, new):
        return kept.extended(new)

    def select(self, rows):
        """Keep these rows of the batch, in this order: int array (B′,).

        For beam search, which may continue one caption in several ways and drop another.
        """
        self._keys = self._keys.selected(rows)
        self._values = self._values.selected(rows)


class StreamingCache(KeyValueCache):
    r"""The cache of self-attention over an endless text: only the first `sinks` and the last `window` positions stay.

    Parameters
    ----------
    sinks : int
    window : int
        As for `functional.streaming_mask`: step by step, the cache keeps those positions that the mask shows.

    Notes
    -----
    Positions are those of the whole text. (The paper counts positions inside the cache, to stay within the lengths the
    model was trained on; with rotary or ALiBi attention that needs keys stored before they are turned.)

    References
    ----------
    Xiao et al. (2023), Efficient streaming language models with attention sinks, §3.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> x = tm.tensor(np.ones((1, 1, 8), np.float32))
    >>> cache = tm.nn.StreamingCache(sinks=1, window=4)
    >>> for _ in range(100):
    ...     _, weights = attend(x, x, x, cache=cache)
    >>> cache.length, weights.shape
    (100, (1, 1, 5))
    """

    def __init__(self, sinks, window):
        if sinks < 0 or window < 1:
            raise ValueError("StreamingCache: needs 0 or more sinks and a window of 1 or more; "
                             f"got {sinks} and {window}")
        super().__init__()
        self.sinks = sinks
        self.window = window

    def extend(self, key, value):
        """Add the keys and values (B, H, 1, D/H) of one new position;
        returned are those it may attend to, its own included."""
        if key.shape[2] != 1:
            raise ValueError(f"StreamingCache: takes one position at a time; got {key.shape[2]}")
        return super().extend(key, value)

    def _added(self, kept, new):
        """While there is room, as ever; then the oldest position that is no sink goes, and the others are copied."""
        if self.length < self.sinks + self.window:
            return kept.extended(new)
        x, oldest = kept.tensor, self.sinks
        return Kept(2, F.concatenate([x[:, :, :oldest], x[:, :, oldest + 1:], new], 2))


class MemoryCache:
    r"""The cache of attention to a memory: its keys and values, projected at the first step, reused at all others.

    Attributes
    ----------
    key, value : Tensor (B, H, S, D/H), or None at first

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> word, image = (tm.tensor(np.ones((1, n, 8), np.float32)) for n in (1, 9))
    >>> cache = tm.nn.MemoryCache()
    >>> first, _ = attend(word, image, image, cache=cache)
    >>> second, _ = attend(word, None, None, cache=cache)
    >>> bool((first.data == second.data).all())
    True
    """

    def __init__(self):
        self._keys = self._values = Kept(axis=2)

    @property
    def key(self):
        return self._keys.tensor

    @property
    def value(self):
        return self._values.tensor

    def extend(self, key, value):
        """Keep keys and values (B, H, S, D/H), once."""
        if self.key is not None:
            raise ValueError("MemoryCache: already holds a memory; pass None for key and value from the second step on")
        self._keys, self._values = self._keys.extended(key), self._values.extended(value)
        return self.key, self.value

    def select(self, rows):
        """Keep these rows of the batch, in this order: int array (B′,)."""
        self._keys = self._keys.selected(rows)
        self._values = self._values.selected(rows)


@contextmanager
def unchanged_on_error(caches):
    """Context manager: if its block fails, the caches are put back as they were, so that the call can be repeated.

    `caches` is one cache, None, or tuples and lists of them, nested to any depth.
    """
    before = [(cache, vars(cache).copy()) for cache in _flat(caches)]
    try:
        yield
    except BaseException:
        for cache, content in before:
            vars(cache).update(content)
        raise


def _flat(caches):
    """All caches of a nested structure, as one list."""
    if isinstance(caches, (list, tuple)):
        return [cache for group in caches for cache in _flat(group)]
    return [] if caches is None else [caches]
