"""The layers equal PyTorch's in float64, results and all gradients, after copying its state over."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn

from .cases import lengths_mask, sizes, square_mask

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
SEEDS = st.integers(0, 2**32 - 1)
CLOSE = dict(rtol=1e-9, atol=1e-9)
few = settings(max_examples=max(4, settings().max_examples // 5))  # whole stacks, slow on PyTorch's side too


def twins(theirs, mine, rng):
    """Re-randomise every number of theirs, and copy the state into mine."""
    theirs.double()
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) * 0.6))
        for b in theirs.buffers():
            if b.is_floating_point():
                b.copy_(torch.tensor(rng.uniform(0.5, 2.0, tuple(b.shape))))
    assert mine.to(np.float64).load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()}) == ([], [])
    return theirs, mine


def same(theirs, mine, arrays, run_theirs, run_mine, rng):
    """Equal results and equal gradients of the inputs and of each parameter, for one random cotangent per result."""
    a = [torch.tensor(x, requires_grad=True) for x in arrays]
    b = [tm.tensor(x, requires_grad=True) for x in arrays]
    expected, results = run_theirs(theirs, *a), run_mine(mine, *b)
    loss, total = 0.0, 0.0
    for want, got in zip(expected, results, strict=True):
        np.testing.assert_allclose(got.data, want.detach().numpy(), **CLOSE)
        g = rng.normal(size=got.shape)
        loss, total = loss + (want * torch.tensor(g)).sum(), total + (got * g).sum()
    loss.backward()
    total.backward()
    for want, got in zip(a, b):
        np.testing.assert_allclose(got.grad, want.grad.numpy(), **CLOSE)
    gradients = {k: p.grad.numpy() for k, p in theirs.named_parameters()}
    assert gradients.keys() == dict(mine.named_parameters()).keys()
    for key, p in mine.named_parameters():
        np.testing.assert_allclose(p.grad, gradients[key], **CLOSE, err_msg=key)
    for key, b in theirs.named_buffers():
        np.testing.assert_allclose(mine.state_dict()[key], b.numpy(), **CLOSE, err_msg=key)


def one(layer, *x):
    return (layer(*x),)


def simple_layers(rng):
    """Name to (theirs, mine, input)."""
    norm = rng.normal(size=(3, 4, 5, 6))
    image = rng.normal(size=(2, 4, 7, 7))
    t = torch.nn
    return {
        "Linear": (t.Linear(6, 3), nn.Linear(6, 3, rng=rng), norm),
        "Linear without bias": (t.Linear(6, 3, bias=False), nn.Linear(6, 3, bias=False, rng=rng), norm),
        "Conv1d": (t.Conv1d(4, 3, 3, 2, 1, 2), nn.Conv1d(4, 3, 3, 2, 1, dilation=2, rng=rng),
                   rng.normal(size=(2, 4, 9))),
        "Conv2d": (t.Conv2d(4, 6, (3, 2), 2, 1), nn.Conv2d(4, 6, (3, 2), 2, 1, rng=rng), image),
        "Conv3d": (t.Conv3d(2, 3, (3, 2, 2), (1, 2, 1), 1), nn.Conv3d(2, 3, (3, 2, 2), (1, 2, 1), 1, rng=rng),
                   rng.normal(size=(2, 2, 4, 5, 3))),
        "Conv2d in groups": (t.Conv2d(4, 6, 3, groups=2, bias=False), nn.Conv2d(4, 6, 3, groups=2, bias=False, rng=rng),
                             image),
        "ConvTranspose2d": (t.ConvTranspose2d(4, 3, 3, 2, 1, 1), nn.ConvTranspose2d(4, 3, 3, 2, 1, 1, rng=rng), image),
        "LayerNorm": (t.LayerNorm((5, 6)), nn.LayerNorm((5, 6)), norm),
        "RMSNorm": (t.RMSNorm(6), nn.RMSNorm(6), norm),
        "GroupNorm": (t.GroupNorm(2, 4), nn.GroupNorm(2, 4), norm),
        "BatchNorm1d": (t.BatchNorm1d(4), nn.BatchNorm1d(4), rng.normal(size=(5, 4))),
        "BatchNorm1d of sequences": (t.BatchNorm1d(4), nn.BatchNorm1d(4), rng.normal(size=(5, 4, 3))),
        "BatchNorm2d": (t.BatchNorm2d(4, momentum=0.3), nn.BatchNorm2d(4, momentum=0.3), norm),
        "MaxPool2d": (t.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1), image),
        "AvgPool2d": (t.AvgPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1), image),
        "AdaptiveAvgPool2d": (t.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveAvgPool2d((3, 2)), image),
        "GELU": (t.GELU(), nn.GELU(), norm),
        "GELU by tanh": (t.GELU("tanh"), nn.GELU("tanh"), norm),
        "SiLU": (t.SiLU(), nn.SiLU(), norm),
    }


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", list(simple_layers(np.random.default_rng(0))))
def test_simple_layers(name, training, rng):
    theirs, mine, x = simple_layers(rng)[name]
    theirs, mine = twins(theirs.train(training), mine.train(training), rng)
    same(theirs, mine, [x], one, one, rng)


def test_embedding_with_padding(rng):
    theirs, mine = twins(torch.nn.Embedding(7, 3, padding_idx=2), nn.Embedding(7, 3, padding_idx=2, rng=rng), rng)
    ids = rng.integers(0, 7, (4, 5))
    same(theirs, mine, [], lambda f: one(f, torch.tensor(ids)), lambda f: one(f, ids), rng)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@given(seed=SEEDS)
def test_recurrent_networks_masked_as_packed(name, seed):
    rng = np.random.default_rng(seed)
    batch, length, width, hidden, layers, directions, bias, initial = *sizes(rng, 4), *sizes(rng, 4, high=2)
    both = directions == 2
    theirs = getattr(torch.nn, name)(width, hidden, layers, bias=bias == 2, batch_first=True, bidirectional=both)
    mine = getattr(nn, name)(width, hidden, layers, bias=bias == 2, bidirectional=both, rng=rng)
    theirs, mine = twins(theirs, mine, rng)
    x = rng.normal(size=(batch, length, width))
    mask = lengths_mask(rng, batch, length)
    starts = [rng.normal(size=(layers * directions, batch, hidden))
              for _ in range(2 if name == "LSTM" else 1)][:2 * (initial - 1)]

    def state(hx):
        return None if not hx else tuple(hx) if name == "LSTM" else hx[0]

    def flat(output, last):
        return (output, *last) if name == "LSTM" else (output, last)

    def run_theirs(f, x, *hx):
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(mask.sum(1)), True, False)
        output, last = f(packed, state(hx))
        return flat(torch.nn.utils.rnn.pad_packed_sequence(output, True, total_length=length)[0], last)

    same(theirs, mine, [x, *starts], run_theirs, lambda f, x, *hx: flat(*f(x, state(hx), mask)), rng)


@given(seed=SEEDS)
def test_multihead_attention(seed):
    rng = np.random.default_rng(seed)
    batch, length, keys, heads, each, other, bias, average = *sizes(rng, 6), *sizes(rng, 2, high=2)
    width, kdim, vdim = heads * each, *(sizes(rng, 2) if other > 2 else (heads * each,) * 2)
    options = dict(bias=bias == 2, kdim=kdim, vdim=vdim)
    theirs = torch.nn.MultiheadAttention(width, heads, batch_first=True, **options)
    theirs, mine = twins(theirs, nn.MultiheadAttention(width, heads, **options, rng=rng), rng)
    arrays = [rng.normal(size=s) for s in ((batch, length, width), (batch, keys, kdim), (batch, keys, vdim))]
    padding, allowed = lengths_mask(rng, batch, keys), square_mask(rng, length, keys)  # each row sees key 0

    def run_theirs(f, *qkv):  # its masks say who may not attend
        return f(*qkv, torch.tensor(~padding), True, torch.tensor(~allowed), average_attn_weights=average == 2)

    same(theirs, mine, arrays, run_theirs, lambda f, *qkv: f(*qkv, padding, True, allowed, average == 2), rng)
    one_only = (lambda f, *qkv: run_theirs(f, *qkv)[:1], lambda f, *qkv: f(*qkv, padding, False, allowed)[:1])
    for layer in (theirs, mine):
        layer.zero_grad()
    same(theirs, mine, arrays, *one_only, rng)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@few
@given(seed=SEEDS)
def test_transformer_encoder(norm_first, activation, seed):
    rng = np.random.default_rng(seed)
    batch, length, heads = sizes(rng, 3)
    arguments = (3 * heads, heads, 5, 0.0, activation, 1e-5)
    layer = torch.nn.TransformerEncoderLayer(*arguments, batch_first=True, norm_first=norm_first)
    theirs = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(3 * heads), enable_nested_tensor=False)
    layers = [nn.TransformerEncoderLayer(*arguments, norm_first=norm_first, rng=rng) for _ in range(2)]
    theirs, mine = twins(theirs, nn.TransformerEncoder(layers, nn.LayerNorm(3 * heads)), rng)
    real, allowed = lengths_mask(rng, batch, length), square_mask(rng, length, length)
    same(theirs, mine, [rng.normal(size=(batch, length, 3 * heads))],
         lambda f, x: one(f, x, torch.tensor(~allowed), torch.tensor(~real)),
         lambda f, x: one(f, x, allowed, real), rng)


@pytest.mark.parametrize("norm_first", [False, True])
@few
@given(seed=SEEDS)
def test_transformer_decoder(norm_first, seed):
    rng = np.random.default_rng(seed)
    batch, length, keys, heads = sizes(rng, 4)
    arguments = (3 * heads, heads, 5, 0.0, "gelu", 1e-5)
    layer = torch.nn.TransformerDecoderLayer(*arguments, batch_first=True, norm_first=norm_first)
    theirs = torch.nn.TransformerDecoder(layer, 2, torch.nn.LayerNorm(3 * heads))
    layers = [nn.TransformerDecoderLayer(*arguments, norm_first=norm_first, rng=rng) for _ in range(2)]
    theirs, mine = twins(theirs, nn.TransformerDecoder(layers, nn.LayerNorm(3 * heads)), rng)
    real, seen, allowed = lengths_mask(rng, batch, length), lengths_mask(rng, batch, keys), \
        square_mask(rng, length, keys)
    future = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
    arrays = [rng.normal(size=(batch, n, 3 * heads)) for n in (length, keys)]
    same(theirs, mine, arrays,
         lambda f, x, m: one(f, x, m, future, *(torch.tensor(~a) for a in (allowed, real, seen))),
         lambda f, x, m: one(f, x, m, None, allowed, real, seen, True), rng)
