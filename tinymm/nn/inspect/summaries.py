"""A table of a Module's layers: shapes, parameters and what they cost.

The cost counts the matrix products of one forward pass, with 2 FLOPs (a multiplication and an addition) for each
product of two numbers. Elementwise work (activations, norms, softmax, pooling, biases), the smaller part, is left out.
"""

import math
from dataclasses import dataclass

from ...autograd import no_grad
from ..attention.cache import KeyValueCache, MemoryCache
from ..attention.grouped import GroupedQueryAttention
from ..attention.hard import GumbelAttention, HardAttention
from ..attention.local import LocalAttention, PredictiveLocalAttention
from ..attention.multihead import MultiheadAttention
from ..attention.scores import AdditiveScore, ConcatScore, DotScore, GeneralScore, MLPScore, ScaledDotScore
from ..attention.soft import SoftAttention
from ..convolution import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from ..linear import Linear
from ..recurrent import GRU, LSTM, RNN
from .observing import observe

__all__ = ["Summary", "summary"]

GAP = "  "  # between the columns of the table


def _linear_flops(layer, inputs, outputs):
    """2 · rows · in · out."""
    return 2 * outputs[0].size * layer.weight.shape[1]


def _convolution_flops(layer, inputs, outputs):
    """2 · outputs · (in / groups) · |kernel|."""
    return 2 * outputs[0].size * math.prod(layer.weight.shape[1:])


def _transposed_flops(layer, inputs, outputs):
    """2 · inputs · out · |kernel|."""
    return 2 * inputs[0].size * math.prod(layer.weight.shape[1:])


def _recurrent_flops(layer, inputs, outputs):
    """2 · B · T · |weights|: each step uses each weight of each layer and direction once."""
    weights = sum(p.size for name, p in layer.own_parameters() if name.startswith("weight"))
    return 2 * math.prod(inputs[0].shape[:2]) * weights


def _keys(inputs, new):
    """S: the keys in a cache after the call, or without one those of the call."""
    caches = [x for x in inputs if isinstance(x, KeyValueCache | MemoryCache)]
    return caches[0].key.shape[2] if caches else new


def _attention_flops(layer, inputs, outputs):
    """Projections 2·B·D·(T·D + N·kdim + N·vdim) of N new keys, scores and weighted sum 4·B·T·S·D; out_proj has a row
    of its own."""
    query, key, value = inputs[:3]
    B, T, D = query.shape
    N = 0 if key is None else key.shape[1]
    projections = 2 * B * D * (T * D + (N * (key.shape[2] + value.shape[2]) if N else 0))
    return projections + 4 * B * T * _keys(inputs, N) * D


def _grouped_flops(layer, inputs, outputs):
    """Scores and weighted sum 4·B·T·S·D; the projections have rows of their own."""
    B, T, D = inputs[0].shape
    return 4 * B * T * _keys(inputs, T) * D


def _sum_flops(layer, inputs, outputs):
    """The weighted sum of the values, 2 · (… T·S) · V; the score has a row of its own."""
    return 2 * outputs[1].size * outputs[0].shape[-1]


def _predictive_flops(layer, inputs, outputs):
    """The weighted sum, and v·tanh(W q) for the position of each query."""
    queries = inputs[0].size // inputs[0].shape[-1]
    return _sum_flops(layer, inputs, outputs) + 2 * queries * (layer.weight.size + layer.weight_v.size)


def _dot_flops(layer, inputs, outputs):
    """q·k: 2 · (… T·S) · D."""
    return 2 * outputs[0].size * inputs[0].shape[-1]


def _general_flops(layer, inputs, outputs):
    """(q W)·k: 2 · rows of q · D · E + 2 · (… T·S) · E."""
    return 2 * inputs[0].size * layer.weight.shape[1] + 2 * outputs[0].size * layer.weight.shape[1]


def _additive_flops(layer, inputs, outputs):
    """v·tanh(W q + U k): 2 · A · (elements of q + elements of k + … T·S)."""
    query, key = inputs[:2]
    return 2 * len(layer.weight_v) * (query.size + key.size + outputs[0].size)


def _pair_flops(layer, inputs, outputs):
    """v·f(W [q; k]) of each pair: 2 · (… T·S) · A · (D + E + 1)."""
    return 2 * outputs[0].size * (layer.weight.size + layer.weight_v.size)


