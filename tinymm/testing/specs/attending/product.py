"""Rows for the forms of scaled dot-product attention:
`attending.fused`, `attending.tiled` and what they have in common."""

import numpy as np

from ....functional import explicit_attention
from ...specification import spec
from ...strategies import arrays, st
from .steps import biased, output_alone, sequences, sides, torch_attention


@st.composite
def tilted(draw):
    """An additive mask that is a constant: biases, −∞ among them."""
    B, H, T, S, D = (draw(sides) for _ in range(5))
    shape = draw(st.sampled_from(((T, S), (B, H, T, S), (1, S))))
    bias = draw(arrays(shape))
    if draw(st.booleans()):
        bias = np.where((bias > 0) | (np.arange(S) == 0), bias, -np.inf)
    return (draw(arrays((B, H, T, D))), draw(arrays((B, H, S, D))), draw(arrays((B, H, S, D)))), {"attn_mask": bias}


for strategy in (sequences, tilted):
    spec("tiled_attention", strategy, output_alone, torch_attention)
for strategy in (sequences, tilted, biased):
    takes_complex = strategy is not biased  # a mask is told apart by its dtype
    spec("fused_attention", strategy, output_alone, torch_attention, complex_step=takes_complex)
spec("softmax", sequences, output_alone, torch_attention, function=explicit_attention)
