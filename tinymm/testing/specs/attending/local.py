"""Rows for `tinymm.functional.attending.local`, under the name of the op that gives the position its gradient."""

import math

import numpy as np

from ....functional import local_weights, predicted_positions
from ...specification import spec
from ...strategies import arrays, masks, seeds, st

sides = st.integers(1, 3)


@st.composite
def queries(draw):
    """(B, T, D), the network's W and v, and a length, or one for each sequence."""
    B, T, D, A = (draw(sides) for _ in range(4))
    length = draw(st.one_of(st.integers(1, 9), st.just(np.arange(1, B + 1)[:, None])))
    return (draw(arrays((B, T, D))), draw(arrays((A, D))), draw(arrays((A,))), length), {}


def position_reference(query, weight, weight_v, length):
    p = np.empty(query.shape[:2])
    for b, t in np.ndindex(p.shape):
        hidden = [math.tanh(math.fsum(row * query[b, t])) for row in weight]
        p[b, t] = np.broadcast_to(length, p.shape)[b, t] / (1 + math.exp(-math.fsum(weight_v * hidden)))
    return p


@st.composite
def placed(draw):
    """Scores (B, T, S), and positions so far from the middle between two keys that no key is at a window's edge."""
    B, T, S = (draw(sides) for _ in range(3))
    rng = np.random.default_rng(draw(seeds))
    positions = rng.integers(0, S + 1, (B, T)) + rng.uniform(0.15, 0.35, (B, T))
    mask = draw(st.one_of(st.none(), masks((S,)), masks((B, 1, S))))
    return (draw(arrays((B, T, S))), positions, draw(st.sampled_from((1.0, 2.0, 2.5)))), {"mask": mask}


def weights_reference(scores, positions, reach, mask):
    weights = np.zeros(scores.shape)
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    for b, t in np.ndindex(positions.shape):
        near = [s for s in range(scores.shape[2]) if abs(s - positions[b, t]) <= reach and mask[b, t, s]]
        total = math.fsum(math.exp(scores[b, t, s]) for s in near)
        for s in near:
            weights[b, t, s] = math.exp(scores[b, t, s] - 2 * ((s - positions[b, t]) / reach) ** 2) / total
    return weights


spec("sigmoid", queries, position_reference, function=predicted_positions)
spec("softmax", placed, weights_reference, function=local_weights)
