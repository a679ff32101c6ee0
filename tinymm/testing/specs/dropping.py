"""Rows for `tinymm.functional.dropping`: the value given the seed; what it does at random is in the tests."""

import numpy as np

from ...functional import dropout
from ..specification import spec
from ..strategies import arrays, calls, seeds, st


def seeded(x, p, training, seed):
    return dropout(x, p, training, np.random.default_rng(seed))


def reference(x, p, training, seed):
    """Element by element: the k-th 16 bits of the stream of words say whether x_k stays."""
    if not training:
        return x
    rng = np.random.default_rng(seed)
    keep = []
    while len(keep) < x.size:
        word = int(rng.integers(0, 2**64, dtype=np.uint64))
        keep += [(word >> shift & 0xFFFF) >= round(p * 2**16) for shift in (0, 16, 32, 48)]
    kept = np.reshape(keep[:x.size], x.shape)
    return np.where(kept, x / (1 - p) if p < 1 else 0, 0)


spec("dropout", lambda: calls(arrays(), p=st.sampled_from((0.0, 0.1, 0.5, 1.0)), training=st.booleans(), seed=seeds),
     reference, function=seeded, public="dropout")
