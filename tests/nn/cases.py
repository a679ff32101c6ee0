"""One row per layer: how to build it, what to call it with, what shape comes out. All sizes are drawn."""

import numpy as np

import tinymm as tm
from tinymm import nn

CASES = {}  # name -> function of a Generator that gives (layer, inputs, shape of the output)


def case(build):
    CASES[build.__name__] = build
    return build


def sizes(rng, n, low=1, high=4):
    return map(int, rng.integers(low, high, n, endpoint=True))


def lengths_mask(rng, batch, length):
    """(B, T) booleans: True for a first stretch of each row, at least one."""
    return np.arange(length) < rng.integers(1, length, (batch, 1), endpoint=True)


def square_mask(rng, *shape):
    """Booleans with at least one True in each row."""
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    return mask


@case
def Linear(rng):
    batch, length, width, out = sizes(rng, 4)
    return nn.Linear(width, out, bias=bool(rng.integers(2)), rng=rng), \
        [rng.normal(size=(batch, length, width))], (batch, length, out)


@case
def Embedding(rng):
    batch, length, rows, width = sizes(rng, 4)
    ids = rng.integers(0, rows + 1, (batch, length))
    return nn.Embedding(rows + 1, width, rng=rng), [ids], (batch, length, width)


@case
def Dropout(rng):
    shape = tuple(sizes(rng, 2))
    return nn.Dropout(0.4, rng=rng), [rng.normal(size=shape)], shape


def elementwise(layer):
    def build(rng):
        shape = tuple(sizes(rng, 3))
        return layer(), [rng.normal(size=shape)], shape
    build.__name__ = layer.__name__
    return case(build)


for _layer in (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid):
    elementwise(_layer)


@case
def GELU_tanh(rng):
    shape = tuple(sizes(rng, 3))
    return nn.GELU("tanh"), [rng.normal(size=shape)], shape


@case
def LayerNorm(rng):
    batch, length, width = sizes(rng, 3, low=2)
    return nn.LayerNorm((length, width)), [rng.normal(size=(batch, length, width))], (batch, length, width)


@case
def RMSNorm(rng):
    batch, length, width = sizes(rng, 3, low=2)
    return nn.RMSNorm(width), [rng.normal(size=(batch, length, width))], (batch, length, width)


@case
def GroupNorm(rng):
    batch, groups, each, height, width = sizes(rng, 5, low=2, high=3)
    shape = batch, groups * each, height, width
    return nn.GroupNorm(groups, groups * each), [rng.normal(size=shape)], shape


@case
def BatchNorm1d(rng):
    batch, channels, length = sizes(rng, 3, low=2)
    shape = (batch + 2, channels) if rng.integers(2) else (batch, channels, length)
    return nn.BatchNorm1d(channels), [rng.normal(size=shape)], shape


@case
def BatchNorm2d(rng):
    shape = tuple(sizes(rng, 4, low=2))
    return nn.BatchNorm2d(shape[1]), [rng.normal(size=shape)], shape


