"""Rows for `tinymm.functional.attending.kernels`: loops over queries and keys."""

import math

import numpy as np

from ....functional import causal_product, linear_attention, linear_attention_step, quadratic_linear_attention
from ...specification import spec
from ...strategies import arrays, calls, masks, st

sides = st.integers(1, 3)
off_zero = dict(gap=0.2)  # at 0 the feature map bends


def phi(x):
    return np.vectorize(lambda v: v + 1 if v > 0 else math.exp(v), otypes=[float])(x)


@st.composite
def triples(draw):
    """(B, T, D) twice and (B, T, E)."""
    B, T, D, E = (draw(sides) for _ in range(4))
    return (draw(arrays((B, T, D))), draw(arrays((B, T, D))), draw(arrays((B, T, E)))), {}


def running(query, key, value):
    y = np.zeros(value.shape)
    for b, t in np.ndindex(query.shape[:2]):
        for s in range(t + 1):
            y[b, t] += math.fsum(query[b, t] * key[b, s]) * value[b, s]
    return y


@st.composite
def sequences(draw):
    """Queries, keys, values; padding or none; causal or not.

    A query that sees one key only, or is one number wide, has gradient 0 but for rounding. So there are two keys and
    two features at least, and the last sequence has no padding: then there is something to compare with.
    """
    B, T, S, D, E = (draw(sides) for _ in range(5))
    causal = draw(st.booleans())
    S += 1
    D += 1
    T = S if causal else T
    mask = draw(st.one_of(st.none(), masks((B, S))))
    if mask is not None:
        mask[-1] = True
    args = draw(arrays((B, T, D), **off_zero)), draw(arrays((B, S, D), **off_zero)), draw(arrays((B, S, E)))
    return args, dict(mask=mask, is_causal=causal)


def reference(query, key, value, mask, is_causal):
    """One query at a time, over the keys it may attend to."""
    B, T = query.shape[:2]
    S = key.shape[1]
    weights = np.zeros((B, T, S))
    for b, t, s in np.ndindex(B, T, S):
        if (mask is None or mask[b, s]) and (s <= t or not is_causal):
            weights[b, t, s] = math.fsum(phi(query[b, t]) * phi(key[b, s]))
        if s == S - 1 and weights[b, t].any():
            weights[b, t] /= math.fsum(weights[b, t])
    return np.einsum("bts,bse->bte", weights, value), weights


@st.composite
def steps(draw):
    """A position, and the sums over those before it."""
    B, D, E = (draw(sides) for _ in range(3))
    return (draw(arrays((B, D), **off_zero)), draw(arrays((B, D), **off_zero)), draw(arrays((B, E))),
            draw(arrays((B, D, E))), draw(arrays((B, D), low=0.5))), {}


def step(query, key, value, S, z):
    output, (S, z) = linear_attention_step(query, key, value, (S, z))
    return output, S, z


def step_reference(query, key, value, S, z):
    S = S + np.einsum("bd,be->bde", phi(key), value)
    z = z + phi(key)
    return np.einsum("bd,bde->be", phi(query), S) / np.einsum("bd,bd->b", phi(query), z)[:, None], S, z


spec("elu_feature_map", lambda: calls(arrays(gap=0.2)), phi, lambda torch, x: torch.nn.functional.elu(x) + 1)
spec("causal_product", triples, running, lambda torch, q, k, v: torch.tril(q @ k.mT) @ v)
spec("causal_product", sequences, lambda *args, **kwargs: reference(*args, **kwargs)[0], function=linear_attention)
spec("matmul", sequences, reference, function=quadratic_linear_attention)
spec("elu_feature_map", steps, step_reference, function=step, public="linear_attention_step")
