"""Low-rank adapters: they start as nothing, they alone are trained, and merged they are the same function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.nn import LoRALinear, LowRank, add_lora, merge_lora

SEEDS = st.integers(0, 2**32 - 1)


def encoder(rng, dtype=np.float64):
    layers = [tm.nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", rng=rng) for _ in range(2)]
    return tm.nn.TransformerEncoder(layers).to(dtype)


def stirred(model, rng):
    """The model with its adapters somewhere else than at the start."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data[...] = rng.normal(size=parameter.shape)
    return model


@given(SEEDS, st.integers(1, 5), st.floats(0.5, 32))
@settings(max_examples=20)
def test_the_model_starts_as_it_was_and_merges_to_what_it_became(seed, rank, alpha):
    rng = np.random.default_rng(seed)
    model, x = encoder(rng), rng.normal(size=(2, 5, 8))
    mask = np.arange(5) < rng.integers(1, 6, (2, 1))
    names, before = list(model.state_dict()), model(x, src_key_padding_mask=mask).data
    add_lora(model, rank, alpha, rng=rng).to(np.float64)
    np.testing.assert_array_equal(model(x, src_key_padding_mask=mask).data, before)
    changed = stirred(model, rng)(x, src_key_padding_mask=mask).data
    assert np.abs(changed - before).max() > 1e-6
    merge_lora(model)
    assert list(model.state_dict()) == names and all(p.requires_grad for p in model.parameters())
    np.testing.assert_allclose(model(x, src_key_padding_mask=mask).data, changed, rtol=1e-9, atol=1e-9)


@given(SEEDS)
@settings(max_examples=10)
def test_only_adapters_get_gradients(seed):
    rng = np.random.default_rng(seed)
    model = stirred(add_lora(encoder(rng), rank=2, rng=rng), rng)
    y = model(tm.tensor(rng.normal(size=(2, 5, 8)), requires_grad=True))
    y.backward(rng.normal(size=y.shape))
    found = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert found == {f"layers.{k}.self_attn.{part}_change.{factor}"
                     for k in (0, 1) for part in ("query", "value") for factor in "AB"}


@given(SEEDS, st.sampled_from([(6, 4), (4, 6)]))
@settings(max_examples=10)
def test_queries_and_values_of_other_widths(seed, widths):
    """Cross-attention has a matrix for each projection."""
    rng = np.random.default_rng(seed)
    kdim, vdim = widths
    model = tm.nn.ModuleDict({"attend": tm.nn.MultiheadAttention(8, 2, kdim=kdim, vdim=vdim, rng=rng)})
    q, k, v = (rng.normal(size=(2, 3, width)) for width in (8, kdim, vdim))
    plain = model.to(np.float64)["attend"](q, k, v)[0].data
    adapted = stirred(add_lora(model, 2, rng=rng).to(np.float64), rng)["attend"](q, k, v)[0].data
    assert np.abs(adapted - plain).max() > 1e-6
    np.testing.assert_allclose(merge_lora(model)["attend"](q, k, v)[0].data, adapted, rtol=1e-9, atol=1e-9)


@given(SEEDS)
@settings(max_examples=10)
def test_a_linear_layer_by_its_formula(seed):
    rng = np.random.default_rng(seed)
    layer = stirred(LoRALinear(tm.nn.Linear(5, 4, rng=rng), 2, 3.0, rng=rng).to(np.float64), rng)
    x = rng.normal(size=(3, 5))
    W, b, A, B = layer.linear.weight.data, layer.linear.bias.data, layer.change.A.data, layer.change.B.data
    expected = x @ (W + 3.0 / 2 * B @ A).T + b
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.merged()(x).data, expected, rtol=1e-12, atol=1e-12)


def test_a_cached_decoder_is_adapted_alike():
    """Keys and values of a memory come from a cache: the change of the values is in it."""
    rng = np.random.default_rng(0)
    decoder = tm.nn.TransformerDecoder([tm.nn.TransformerDecoderLayer(8, 2, 12, 0.0, rng=rng)]).to(np.float64)
    stirred(add_lora(decoder, 2, rng=rng).to(np.float64), rng).eval()
    words, memory = rng.normal(size=(1, 4, 8)), rng.normal(size=(1, 3, 8))
    whole, cache = decoder(words, memory, tgt_is_causal=True).data, decoder.new_cache()
    steps = [decoder(words[:, t:t + 1], memory if t == 0 else None, tgt_is_causal=True, cache=cache).data
             for t in range(4)]
    np.testing.assert_allclose(np.concatenate(steps, 1), whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rank", [0, 4, 9])
def test_a_rank_that_saves_nothing_is_refused(rank):
    with pytest.raises(ValueError, match=f"LowRank: rank must be from 1 to 3, below both widths; got {rank}"):
        LowRank(8, 4, rank, rng=np.random.default_rng(0))


def test_a_model_without_attention_is_refused():
    with pytest.raises(ValueError, match="add_lora: the model must have a MultiheadAttention; got Linear without"):
        add_lora(tm.nn.Linear(4, 4, rng=np.random.default_rng(0)), rng=np.random.default_rng(0))


@pytest.mark.parametrize("make", [
    lambda **given: LowRank(9, 9, **given),
    lambda **given: LoRALinear(tm.nn.Linear(9, 9, rng=np.random.default_rng(0)), **given),
    lambda **given: tm.nn.LoRAAttention(tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0)), **given)])
def test_adapters_need_a_generator(make):
    with pytest.raises(TypeError, match="rng"):
        make()
    with pytest.raises(ValueError, match=r"rng: needs a numpy\.random\.Generator .*got int"):
        make(rng=7)
