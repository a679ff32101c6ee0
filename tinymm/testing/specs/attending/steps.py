"""Rows for `tinymm.functional.attending.steps`: functions around `softmax`, so their rows are under its name."""

import math

import numpy as np

from ....functional import (
    additive_scores, attention, attention_scores, attention_sum, attention_weights, general_scores,
    scaled_dot_product_attention,
)
from ...specification import spec
from ...strategies import arrays, calls, masks, st

sides = st.integers(1, 3)


@st.composite
def sequences(draw):
    """Queries (B, H, T, D), keys (B, H, S, D), values (B, H, S, E); a mask or none, or causal; a scale or none."""
    B, H, T, S, D, E = (draw(sides) for _ in range(6))
    causal = draw(st.booleans())
    mask = None if causal else draw(st.one_of(st.none(), masks((T, S)), masks((B, 1, T, S)), masks((B, H, 1, S))))
    return ((draw(arrays((B, H, T, D))), draw(arrays((B, H, S, D))), draw(arrays((B, H, S, E)))),
            dict(attn_mask=mask, is_causal=causal, scale=draw(st.sampled_from((None, 0.3, -1.2, 0.0)))))


@st.composite
def biased(draw):
    """An additive mask, differentiated too."""
    B, H, T, S, D = (draw(sides) for _ in range(5))
    shape = draw(st.sampled_from(((T, S), (H, T, S), (B, 1, 1, S))))
    return (draw(arrays((B, H, T, D))), draw(arrays((B, H, S, D))), draw(arrays((B, H, S, D))), draw(arrays(shape))), {}


@st.composite
def grouped(draw):
    """Two or three query heads to each key head."""
    B, H, G, T, S, D = (draw(sides) for _ in range(6))
    mask = draw(st.one_of(st.none(), masks((T, S)), masks((B, H * G, T, S)), masks((1, 1, T, S))))
    return ((draw(arrays((B, H * G, T, D))), draw(arrays((B, H, S, D))), draw(arrays((B, H, S, D)))),
            dict(attn_mask=mask, enable_gqa=True))


def reference(query, key, value, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    """One query at a time, over the keys it may attend to."""
    B, H, T, D = query.shape
    S = key.shape[2]
    group = H // key.shape[1]
    scale = 1 / math.sqrt(D) if scale is None else scale
    if is_causal:
        attn_mask = np.tri(T, S, dtype=bool)
    mask = np.broadcast_to(np.True_ if attn_mask is None else attn_mask, (B, H, T, S))
    output = np.zeros((B, H, T, value.shape[-1]))
    weights = np.zeros((B, H, T, S))
    for b, h, t in np.ndindex(B, H, T):
        bias = mask[b, h, t] if mask.dtype != bool else np.zeros(S)
        may = [s for s in range(S) if mask.dtype != bool or mask[b, h, t, s]]
        e = {s: math.exp(scale * math.fsum(query[b, h, t] * key[b, h // group, s]) + bias[s]) for s in may}
        for s in may:
            weights[b, h, t, s] = e[s] / math.fsum(e.values())
            output[b, h, t] += weights[b, h, t, s] * value[b, h // group, s]
    return output, weights


def output_alone(*args, **kwargs):
    return reference(*args, **kwargs)[0]


def torch_attention(torch, query, key, value, attn_mask=None, **kwargs):
    if isinstance(attn_mask, torch.Tensor) and attn_mask.dtype != torch.bool:
        attn_mask = attn_mask.expand(*query.shape[:-1], key.shape[-2])
    if kwargs.get("is_causal") and (kwargs.get("scale") or 0) < 0:      # there PyTorch 2.13 is NaN
        T, S = query.shape[-2], key.shape[-2]
        kwargs["is_causal"], attn_mask = False, torch.ones(T, S, dtype=torch.bool).tril()
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask, **kwargs)


for strategy in (sequences, biased, grouped):
    takes_complex = strategy is not biased  # a mask is told apart by its dtype
    spec("softmax", strategy, output_alone, torch_attention, function=scaled_dot_product_attention,
         complex_step=takes_complex)
    spec("softmax", strategy, reference, function=attention, complex_step=takes_complex)


@st.composite
def scored(draw):
    """Scores (B, T, S) and a mask or none."""
    B, T, S = (draw(sides) for _ in range(3))
    return (draw(arrays((B, T, S), low=-4, high=4)),), {
        "mask": draw(st.one_of(st.none(), masks((T, S)), masks((B, 1, S))))}


def weights_reference(scores, mask):
    """One row at a time."""
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    weights = np.zeros(scores.shape)
    for *row, s in np.argwhere(mask):
        total = math.fsum(math.exp(v) for v in scores[tuple(row)][mask[tuple(row)]])
        weights[(*row, s)] = math.exp(scores[(*row, s)]) / total
    return weights


@st.composite
def pairs(draw):
    """(B, T, D) and (B, S, D)."""
    B, T, S, D = (draw(sides) for _ in range(4))
    return (draw(arrays((B, T, D))), draw(arrays((B, S, D)))), {"scale": draw(st.sampled_from((None, 0.3, -1.2, 0.0)))}


@st.composite
def weighted(draw):
    """(B, T, S) and (B, S, E)."""
    B, T, S, E = (draw(sides) for _ in range(4))
    return (draw(arrays((B, T, S))), draw(arrays((B, S, E)))), {}


spec("softmax", scored, weights_reference, function=attention_weights)
spec("matmul", pairs,
     lambda q, k, scale: np.einsum("btd,bsd->bts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale),
     function=attention_scores)
spec("matmul", weighted, lambda w, v: np.einsum("bts,bse->bte", w, v), function=attention_sum)


@st.composite
def additive(draw):
    B, T, S, D, E, A = (draw(sides) for _ in range(6))
    return tuple(draw(arrays(s)) for s in ((B, T, D), (B, S, E), (A, D), (A, E), (A,))), {}


def additive_reference(query, key, weight_q, weight_k, weight_v):
    e = np.empty((len(query), query.shape[1], key.shape[1]))
    for b, t, s in np.ndindex(e.shape):
        # w·tanh(W [k; q]), the weights side by side
        joined = np.concatenate([weight_k, weight_q], 1) @ np.concatenate([key[b, s], query[b, t]])
        e[b, t, s] = math.fsum(weight_v * np.tanh(joined))
    return e


@st.composite
def bilinear(draw):
    B, T, S, D, E = (draw(sides) for _ in range(5))
    return tuple(draw(arrays(s)) for s in ((B, T, D), (B, S, E), (D, E))), {}


spec("matmul", additive, additive_reference, function=additive_scores)
spec("matmul", bilinear, lambda q, k, W: np.einsum("btd,de,bse->bts", q, W, k), function=general_scores,
     torch=lambda torch, q, k, W: torch.nn.functional.bilinear(
         q[:, :, None].expand(-1, -1, k.shape[1], -1).contiguous(),
         k[:, None].expand(-1, q.shape[1], -1, -1).contiguous(), W[None]).squeeze(-1))
