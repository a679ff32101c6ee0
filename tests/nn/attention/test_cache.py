"""Decoding with kept keys and values is the whole forward pass, position by position or by several at once."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

from ..cases import lengths_mask
from .test_masks import fresh, transformer_layer

SEEDS = st.integers(0, 2**32 - 1)
CLOSE = dict(rtol=1e-10, atol=1e-10)


def pieces(rng, length):
    """Bounds of random stretches that together make `length` positions."""
    cuts = sorted({0, length, *rng.integers(0, length, 2).tolist()})
    return list(zip(cuts, cuts[1:]))


def stepwise(f, x, bounds):
    return F.concatenate([f(x[:, a:b]) for a, b in bounds], 1)


def models(rng):
    """Name to (whole(x), a function that makes a fresh step(x))."""
    attention = fresh(nn.MultiheadAttention(8, 2, rng=rng), rng)
    grouped = fresh(nn.GroupedQueryAttention(8, 4, 2, F.rotary_interleaved, rng=rng), rng)
    encoder = nn.TransformerEncoder([transformer_layer(nn.TransformerEncoderLayer, rng) for _ in range(2)],
                                    fresh(nn.LayerNorm(6), rng)).eval()

    def attend(cache):
        return lambda x: attention(x, x, x, need_weights=False, is_causal=True, cache=cache)[0]

    return {
        "attention": (8, attend(None), lambda: attend(nn.KeyValueCache())),
        "attention with weights": (8, attend(None), lambda: (
            lambda cache: lambda x: attention(x, x, x, is_causal=True, cache=cache)[0])(nn.KeyValueCache())),
        "grouped, rotary": (8, lambda x: grouped(x, is_causal=True), lambda: (
            lambda cache: lambda x: grouped(x, is_causal=True, cache=cache))(nn.KeyValueCache())),
        "encoder": (6, lambda x: encoder(x, is_causal=True), lambda: (
            lambda cache: lambda x: encoder(x, is_causal=True, cache=cache))(encoder.new_cache())),
    }


@pytest.mark.parametrize("name", list(models(np.random.default_rng(0))))
@given(seed=SEEDS)
def test_cached_steps_are_the_whole(name, seed):
    """Values, and the gradient of the input: what is kept stays on the tape."""
    rng = np.random.default_rng(seed)
    width, whole, start = models(rng)[name]
    x = tm.tensor(rng.normal(size=(2, int(rng.integers(1, 7)), width)), requires_grad=True)
    expected, got = whole(x), stepwise(start(), x, pieces(rng, x.shape[1]))
    np.testing.assert_allclose(got.data, expected.data, **CLOSE)
    g = rng.normal(size=got.shape)
    np.testing.assert_allclose(tm.grad(got, x, g)[0].data, tm.grad(expected, x, g)[0].data, **CLOSE)


def decoder_of(rng):
    layers = [transformer_layer(nn.TransformerDecoderLayer, rng) for _ in range(2)]
    return nn.TransformerDecoder(layers, fresh(nn.LayerNorm(6), rng)).eval()


@pytest.mark.parametrize("name", list(models(np.random.default_rng(0))))
@given(seed=SEEDS)
def test_cached_steps_are_the_whole_without_a_tape_too(name, seed):
    rng = np.random.default_rng(seed)
    width, whole, start = models(rng)[name]
    x = tm.tensor(rng.normal(size=(2, int(rng.integers(1, 12)), width)))
    with tm.no_grad():
        np.testing.assert_allclose(stepwise(start(), x, pieces(rng, x.shape[1])).data, whole(x).data, **CLOSE)
        one_by_one = stepwise(start(), x, [(t, t + 1) for t in range(x.shape[1])])
        np.testing.assert_allclose(one_by_one.data, whole(x).data, **CLOSE)


@given(SEEDS)
def test_a_decoder_with_its_memory_kept(seed):
    """The memory is passed once; the result is that of passing it every time, with padding in it."""
    rng = np.random.default_rng(seed)
    decoder = decoder_of(rng)
    words, memory = (tm.tensor(rng.normal(size=(3, n, 6)), requires_grad=True) for n in (5, 4))
    real = lengths_mask(rng, 3, 4)
    expected = decoder(words, memory, memory_key_padding_mask=real, tgt_is_causal=True)
    cache, steps = decoder.new_cache(), []
    for a, b in pieces(rng, 5):
        seen = None if steps else memory
        steps.append(decoder(words[:, a:b], seen, memory_key_padding_mask=real, tgt_is_causal=True, cache=cache))
    got = F.concatenate(steps, 1)
    np.testing.assert_allclose(got.data, expected.data, **CLOSE)
    assert [said.length for said, _ in cache] == [5, 5]
    g = rng.normal(size=got.shape)
    for a, b in zip(tm.grad(got, [words, memory], g), tm.grad(expected, [words, memory], g)):
        np.testing.assert_allclose(a.data, b.data, **CLOSE)


@given(SEEDS)
def test_padded_prefixes_count_what_is_kept(seed):
    """The padding mask of a step covers all S positions so far."""
    rng = np.random.default_rng(seed)
    attention = fresh(nn.MultiheadAttention(6, 3, rng=rng), rng)
    x, real = tm.tensor(rng.normal(size=(3, 5, 6))), lengths_mask(rng, 3, 5)
    expected, weights = attention(x, x, x, real, is_causal=True)
    cache = nn.KeyValueCache()
    for t in range(5):
        step = x[:, t:t + 1]
        y, alpha = attention(step, step, step, real[:, :t + 1], is_causal=True, cache=cache)
        np.testing.assert_allclose(y.data[:, 0], expected.data[:, t], **CLOSE)
        np.testing.assert_allclose(alpha.data[:, 0], weights.data[:, t, :t + 1], **CLOSE)


@given(SEEDS, st.integers(0, 3), st.integers(1, 4))
def test_a_stream_is_its_mask(seed, sinks, window):
    rng = np.random.default_rng(seed)
    attention = fresh(nn.MultiheadAttention(6, 2, rng=rng), rng)
    grouped = fresh(nn.GroupedQueryAttention(6, 3, 1, F.rotary_half_split, rng=rng), rng)
    x, mask = tm.tensor(rng.normal(size=(2, 9, 6))), F.streaming_mask(9, sinks, window)
    one, other = nn.StreamingCache(sinks, window), nn.StreamingCache(sinks, window)
    steps = stepwise(lambda x: attention(x, x, x, cache=one)[0], x, [(t, t + 1) for t in range(9)])
    np.testing.assert_allclose(steps.data, attention(x, x, x, attn_mask=mask)[0].data, **CLOSE)
    turned = stepwise(lambda x: grouped(x, is_causal=True, cache=other), x, [(t, t + 1) for t in range(9)])
    np.testing.assert_allclose(turned.data, grouped(x, mask).data, **CLOSE)
    assert one.length == other.length == 9 and one.key.shape[2] == min(9, sinks + window)


def test_select_follows_the_captions_of_a_beam(rng):
    decoder = decoder_of(rng)
    words, memory = tm.tensor(rng.normal(size=(3, 4, 6))), tm.tensor(rng.normal(size=(3, 5, 6)))
    rows, cache = np.array([2, 0, 2, 1]), decoder.new_cache()
    decoder(words[:, :3], memory, tgt_is_causal=True, cache=cache)
    for pair in cache:
        for kept in pair:
            kept.select(rows)
    last = decoder(words[rows, 3:], None, tgt_is_causal=True, cache=cache)
    whole = decoder(words, memory, tgt_is_causal=True)
    np.testing.assert_allclose(last.data[:, 0], whole.data[rows, 3], **CLOSE)
    for empty in (nn.KeyValueCache(), nn.MemoryCache()):
        empty.select(rows)                                                      # nothing kept yet, nothing to select
        assert empty.key is None


def test_float32_is_kept(rng):
    attention = nn.MultiheadAttention(6, 2, rng=rng)
    x, cache = tm.tensor(rng.normal(size=(1, 2, 6)).astype(np.float32)), nn.KeyValueCache()
    for _ in range(2):
        y, _ = attention(x, x, x, is_causal=True, cache=cache)
    assert y.dtype == cache.key.dtype == np.float32


def twice(cache, call):
    call(cache)
    call(cache)


@pytest.mark.parametrize("call, message", [
    (lambda f, x: twice(nn.MemoryCache(), lambda c: f(x, x, x, cache=c)),
     "MemoryCache: already holds a memory; pass None"),
    (lambda f, x: f(x, None, None),
     "MultiheadAttention: key and value may be None, both, if a cache already holds them"),
    (lambda f, x: f(x, None, None, cache=nn.MemoryCache()), "may be None, both, if a cache already holds them"),
    (lambda f, x: f(x, None, x, cache=nn.MemoryCache()), "may be None, both"),
    (lambda f, x: f(x, x, x, cache=nn.StreamingCache(1, 2)), "StreamingCache: takes one position at a time; got 4"),
    (lambda f, x: [f(a, a, a, cache=c) for c in [nn.KeyValueCache()] for a in (x, x[:1])],
     "KeyValueCache: holds a batch of 2; got one of 1"),
    (lambda f, x: nn.StreamingCache(1, 0),
     "StreamingCache: needs 0 or more sinks and a window of 1 or more; got 1 and 0"),
    (lambda f, x: decoder_of(np.random.default_rng(0))(x, x, cache=[None]), "one entry per layer; got 1 for 2 layers"),
    (lambda f, x: decoder_of(np.random.default_rng(0)).layers[0](x, x, cache=nn.KeyValueCache()),
     "TransformerDecoderLayer: cache must be a pair, of self-attention and of the memory; got KeyValueCache"),
    (lambda f, x: [f(x, x, x, cache=c) and f(x[:1], None, None, cache=c) for c in [nn.MemoryCache()]],
     r"MultiheadAttention: the cache holds a batch of 2; got queries \(1, 4, 6\)"),
    (lambda f, x: nn.GroupedQueryAttention(6, 2, 1, rng=np.random.default_rng(0))(x[0]),
     r"GroupedQueryAttention: x must be \(batch, length, 6\); got \(4, 6\)"),
    (lambda f, x: nn.GroupedQueryAttention(6, 2, 1, rng=np.random.default_rng(0))(x, np.ones((4, 4))),
     "GroupedQueryAttention: the mask is boolean, True = may attend; got float64"),
    (lambda f, x: nn.MultiheadAttention(6, 2, dropout=2, rng=np.random.default_rng(0)),
     r"MultiheadAttention: dropout must lie in \[0, 1\]; got 2"),
    (lambda f, x: nn.GroupedQueryAttention(6, 4, 2, rng=np.random.default_rng(0)),
     "GroupedQueryAttention: num_heads must divide embed_dim, and num_key_heads num_heads; got 6, 4 and 2"),
])
def test_errors(rng, call, message):
    attention = nn.MultiheadAttention(6, 2, rng=rng)
    with pytest.raises(ValueError, match=message):
        call(attention, tm.tensor(rng.normal(size=(2, 4, 6)).astype(np.float32)))


def held(cache):
    """What nested caches hold, to be compared."""
    if isinstance(cache, (list, tuple)):
        return [held(c) for c in cache]
    return cache.key.data.tolist(), cache.value.data.tolist(), getattr(cache, "length", None)


@pytest.mark.parametrize("recording", [True, False])
def test_a_step_that_fails_leaves_every_cache_as_it_was(rng, recording):
    with nullcontext() if recording else tm.no_grad():
        check_failing_steps(rng)


def check_failing_steps(rng):
    x, memory = (tm.tensor(rng.normal(size=(2, n, 6))) for n in (1, 3))
    wrong = np.ones((5, 7), bool)
    decoder, encoder = decoder_of(rng), nn.TransformerEncoder([nn.TransformerEncoderLayer(6, 2, 8, 0.0, rng=rng)])
    both, own = decoder.new_cache(), encoder.new_cache()
    grouped, kept = nn.GroupedQueryAttention(6, 2, 1, rng=rng), nn.KeyValueCache()
    decoder(x, memory, cache=both), encoder(x, cache=own), grouped(x, cache=kept)
    before = held([both, own, kept])
    for call in (lambda: decoder(x, memory, cache=both),                        # the memory a second time
                 lambda: decoder(x, None, memory_mask=wrong, cache=both),
                 lambda: encoder(x, wrong, cache=own), lambda: grouped(x, wrong, cache=kept),
                 lambda: kept.extend(*(tm.tensor(np.ones((2, 1, 1, 9))) for _ in range(2)))):
        with pytest.raises(ValueError):
            call()
        assert held([both, own, kept]) == before
    for _ in range(3):                                                          # and they go on from there
        decoder(x, None, cache=both), encoder(x, cache=own), grouped(x, cache=kept)
    np.testing.assert_allclose(encoder(x, cache=own).data[:, 0], encoder(
        F.concatenate([x] * 5, 1), is_causal=True).data[:, 4], **CLOSE)
    assert own[0].length == kept.length + 1 == 5