# Of each kind of layer with matrix products: (layer, its inputs, its outputs) -> FLOPs.
FLOPS = {
    Linear: _linear_flops, Conv1d: _convolution_flops, Conv2d: _convolution_flops, Conv3d: _convolution_flops,
    ConvTranspose2d: _transposed_flops, RNN: _recurrent_flops, LSTM: _recurrent_flops, GRU: _recurrent_flops,
    MultiheadAttention: _attention_flops, GroupedQueryAttention: _grouped_flops,
    SoftAttention: _sum_flops, LocalAttention: _sum_flops, PredictiveLocalAttention: _predictive_flops,
    HardAttention: _sum_flops, GumbelAttention: _sum_flops, DotScore: _dot_flops, ScaledDotScore: _dot_flops,
    GeneralScore: _general_flops, AdditiveScore: _additive_flops, ConcatScore: _pair_flops, MLPScore: _pair_flops,
}


def _flops_of(layer, inputs, outputs):
    """By the layer's class, or the nearest that it inherits from."""
    kind = next((kind for kind in type(layer).__mro__ if kind in FLOPS), None)
    return 0 if kind is None else FLOPS[kind](layer, inputs, outputs)


@dataclass
class _Row:
    """One layer: its own parameters, its own cost, and the shape of its last output."""

    name: str
    kind: str
    parameters: int
    shape: str = "not called"
    flops: int = 0


class Summary:
    """What `summary` returns; it prints as a table.

    Attributes
    ----------
    rows : list
        One entry per layer, with `name`, `kind`, `parameters`, `shape` (of its last output) and `flops`.
    parameters, flops : int
        Of the whole Module.
    """

    def __init__(self, rows):
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.flops = sum(row.flops for row in rows)

    def __repr__(self):
        head = ("layer", "output", "parameters", "FLOPs")
        body = [(_indented(row), row.shape, f"{row.parameters:,}", f"{row.flops:,}") for row in self.rows]
        total = ("total", "", f"{self.parameters:,}", f"{self.flops:,}")
        widths = [max(map(len, column)) for column in zip(head, *body, total)]
        rule = "-" * (sum(widths) + 3 * len(GAP))
        lines = [_aligned(cells, widths) for cells in (head, *body, total)]
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summary(module, *inputs):
    """Run a Module once on example inputs and tabulate its layers.

    Parameters
    ----------
    module : Module
        Run in evaluation mode, without a tape; afterwards each layer is in the mode it was in.
    *inputs
        What `module` is called with.

    Returns
    -------
    Summary

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> model = tm.nn.Sequential(tm.nn.Linear(4, 8, rng=rng), tm.nn.ReLU(), tm.nn.Linear(8, 2, rng=rng))
    >>> tm.nn.summary(model, np.ones((16, 4), np.float32))
    layer       output   parameters  FLOPs
    --------------------------------------
    Sequential  (16, 2)           0      0
      0 Linear  (16, 8)          40  1,024
      1 ReLU    (16, 8)           0      0
      2 Linear  (16, 2)          18    512
    --------------------------------------
    total                        58  1,536
    """
    sizes = {}                                                  # of each layer's own parameters, by its name
    for name, parameter in module.named_parameters():
        layer = name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + parameter.size
    rows = {name: _Row(name, type(layer).__name__, sizes.get(name, 0)) for name, layer in module.named_modules()}

    def record(name, layer, inputs, output):
        outputs = output if isinstance(output, tuple) else (output,)
        rows[name].shape = str(outputs[0].shape)
        rows[name].flops += _flops_of(layer, inputs, outputs)

    modes = [(layer, layer.training) for layer in module.modules()]
    try:
        with no_grad(), observe(module.eval(), record):
            module(*inputs)
    finally:
        for layer, mode in modes:
            layer.training = mode
    return Summary(list(rows.values()))


def _aligned(cells, widths):
    """One line of the table: name and shape to the left, the two numbers to the right."""
    name, shape, parameters, flops = cells
    aligned = [name.ljust(widths[0]), shape.ljust(widths[1]), parameters.rjust(widths[2]), flops.rjust(widths[3])]
    return GAP.join(aligned).rstrip()


def _indented(row):
    """The last part of the name and the type, two spaces deeper per level."""
    if not row.name:
        return row.kind
    return "  " * (row.name.count(".") + 1) + f"{row.name.rpartition('.')[2]} {row.kind}"
