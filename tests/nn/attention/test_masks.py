"""What a mask hides is hidden: results do not move when it changes, and it gets exactly zero gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn

from ..cases import lengths_mask

SEEDS = st.integers(0, 2**32 - 1)


def fresh(layer, rng):
    """In float64 and evaluation mode, every parameter re-randomised."""
    for p in layer.to(np.float64).parameters():
        p.data[...] = rng.normal(size=p.shape) * 0.7
    return layer.eval()


def transformer_layer(kind, rng):
    return fresh(kind(6, 2, 5, 0.0, str(rng.choice(["relu", "gelu"])), norm_first=bool(rng.integers(2)), rng=rng), rng)


def causal_models(rng):
    """Name to (B, T, 6) -> (B, T, ...), each of which must not look ahead."""
    attention = fresh(nn.MultiheadAttention(6, 3, rng=rng), rng)
    encoder, decoder = (transformer_layer(k, rng) for k in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer))
    lstm = fresh(nn.LSTM(6, 4, 2, rng=rng), rng)
    memory = tm.tensor(rng.normal(size=(2, 3, 6)))
    return {
        "attention": lambda x: attention(x, x, x, is_causal=True)[0],
        "attention with weights": lambda x: attention(x, x, x, need_weights=True, is_causal=True)[0],
        "attention with a mask": lambda x: attention(x, x, x, attn_mask=np.tri(x.shape[1], dtype=bool))[0],
        "attention, causal and padded": lambda x: attention(x, x, x, np.ones(x.shape[:2], bool), False,
                                                            is_causal=True)[0],
        "encoder layer": lambda x: encoder(x, is_causal=True),
        "decoder layer": lambda x: decoder(x, memory, tgt_is_causal=True),
        "encoder": lambda x: nn.TransformerEncoder([encoder, encoder])(x, is_causal=True),
        "decoder": lambda x: nn.TransformerDecoder([decoder, decoder])(x, memory, tgt_is_causal=True),
        "lstm": lambda x: lstm(x)[0],
    }


@pytest.mark.parametrize("name", list(causal_models(np.random.default_rng(0))))
@given(seed=SEEDS)
def test_the_future_is_hidden(name, seed):
    rng = np.random.default_rng(seed)
    model = causal_models(rng)[name]
    length = int(rng.integers(2, 6))
    cut = int(rng.integers(1, length))  # what comes from here on is the future
    x = rng.normal(size=(2, length, 6))
    moved = x.copy()
    moved[:, cut:] += rng.normal(size=moved[:, cut:].shape) * 10
    leaf = tm.tensor(x, requires_grad=True)
    y = model(leaf)
    np.testing.assert_allclose(model(tm.tensor(moved)).data[:, :cut], y.data[:, :cut], rtol=1e-12, atol=1e-12)
    g = rng.normal(size=y.shape)
    g[:, cut:] = 0
    y.backward(g)
    assert not leaf.grad[:, cut:].any() and leaf.grad[:, :cut].any()


def padded_models(rng):
    """Name to f(x, real): results at real positions must not depend on the others."""
    attention = fresh(nn.MultiheadAttention(6, 2, rng=rng), rng)
    encoder, decoder = (transformer_layer(k, rng) for k in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer))
    query = tm.tensor(rng.normal(size=(3, 4, 6)))
    recurrent = {kind.__name__: fresh(kind(6, 3, 2, bidirectional=True, rng=rng), rng)
                 for kind in (nn.RNN, nn.GRU, nn.LSTM)}
    both = {name: (lambda layer: lambda x, real: layer(x, mask=real)[0])(layer) for name, layer in recurrent.items()}
    return both | {
        "attention": lambda x, real: attention(query, x, x, real)[0],
        "attention without weights": lambda x, real: attention(query, x, x, real, need_weights=False)[0],
        "encoder layer": lambda x, real: encoder(x, None, real) * real[..., None],
        "encoder": lambda x, real: nn.TransformerEncoder([encoder] * 2)(x, src_key_padding_mask=real) * real[..., None],
        "decoder's memory": lambda x, real: decoder(query, x, memory_key_padding_mask=real),
        "decoder's target": lambda x, real: decoder(x, query, tgt_key_padding_mask=real) * real[..., None],
    }


@pytest.mark.parametrize("name", list(padded_models(np.random.default_rng(0))))
@given(seed=SEEDS)
def test_padding_is_hidden(name, seed):
    rng = np.random.default_rng(seed)
    model = padded_models(rng)[name]
    x = rng.normal(size=(3, 5, 6))
    real = lengths_mask(rng, 3, 5)
    moved = np.where(real[..., None], x, rng.normal(size=x.shape) * 10)
    leaf = tm.tensor(x, requires_grad=True)
    y = model(leaf, real)
    np.testing.assert_allclose(model(tm.tensor(moved), real).data, y.data, rtol=1e-12, atol=1e-12)
    y.backward(rng.normal(size=y.shape))
    assert not leaf.grad[~real].any() and leaf.grad[real].any()


@given(SEEDS)
def test_a_query_that_may_attend_to_nothing_gets_zero_from_the_heads(seed):
    rng = np.random.default_rng(seed)
    attention = fresh(nn.MultiheadAttention(4, 2, rng=rng), rng)
    x = tm.tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    real = np.array([[True, True, False], [False, False, False]])
    y, weights = attention(x, x, x, real)
    np.testing.assert_allclose(y.data[1], np.broadcast_to(attention.out_proj.bias.data, (3, 4)))
    assert not weights.data[1].any() and np.allclose(weights.data[0].sum(-1), 1)
    y.backward(rng.normal(size=y.shape))
    assert np.isfinite(x.grad).all() and not x.grad[1].any()


@given(SEEDS)
def test_padding_makes_a_shorter_sequence(seed):
    """The result for a padded sequence is the result for the sequence alone, in every state too."""
    rng = np.random.default_rng(seed)
    kind = (nn.RNN, nn.GRU, nn.LSTM)[rng.integers(3)]
    layer = fresh(kind(3, 2, 2, bidirectional=True, rng=rng), rng)
    x, n = rng.normal(size=(1, 6, 3)), int(rng.integers(1, 6))
    output, state = layer(tm.tensor(x), mask=np.arange(6)[None] < n)
    alone, state_alone = layer(tm.tensor(x[:, :n]))
    np.testing.assert_allclose(output.data[:, :n], alone.data, rtol=1e-12)
    assert not output.data[:, n:].any()
    for a, b in zip(*((s,) if kind is not nn.LSTM else s for s in (state, state_alone))):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12)


def test_both_ways_of_attending_agree_and_weights_come_as_asked(rng):
    attention = fresh(nn.MultiheadAttention(6, 3, rng=rng), rng)
    query, memory = tm.tensor(rng.normal(size=(2, 4, 6))), tm.tensor(rng.normal(size=(2, 5, 6)))
    real = tm.tensor(lengths_mask(rng, 2, 5))
    y, mean = attention(query, memory, memory, real)
    same, heads = attention(query, memory, memory, real, average_attn_weights=False)
    fused, none = attention(query, memory, memory, real, need_weights=False)
    assert none is None and heads.shape == (2, 3, 4, 5) and mean.shape == (2, 4, 5)
    np.testing.assert_allclose(heads.data.mean(1), mean.data, rtol=1e-12)
    np.testing.assert_allclose(same.data, y.data, rtol=1e-12)
    np.testing.assert_allclose(fused.data, y.data, rtol=1e-12)


@pytest.mark.parametrize("call, message", [
    (lambda f, x: f(x, x, x, np.ones((2, 4))),
     "key_padding_mask is boolean, True = may attend, of shape .2, 4.; got float64"),
    (lambda f, x: f(x, x, x, np.ones((4, 2), bool)), r"key_padding_mask is boolean.*got bool \(4, 2\)"),
    (lambda f, x: f(x, x, x, attn_mask=np.ones((4, 3), bool)),
     r"\(4, 4\) or \(2, 4, 4\) or \(2, 2, 4, 4\); got bool \(4, 3\)"),
    (lambda f, x: f(x[0], x, x), r"query must be \(batch, length, 6\); got \(4, 6\)"),
    (lambda f, x: f(x, x[..., :5], x), r"key must be \(batch, length, 6\); got \(2, 4, 5\)"),
    (lambda f, x: f(x, x, x[:, :3]), "key and value the length; got .*2, 3, 6"),
    (lambda f, x: f(x, x[:1], x[:1]), "share the batch"),
])
def test_attention_says_what_is_wrong(rng, call, message):
    attention = nn.MultiheadAttention(6, 2, rng=rng)
    with pytest.raises(ValueError, match="MultiheadAttention: .*" + message):
        call(attention, tm.tensor(rng.normal(size=(2, 4, 6)).astype(np.float32)))


@pytest.mark.parametrize("build, message", [
    (lambda rng: nn.MultiheadAttention(6, 4, rng=rng),
     "MultiheadAttention: num_heads must divide embed_dim; got 4 and 6"),
    (lambda rng: nn.TransformerEncoderLayer(6, 2, activation="tanh", rng=rng),
     "TransformerEncoderLayer: activation is one of 'relu', 'gelu', 'gelu_tanh', 'quick_gelu'; "
     "got 'tanh'"),
    (lambda rng: nn.Dropout(1.5, rng=rng), r"Dropout: p is a probability in \[0, 1\]; got 1.5"),
    (lambda rng: nn.Conv2d(3, 4, 3, groups=2, rng=rng),
     "Conv2d: groups must divide both channel counts; got 2 for 3 and 4"),
    (lambda rng: nn.GRU(3, 4, 0, rng=rng),
     "GRU: input_size, hidden_size and num_layers are at least 1; got 3, 4 and 0"),
    (lambda rng: nn.Embedding(3, 4, 3, rng=rng), r"Embedding: padding_idx lies in \[-3, 3\); got 3"),
    (lambda rng: nn.GroupNorm(3, 4), "GroupNorm: num_groups must divide num_channels; got 3 and 4"),
    (lambda rng: nn.BatchNorm2d(3)(tm.tensor(np.ones((2, 3)))), r"BatchNorm2d: the input has 4 axes; got \(2, 3\)"),
    (lambda rng: nn.LSTM(3, 4, rng=rng)(tm.tensor(np.ones((2, 5, 3))), (np.zeros((2, 4)),) * 2),
     r"LSTM: an initial state is \(layers · directions, B, H\) = \(1, 2, 4\); got \(2, 4\)"),
    (lambda rng: nn.LearnedPositionalEncoding(3, 2, rng=rng)(tm.tensor(np.ones((1, 4, 2)))),
     "LearnedPositionalEncoding: has 3 positions; got a sequence that ends at 4"),
    (lambda rng: nn.SinusoidalPositionalEncoding(4)(tm.tensor(np.ones((1, 4, 2)))),
     r"SinusoidalPositionalEncoding: the input must be \(..., T, 4\); got \(1, 4, 2\)"),
])
def test_other_layers_say_what_is_wrong(rng, build, message):
    with pytest.raises(ValueError, match=message):
        build(rng)


def test_masks_may_be_lists():
    rng = np.random.default_rng(0)
    x, real = tm.tensor(rng.normal(size=(1, 3, 4))), [[True, True, False]]
    lower = np.tri(3, dtype=bool)
    f = nn.DotScore()
    calls = {
        "MultiheadAttention": (nn.MultiheadAttention(4, 2, rng=rng), lambda l, m: l(x, x, x, m)[0], real),
        "GroupedQueryAttention": (nn.GroupedQueryAttention(4, 2, 1, rng=rng), lambda l, m: l(x, m), lower.tolist()),
        **{kind.__name__: (kind(4, 2, rng=rng), lambda l, m: l(x, mask=m)[0], real)
           for kind in (nn.RNN, nn.GRU, nn.LSTM)},
        "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 8, rng=rng), lambda l, m: l(x, None, m), real),
        "SoftAttention": (nn.SoftAttention(f), lambda l, m: l(x, x, mask=m).output, lower.tolist()),
        "LocalAttention": (nn.LocalAttention(f, 1), lambda l, m: l(x, x, mask=m).output, lower.tolist()),
        "PredictiveLocalAttention": (nn.PredictiveLocalAttention(f, 4, 3, 2, rng=rng),
                                     lambda l, m: l(x, x, mask=m).output, lower.tolist()),
        "HardAttention": (nn.HardAttention(f, rng=rng), lambda l, m: l(x, x, mask=m).output, lower.tolist()),
        "GumbelAttention": (nn.GumbelAttention(f, rng=rng), lambda l, m: l(x, x, mask=m)[0], lower.tolist()),
        "rnn_tanh": (tm.functional.rnn_tanh,
                     lambda f, m: f(x, np.zeros((1, 2)), np.ones((2, 4)), np.eye(2), mask=m)[0], real),
    }
    for name, (layer, call, mask) in calls.items():
        layer = fresh(layer, rng) if isinstance(layer, nn.Module) else layer
        expected = call(layer, np.array(mask))
        np.testing.assert_array_equal(call(layer, mask).data, expected.data, err_msg=name)
    with pytest.raises(ValueError, match="attention_weights: the mask is an array, boolean .* or floating; got list"):
        tm.functional.attention_weights(x, lower.tolist())


def test_causal_attention_to_a_kept_memory_counts_queries_from_0():
    rng = np.random.default_rng(0)
    layer = fresh(nn.MultiheadAttention(4, 2, rng=rng), rng)
    query, memory = tm.tensor(rng.normal(size=(2, 3, 4))), tm.tensor(rng.normal(size=(2, 5, 4)))
    expected = layer(query, memory, memory, is_causal=True)[0].data
    cache = nn.MemoryCache()
    for args in ((memory, memory), (None, None)):
        np.testing.assert_allclose(layer(query, *args, is_causal=True, cache=cache)[0].data, expected, rtol=1e-12)
