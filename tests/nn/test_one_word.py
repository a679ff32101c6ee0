"""The short way for one word is the textbook's function; where it is not meant to be taken, it is not."""

from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn
from tinymm.autograd import debug
from tinymm.nn import transformer
from tinymm.nn.one_word import can_step

SEEDS = st.integers(0, 2**32 - 1)
TOLERANCE = {np.float64: dict(rtol=1e-11, atol=1e-11), np.float32: dict(rtol=2e-5, atol=2e-5)}


def stack_of(rng, decoder, dtype):
    """A stack of random layers, D, and whether it looks at a memory; large weights, so that words matter."""
    heads, layers = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    D = heads * int(rng.integers(2, 5))
    kind, whole = ((nn.TransformerDecoderLayer, nn.TransformerDecoder) if decoder
                   else (nn.TransformerEncoderLayer, nn.TransformerEncoder))
    activation = str(rng.choice(["relu", "gelu", "quick_gelu"]))
    stack = whole([kind(D, heads, int(rng.integers(1, 9)), float(rng.choice([0, 0.5])), activation,
                        norm_first=bool(rng.integers(2)), rng=rng) for _ in range(layers)]).to(dtype).eval()
    for p in stack.parameters():
        p.data[...] = rng.normal(size=p.shape) * 0.7
    return stack, D


def arrays_of(caches):
    """All that nested caches hold."""
    if isinstance(caches, (list, tuple)):
        return [a for cache in caches for a in arrays_of(cache)]
    return [caches.key.data, caches.value.data]


def select_all(caches, rows):
    for cache in caches:
        for one in cache if isinstance(cache, tuple) else (cache,):
            one.select(rows)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("decoder", [False, True])
@given(seed=SEEDS)
def test_words_one_by_one_are_the_textbooks(decoder, dtype, seed):
    """For any lengths, batch, heads and beams that change places; the textbook runs where ops are recorded."""
    rng = np.random.default_rng(seed)
    stack, D = stack_of(rng, decoder, dtype)
    batch, beams = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    memory = tm.tensor(rng.normal(size=(batch, int(rng.integers(1, 6)), D)).astype(dtype)) if decoder else None
    real = None
    if decoder and rng.random() < 0.5:
        real = rng.random(memory.shape[:2]) < 0.6                       # perhaps nothing of some row: not the short way
    short, book = stack.new_cache(), stack.new_cache()
    first = int(rng.integers(1, 4))
    name = "decoder_step" if decoder else "encoder_step"
    with patch.object(transformer, name, wraps=getattr(transformer, name)) as taken:
        for t in range(8):
            x = tm.tensor(rng.normal(size=(batch, 1 if t else first, D)).astype(dtype))
            found = []
            for cache, recording in ((short, False), (book, True)):
                seen = (None if t else memory, *[None] * 3, real) if decoder else ()
                with nullcontext() if recording else tm.no_grad():
                    causal = {"tgt_is_causal" if decoder else "is_causal": True}
                    found.append(stack(x, *seen, cache=cache, **causal).data)
            assert found[0].dtype == dtype and found[0].shape == x.shape
            np.testing.assert_allclose(*found, **TOLERANCE[dtype])
            rows = rng.integers(0, batch, int(rng.integers(1, batch * beams + 1))) if rng.random() < 0.5 \
                else np.arange(batch)
            with tm.no_grad():
                select_all(short, rows)
            select_all(book, rows)
            batch, real = len(rows), None if real is None else real[rows]
        assert real is not None or taken.call_count >= 7 * len(stack.layers)
    for a, b in zip(arrays_of(short), arrays_of(book), strict=True):
        np.testing.assert_allclose(a, b, **TOLERANCE[dtype])


def one(rng, decoder=False, dropout=0.0):
    """(a layer, a word for it, its caches after two words)."""
    kind = nn.TransformerDecoderLayer if decoder else nn.TransformerEncoderLayer
    layer = kind(6, 2, 8, dropout, rng=rng).eval()
    x = tm.tensor(rng.normal(size=(2, 1, 6)).astype(np.float32))
    caches = (nn.KeyValueCache(), nn.MemoryCache()) if decoder else (nn.KeyValueCache(),)
    with tm.no_grad():
        if decoder:
            layer(x, tm.tensor(rng.normal(size=(2, 3, 6)).astype(np.float32)), cache=caches)
        else:
            layer(x, cache=caches[0])
    return layer, x, caches


