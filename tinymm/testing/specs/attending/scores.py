"""Rows for `tinymm.functional.attending.scores`: functions around `matmul`, so their rows are under its name."""

import math

import numpy as np

from ....functional import concat_scores, dot_scores, mlp_scores, tanh
from ...specification import spec
from ...strategies import arrays, st

sides = st.integers(1, 3)


@st.composite
def dots(draw):
    """(B, T, D) and (B, S, D)."""
    B, T, S, D = (draw(sides) for _ in range(4))
    return (draw(arrays((B, T, D))), draw(arrays((B, S, D)))), {}


@st.composite
def concats(draw):
    """(B, H, T, D), (B, 1, S, E), and the network's W and v."""
    B, H, T, S, D, E, A = (draw(sides) for _ in range(7))
    return tuple(draw(arrays(s)) for s in ((B, H, T, D), (B, 1, S, E), (A, D + E), (A,))), {}


@st.composite
def networks(draw):
    """The same with a bias between them."""
    (query, key, weight, weight_v), _ = draw(concats())
    return (query, key, weight, draw(arrays(weight_v.shape)), weight_v), {}


def network(query, key, weight, bias, weight_v):
    """One pair at a time."""
    e = np.empty((*query.shape[:3], key.shape[2]))
    for b, h, t, s in np.ndindex(e.shape):
        joined = [*query[b, h, t], *key[b, 0, s]]
        e[b, h, t, s] = math.fsum(v * math.tanh(math.fsum([*(row * joined), c]))
                                  for v, row, c in zip(weight_v, weight, bias))
    return e


def tanh_network(*args):
    """With tanh: a derivative at every point."""
    return mlp_scores(*args, activation=tanh)


spec("matmul", dots, lambda q, k: np.einsum("btd,bsd->bts", q, k), function=dot_scores,
     torch=lambda torch, q, k: torch.bmm(q, k.mT))
spec("matmul", concats, lambda q, k, W, v: network(q, k, W, np.zeros(len(v)), v), function=concat_scores)
spec("matmul", networks, network, function=tanh_network, public="mlp_scores")
