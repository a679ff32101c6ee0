"""What an op costs: its matrix products, 2 FLOPs (a multiplication and an addition) for each product of two numbers.

Elementwise work (activations, norms, softmax, pooling, biases), the smaller part, is left out. A causal attention is
counted like one that looks both ways, as PyTorch's counter does. The Fourier transform of n real numbers counts
2.5 n log₂ n, the usual convention.
"""

import math

__all__ = ["FlopCounter"]


def _matmul(values, y):
    """2 · results · inner."""
    return 2 * y.size * values[0].shape[-1]


def _linear(values, y):
    """2 · rows · out · in."""
    return 2 * y.size * values[1].shape[-1]


def _contract(values, y):
    """2 · the sizes of all labels; an outer product sums nothing and is elementwise work."""
    a, b, (of_a, of_b, of_y) = values
    sizes = dict(zip(of_a, a.shape)) | dict(zip(of_b, b.shape))
    return 2 * math.prod(sizes.values()) if set(sizes) - set(of_y) else 0


def _conv2d(values, y):
    """2 · outputs · (in / groups) · |kernel|."""
    return 2 * y.size * math.prod(values[1].shape[1:])


def _conv_transpose2d(values, y):
    """2 · inputs · (out / groups) · |kernel|."""
    return 2 * values[0].size * math.prod(values[1].shape[1:])


def _attention(values, y):
    """Scores 2·B·H·T·S·D and weighted sum 2·B·H·T·S·Dv."""
    _, key, value, *_ = values
    *_, keys, width = key.shape
    return 2 * (y.size // max(y.shape[-1], 1)) * keys * (width + value.shape[-1])


def _causal_product(values, y):
    """Each position adds k vᵀ to the sum and multiplies it by q: 4 · positions · D · Dv."""
    return 4 * y.size * values[0].shape[-1]


def _recurrent(states):
    """Of a scan after whose input and `states` the two weights follow."""
    def flops(values, y):
        """2 · B · T · |weights|: each step uses each weight once."""
        w_ih, w_hh = values[1 + states:3 + states]
        return 2 * math.prod(values[0].shape[:2]) * (w_ih.size + w_hh.size)

    return flops


def _fourier(rows, n):
    return rows * round(2.5 * n * math.log2(n)) if n > 1 else 0


def _rfft(values, y):
    n = values[0].shape[-1]
    return _fourier(values[0].size // max(n, 1), n)


def _irfft(values, y):
    return _fourier(y.size // max(y.shape[-1], 1), y.shape[-1])


def _circular(values, y):
    """Two transforms there, one back; the products between are elementwise."""
    n = y.shape[-1]
    return _fourier(sum(x.size // max(n, 1) for x in (*values[:2], y)), n)


# Of each op with products: (arguments of its forward, its result) -> FLOPs.
FLOPS = {
    "matmul": _matmul, "weighted_sum": _matmul, "pair_products": _matmul, "linear": _linear, "contract": _contract,
    "conv2d": _conv2d, "conv_transpose2d": _conv_transpose2d, "fused_attention": _attention,
    "tiled_attention": _attention, "causal_product": _causal_product, "lstm": _recurrent(2), "gru": _recurrent(1),
    "rnn_tanh": _recurrent(1), "rfft": _rfft, "irfft": _irfft, "circular_convolution": _circular,
    "circular_correlation": _circular,
}


class FlopCounter:
    """A watch for `tinymm.autograd.watched`: call `add(flops)` for each op that has matrix products.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> x = tm.tensor(np.ones((3, 4)))
    >>> with tm.autograd.watched(FlopCounter(lambda flops: print(flops))):
    ...     y = x @ np.ones((4, 5))
    120
    """

    def __init__(self, add):
        self.add = add

    def check_forward(self, op, values, y):
        """Called for every op."""
        if op.name in FLOPS:
            self.add(FLOPS[op.name](values, y))

    def lock(self, node):
        """A tape is of no interest here."""