@pytest.mark.parametrize("decoder", [False, True])
@given(st.sampled_from([1e20, 1e30, np.inf, np.nan, -np.inf]), SEEDS)
def test_numbers_out_of_range_are_left_to_the_textbook(decoder, number, seed):
    rng = np.random.default_rng(seed)
    layer, x, caches = one(rng, decoder)
    layer.norm_first = bool(rng.integers(2))
    x.data[int(rng.integers(2)), 0, int(rng.integers(6))] = number
    before = [vars(cache).copy() for cache in caches]

    def run():
        for cache, content in zip(caches, before):
            vars(cache).update(content)
        with np.errstate(all="ignore"):
            y = layer(x, None, cache=caches) if decoder else layer(x, cache=caches[0])
        return y.data, caches[0].length, *(np.array(a) for a in arrays_of(list(caches)))

    with tm.no_grad():
        found = run()
    for a, b in zip(found, run(), strict=True):                          # recorded: the textbook
        np.testing.assert_array_equal(a, b)


def test_large_scores_do_not_overflow(rng):
    """Scores of thousands, whose exponentials no float holds."""
    layer, x, (cache,) = one(rng)
    layer.self_attn.in_proj_weight.data *= 100
    x.data *= 10
    before = vars(cache).copy()
    with tm.no_grad():
        y = layer(x, cache=cache)
    vars(cache).update(before)
    np.testing.assert_allclose(y.data, layer(x, cache=cache).data, rtol=1e-4, atol=1e-5)


def replaced(layer):
    layer.linear1 = nn.LoRALinear(layer.linear1, 2, rng=np.random.default_rng(0))


def adapted(layer):
    nn.add_lora(layer, 2, rng=np.random.default_rng(0))


def of_another_kind(layer):
    layer.norm1.to(np.float64)


def of_other_widths(layer):
    layer.self_attn = nn.MultiheadAttention(6, 2, kdim=4, rng=np.random.default_rng(0))


@pytest.mark.parametrize("change", [replaced, adapted, of_another_kind, of_other_widths])
def test_a_part_that_is_another_takes_the_textbook(change, rng):
    layer, x, (cache,) = one(rng)
    with tm.no_grad():
        assert can_step(layer, x, cache)
        change(layer)
        assert not can_step(layer, x, cache)


def test_who_watches_sees_every_part(rng):
    layer, x, (cache,) = one(rng)
    seen = []
    with tm.no_grad():
        with nn.observe(layer, lambda name, *_: seen.append(name)):
            layer(x, cache=cache)
        with nn.record_attention(layer) as maps:
            layer(x, cache=cache)
        with debug():
            assert not can_step(layer, x, cache)
        assert can_step(layer, x, cache)
    assert {"self_attn", "self_attn.out_proj", "linear1", "linear2", "norm1", "norm2", "dropout", ""} <= set(seen)
    assert maps["self_attn"][0].shape == (2, 2, 1, 3)


def test_dropout_several_words_masks_and_other_caches_take_the_textbook(rng):
    layer, x, (cache,) = one(rng, dropout=0.5)
    two = tm.tensor(np.ones((2, 2, 6), np.float32))
    with tm.no_grad():
        assert can_step(layer, x, cache)
        assert not can_step(layer, two, cache) and not can_step(layer, x.data, cache)
        assert not can_step(layer, x, None) and not can_step(layer, x, nn.StreamingCache(1, 2))
        assert not can_step(layer, tm.tensor(np.ones((2, 1, 6))), cache)
        layer.train()
        assert not can_step(layer, x, cache)
        layer.eval()
        with patch.object(transformer, "encoder_step") as taken:
            layer(x, src_key_padding_mask=np.ones((2, 2), bool), cache=cache)
            layer(x, src_mask=np.ones((1, 3), bool), cache=cache)
        assert not taken.called
    assert not can_step(layer, x, cache)                                # recorded


def test_a_memory_that_does_not_fit_is_named_by_the_textbook(rng):
    layer, x, caches = one(rng, decoder=True)
    with tm.no_grad():
        assert can_step(layer, x, *caches) and not can_step(layer, x, caches[0], nn.MemoryCache())
        with pytest.raises(ValueError, match="the cache holds a batch of 2; got"):
            layer(tm.tensor(np.ones((1, 1, 6), np.float32)), None, cache=(nn.KeyValueCache(), caches[1]))
        with pytest.raises(ValueError, match="key_padding_mask is boolean"):
            layer(x, None, memory_key_padding_mask=np.ones((2, 4), bool), cache=caches)
        with pytest.raises(ValueError, match="KeyValueCache: holds a batch of 2; got one of 1"):
            own = nn.TransformerEncoderLayer(6, 2, 8, 0.0, rng=rng)
            own(tm.tensor(np.ones((1, 1, 6), np.float32)), cache=caches[0])
