"""Rows for `tinymm.functional.attending.shared_heads`, under the names of the ops they end in."""

import numpy as np

from ....functional import grouped_query_attention, repeat_heads
from ...specification import spec
from ...strategies import arrays, calls, shapes, st
from .steps import grouped, reference


def heads():
    return shapes(3, 4).flatmap(lambda shape: calls(arrays(shape), st.integers(1, 3)))


@st.composite
def groups(draw):
    args, kwargs = draw(grouped())
    return args, {"attn_mask": kwargs["attn_mask"]}


def output_and_weights(query, key, value, attn_mask):
    return reference(query, key, value, attn_mask, enable_gqa=True)


spec("reshape", heads, lambda x, times: np.repeat(x, times, -3), function=repeat_heads,
     torch=lambda torch, x, times: x.repeat_interleave(times, -3))
spec("softmax", groups, output_and_weights, function=grouped_query_attention)
