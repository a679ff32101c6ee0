"""Rows for `tinymm.functional.activations`."""

import math

from ..specification import spec
from ..strategies import arrays, calls, st
from .elementwise import anywhere, each, off_zero


def F(torch):
    return torch.nn.functional


def sigma(v):
    return 1 / (1 + math.exp(-v))


def tanh_gelu(v):
    return v * sigma(2 * math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3))


spec("relu", off_zero, each(lambda v: max(v, 0.0)), lambda torch, x: F(torch).relu(x))
spec("leaky_relu", lambda: calls(arrays(gap=0.2), st.sampled_from((0.01, 0.3, -0.5, 0.0))),
     lambda x, slope: each(lambda v: v if v > 0 else slope * v)(x),
     lambda torch, x, slope: F(torch).leaky_relu(x, slope))
spec("elu", lambda: calls(arrays(gap=0.2), st.sampled_from((1.0, -0.7, 0.0))),
     lambda x, alpha: each(lambda v: v if v > 0 else alpha * (math.exp(v) - 1))(x),
     lambda torch, x, alpha: F(torch).elu(x, alpha))
spec("silu", anywhere, each(lambda v: v * sigma(v)), lambda torch, x: F(torch).silu(x))
spec("quick_gelu", anywhere, each(lambda v: v * sigma(1.702 * v)), lambda torch, x: x * torch.sigmoid(1.702 * x))
spec("gelu", lambda: calls(arrays(low=-6, high=6)), each(lambda v: v * 0.5 * math.erfc(-v / math.sqrt(2))),
     lambda torch, x: F(torch).gelu(x))
spec("gelu", lambda: calls(arrays(low=-5, high=6), approximate="tanh"),     # below, ½ tanh + ½ moves in steps of ε
     lambda x, approximate: each(tanh_gelu)(x), lambda torch, x, approximate: F(torch).gelu(x, approximate=approximate))
spec("signed_sqrt", off_zero, each(lambda v: math.copysign(math.sqrt(math.fabs(v)), v)),
     lambda torch, x: torch.sign(x) * torch.sqrt(torch.abs(x)), complex_step=False)  # the size of a complex number
