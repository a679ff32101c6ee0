"""Rows for `tinymm.functional.embeddings`."""

import numpy as np

from ..specification import spec
from ..strategies import arrays, calls, integers, shapes, st


def lookups():
    """Indices of any shape, repeats among them, into a small table; the padding row, if any, is not looked up:
    its gradient is zero by decree, not by calculus."""
    def fixed(drawn):
        (rows, width), shape = drawn
        return calls(integers(shape, 0, rows).map(np.asarray), arrays((rows + 1, width)),
                     st.sampled_from((None, rows, -1)))
    return st.tuples(shapes(2, 2), shapes(0, 3)).flatmap(fixed)


def reference(x, weight, padding_idx):
    return np.reshape([weight[i] for i in np.ravel(x)], (*np.shape(x), weight.shape[1]))


spec("embedding", lookups, reference,
     lambda torch, x, weight, padding_idx: torch.nn.functional.embedding(torch.as_tensor(x), weight, padding_idx))