@case
def Conv1d(rng):
    batch, channels, out, kernel, stride, dilation = sizes(rng, 6, high=3)
    length = dilation * (kernel - 1) + 4
    layer = nn.Conv1d(channels, out, kernel, stride, padding=1, dilation=dilation, rng=rng)
    return layer, [rng.normal(size=(batch, channels, length))], \
        (batch, out, (length + 2 - dilation * (kernel - 1) - 1) // stride + 1)


@case
def Conv2d(rng):
    batch, groups, each, kernel, stride = sizes(rng, 5, high=3)
    layer = nn.Conv2d(groups * each, 2 * groups, kernel, stride, 1, groups=groups, bias=bool(rng.integers(2)), rng=rng)
    side = (5 + 2 - kernel) // stride + 1
    return layer, [rng.normal(size=(batch, groups * each, 5, 5))], (batch, 2 * groups, side, side)


@case
def Conv3d(rng):
    batch, channels, out, kernel, stride = sizes(rng, 5, high=3)
    layer = nn.Conv3d(channels, out, kernel, (1, stride, 1), 1, bias=bool(rng.integers(2)), rng=rng)
    time, height, width = 2 + 2 - kernel + 1, (4 + 2 - kernel) // stride + 1, 3 + 2 - kernel + 1
    return layer, [rng.normal(size=(batch, channels, 2, 4, 3))], (batch, out, time, height, width)


@case
def ConvTranspose2d(rng):
    batch, channels, out, extra, stride = sizes(rng, 5, high=3)
    kernel = extra + 2
    layer = nn.ConvTranspose2d(channels, out, kernel, stride, padding=1, output_padding=stride - 1, rng=rng)
    side = (3 - 1) * stride - 2 + kernel + stride - 1
    return layer, [rng.normal(size=(batch, channels, 3, 3))], (batch, out, side, side)


@case
def MaxPool2d(rng):
    batch, channels, kernel, stride = sizes(rng, 4, high=3)
    side = (6 - kernel) // stride + 1
    # no two so close that a step swaps them
    x = rng.permutation(batch * channels * 36).reshape(batch, channels, 6, 6) * 0.1
    return nn.MaxPool2d(kernel, stride), [x], (batch, channels, side, side)


@case
def AvgPool2d(rng):
    batch, channels, kernel = sizes(rng, 3, high=3)
    return nn.AvgPool2d(kernel), [rng.normal(size=(batch, channels, 6, 6))], (batch, channels, 6 // kernel, 6 // kernel)


@case
def AdaptiveAvgPool2d(rng):
    batch, channels, height, width = sizes(rng, 4, high=5)
    return nn.AdaptiveAvgPool2d((height, width)), [rng.normal(size=(batch, channels, 5, 7))], \
        (batch, channels, height, width)


@case
def SinusoidalPositionalEncoding(rng):
    shape = tuple(sizes(rng, 3, high=5))
    return nn.SinusoidalPositionalEncoding(shape[-1]), [rng.normal(size=shape)], shape


@case
def LearnedPositionalEncoding(rng):
    batch, length, width = sizes(rng, 3)
    return nn.LearnedPositionalEncoding(length, width, rng=rng), [rng.normal(size=(batch, length, width))], \
        (batch, length, width)


def recurrent(layer):
    def build(rng):
        batch, length, width, hidden, layers, directions = sizes(rng, 6, high=2)
        options = dict(bias=bool(rng.integers(2)), dropout=0.3, bidirectional=directions == 2, rng=rng)
        state = (layers * directions, batch, hidden)
        hx = rng.normal(size=(2, *state) if layer is nn.LSTM else state)
        inputs = [rng.normal(size=(batch, length + 2, width)), hx, lengths_mask(rng, batch, length + 2)]
        return layer(width, hidden, layers, **options), inputs, (batch, length + 2, directions * hidden)
    build.__name__ = layer.__name__
    return case(build)


for _layer in (nn.RNN, nn.GRU, nn.LSTM):
    recurrent(_layer)


@case
def MultiheadAttention(rng):
    batch, length, keys, heads, each = sizes(rng, 5, high=3)
    width = heads * each
    layer = nn.MultiheadAttention(width, heads, 0.3, bias=bool(rng.integers(2)), rng=rng)
    query, key, value = (rng.normal(size=(batch, n, width)) for n in (length, keys, keys))
    return layer, [query, key, value, lengths_mask(rng, batch, keys)], (batch, length, width)


@case
def MultiheadAttention_other_widths(rng):
    batch, length, keys, heads, each, kdim, vdim = sizes(rng, 7, high=3)
    width = heads * each
    layer = nn.MultiheadAttention(width, heads, 0.3, kdim=kdim + width, vdim=vdim, rng=rng)
    inputs = [rng.normal(size=s) for s in ((batch, length, width), (batch, keys, kdim + width), (batch, keys, vdim))]
    return layer, [*inputs, None, False, square_mask(rng, batch, heads, length, keys)], (batch, length, width)


def transformer_options(rng):
    return dict(dim_feedforward=3, dropout=0.2, activation=str(rng.choice(["relu", "gelu", "quick_gelu"])),
                norm_first=bool(rng.integers(2)), rng=rng)


@case
def TransformerEncoderLayer(rng):
    batch, length, heads = sizes(rng, 3, high=3)
    layer = nn.TransformerEncoderLayer(4 * heads, heads, **transformer_options(rng))
    x = rng.normal(size=(batch, length, 4 * heads))
    return layer, [x, square_mask(rng, length, length), lengths_mask(rng, batch, length)], x.shape


@case
def TransformerDecoderLayer(rng):
    batch, length, keys, heads = sizes(rng, 4, high=3)
    layer = nn.TransformerDecoderLayer(4 * heads, heads, **transformer_options(rng))
    x, memory = rng.normal(size=(batch, length, 4 * heads)), rng.normal(size=(batch, keys, 4 * heads))
    masks = square_mask(rng, length, length), square_mask(rng, length, keys), None, lengths_mask(rng, batch, keys)
    return layer, [x, memory, *masks], x.shape


@case
def TransformerEncoder(rng):
    batch, length = sizes(rng, 2, high=3)
    options = transformer_options(rng)
    layer = nn.TransformerEncoder([nn.TransformerEncoderLayer(4, 2, **options) for _ in range(2)], nn.LayerNorm(4))
    return layer, [rng.normal(size=(batch, length, 4)), None, None, True], (batch, length, 4)


@case
def TransformerDecoder(rng):
    batch, length, keys = sizes(rng, 3, high=3)
    options = transformer_options(rng)
    layer = nn.TransformerDecoder([nn.TransformerDecoderLayer(4, 2, **options) for _ in range(2)], nn.LayerNorm(4))
    x, memory = rng.normal(size=(batch, length, 4)), rng.normal(size=(batch, keys, 4))
    return layer, [x, memory, None, None, lengths_mask(rng, batch, length), None, True], x.shape


def score(layer, *hidden):
    """A row for a score function: of equal widths if it has no parameters, with a hidden layer or not if it has."""
    def build(rng):
        batch, length, keys, width, other = sizes(rng, 5)
        plain = layer in (nn.DotScore, nn.ScaledDotScore)
        f = layer() if plain else layer(width, other, *hidden, rng=rng)
        return f, [rng.normal(size=(batch, length, width)),
                   rng.normal(size=(batch, keys, width if plain else other))], \
            (batch, length, keys)
    build.__name__ = layer.__name__
    return case(build)


for _layer in (nn.DotScore, nn.ScaledDotScore, nn.GeneralScore):
    score(_layer)
for _layer in (nn.AdditiveScore, nn.ConcatScore, nn.MLPScore):
    score(_layer, 3)


def scored(name, attention):
    """A row for an attention that is given a score function: queries, keys, values, and keys that are padding."""
    def build(rng):
        batch, length, keys, width, other, out = sizes(rng, 6)
        layer = attention(nn.GeneralScore(width, other, rng=rng), width, rng)
        inputs = [rng.normal(size=s) for s in ((batch, length, width), (batch, keys, other), (batch, keys, out))]
        return layer, [*inputs, lengths_mask(rng, batch, keys)[:, None]], (batch, length, out)
    build.__name__ = name
    return case(build)


scored("SoftAttention", lambda f, width, rng: nn.SoftAttention(f))
scored("LocalAttention", lambda f, width, rng: nn.LocalAttention(f, 1))
# a reach so wide that no key stands at its edge, where the weights jump
scored("PredictiveLocalAttention", lambda f, width, rng: nn.PredictiveLocalAttention(f, width, 3, 50.0, rng=rng))
scored("HardAttention", lambda f, width, rng: nn.HardAttention(f, rng=rng))
# hard: not a derivative
scored("GumbelAttention", lambda f, width, rng: nn.GumbelAttention(f, 0.7, hard=False, rng=rng))


@case
def MovingBaseline(rng):
    shape = tuple(sizes(rng, 2))
    return nn.MovingBaseline(), [rng.normal(size=shape)], shape


@case
def LearnedBaseline(rng):
    batch, length, width = sizes(rng, 3)
    return nn.LearnedBaseline(width, rng=rng), [rng.normal(size=(batch, length, width))], (batch, length)


@case
def T5RelativeBias(rng):
    heads, length, keys = sizes(rng, 3)
    return nn.T5RelativeBias(heads, 8, 20, bool(rng.integers(2)), rng=rng), [length, keys], (heads, length, keys)


@case
def GroupedQueryAttention(rng):
    batch, length, readers, group, pairs = sizes(rng, 5, high=3)
    heads, rotary = readers * group, \
        (None, tm.functional.rotary_interleaved, tm.functional.rotary_half_split)[rng.integers(3)]
    width = heads * 2 * pairs
    layer = nn.GroupedQueryAttention(width, heads, readers, rotary, bias=bool(rng.integers(2)), rng=rng)
    return layer, [rng.normal(size=(batch, length, width)), square_mask(rng, length, length), True], \
        (batch, length, width)


@case
def Sequential(rng):
    batch, width, hidden, out = sizes(rng, 4)
    layer = nn.Sequential(nn.Linear(width, hidden, rng=rng), nn.Tanh(), nn.Dropout(0.3, rng=rng),
                          nn.Linear(hidden, out, rng=rng))
    return layer, [rng.normal(size=(batch, width))], (batch, out)


def built(name, seed, dtype=np.float64):
    """The layer in `dtype` with every parameter and buffer re-randomised
    (the defaults 1 and 0 hide bugs), inputs, shape."""
    rng = np.random.default_rng(seed)
    layer, inputs, shape = CASES[name](rng)
    layer.to(dtype)
    for parameter in layer.parameters():
        parameter.data[...] = rng.normal(size=parameter.shape) * 0.7
    for array in layer.buffers():
        array[...] = rng.uniform(0.5, 2.0, array.shape)
    return layer, [a.astype(dtype) if is_float(a) else a for a in inputs], shape


def is_float(a):
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def called(layer, inputs):
    """The first result: outputs come with states or weights in some layers."""
    y = layer(*inputs)
    return y[0] if isinstance(y, tuple) else y


def called_with(layer, replacements, inputs):
    """`called`, with Tensors in the places of parameters."""
    owners = {name: (layer_at(layer, name.rpartition(".")[0]), name.rpartition(".")[2]) for name in replacements}
    originals = {name: getattr(*owners[name]) for name in replacements}
    try:
        for name, tensor in replacements.items():
            setattr(*owners[name], tensor)
        return called(layer, inputs)
    finally:
        for name, parameter in originals.items():
            setattr(*owners[name], parameter)


def layer_at(layer, path):
    for name in filter(None, path.split(".")):
        layer = getattr(layer, name)
    return layer


def as_leaves(inputs):
    """Floating arrays as Tensors that ask for a gradient; the rest as it is."""
    return [tm.tensor(a, requires_grad=True) if is_float(a) else a for a in inputs]
