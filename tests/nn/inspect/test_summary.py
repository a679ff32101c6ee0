"""The table counts every parameter once and the products that are really computed."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

B, T, S, D, H = 2, 3, 5, 8, 2


def layers(rng):
    """Name to (layer, inputs, FLOPs counted by hand)."""
    x, memory = np.ones((B, T, D), np.float32), np.ones((B, S, D), np.float32)
    image = np.ones((B, 4, 6, 6), np.float32)
    video = np.ones((B, 3, 4, 6, 6), np.float32)
    attention = 2 * B * D * D * (T + 2 * S) + 2 * 2 * B * T * S * D

    class Wider(nn.Linear):
        pass

    class Function(nn.Module):
        """A layer that computes with functions alone."""

        def __init__(self, f):
            self.f, self.weight = f, nn.Parameter(np.ones((D, D)))

        def forward(self, *inputs):
            return self.f(self.weight, *inputs)

    square = D * D
    return {
        "Linear": (nn.Linear(D, 3, rng=rng), [x], 2 * B * T * D * 3),
        "Conv1d": (nn.Conv1d(T, 7, 3, rng=rng), [x], 2 * B * (D - 2) * 7 * T * 3),
        "Conv2d": (nn.Conv2d(4, 6, 3, 2, 1, groups=2, rng=rng), [image], 2 * B * 9 * 6 * (4 // 2) * 9),
        "ConvTranspose2d": (nn.ConvTranspose2d(4, 3, 2, 2, rng=rng), [image], 2 * B * 36 * 4 * 3 * 4),
        "LSTM": (nn.LSTM(D, 3, 2, bidirectional=True, rng=rng), [x],
                 2 * B * T * 2 * 4 * ((D * 3 + 3 * 3) + (6 * 3 + 3 * 3))),
        "GRU": (nn.GRU(D, 3, rng=rng), [x], 2 * B * T * 3 * (D * 3 + 3 * 3)),
        "MultiheadAttention": (nn.MultiheadAttention(D, H, rng=rng), [x, memory, memory],
                               attention + 2 * B * T * D * D),
        "GroupedQueryAttention": (nn.GroupedQueryAttention(D, 4, H, rng=rng), [x],
                                  2 * B * T * 2 * (square + square // 2) + 4 * B * T * T * D),
        "Conv3d": (nn.Conv3d(3, 5, (2, 3, 3), rng=rng), [video], 2 * B * 3 * 16 * 5 * 3 * 18),
        "a subclass": (Wider(D, 3, rng=rng), [x], 2 * B * T * D * 3),
        "matmul": (Function(lambda w, x: x @ w), [x], 2 * B * T * square),
        "einsum": (Function(lambda w, x: F.einsum("btd,de,bte->b", x, w, x)), [x], 2 * B * T * (square + D)),
        "an outer product": (Function(lambda w, x: F.einsum("de,bt->debt", w, x[..., 0])), [x], 0),
        "linear_attention": (Function(lambda w, x: F.linear_attention(x @ w, x, x, is_causal=True)), [x],
                             2 * B * T * square + 4 * B * T * square),
        "rfft": (Function(lambda w: F.irfft(*F.rfft(w), D)), [], 2 * D * round(2.5 * D * 3)),
        **{f"soft {type(score).__name__}": (nn.SoftAttention(score), [x, memory[..., :E]],
                                            flops + 2 * B * T * S * E) for score, E, flops in (
            (nn.DotScore(), D, 2 * B * T * S * D), (nn.ScaledDotScore(), D, 2 * B * T * S * D),
            (nn.GeneralScore(D, 6, rng=rng), 6, 2 * B * T * D * 6 + 2 * B * T * S * 6),
            (nn.AdditiveScore(D, 6, 9, rng=rng), 6, 2 * B * 9 * (T * D + S * 6 + T * S)),
            (nn.ConcatScore(D, 6, 9, rng=rng), 6, 2 * B * T * S * (9 * (D + 6) + 9)),
            (nn.MLPScore(D, 6, 9, rng=rng), 6, 2 * B * T * S * (9 * (D + 6) + 9)))},
        **{type(layer).__name__: (layer, [x, memory], 4 * B * T * S * D) for layer in (
            nn.LocalAttention(nn.DotScore(), 1), nn.HardAttention(nn.DotScore(), rng=rng),
            nn.GumbelAttention(nn.DotScore(), rng=rng))},
        "Embedding": (nn.Embedding(5, D, rng=rng), [np.zeros((B, T), int)], 0),
    }


@pytest.mark.parametrize("name", list(layers(np.random.default_rng(0))))
def test_flops_by_hand(name, rng):
    layer, inputs, expected = layers(rng)[name]
    table = nn.summary(layer, *inputs)
    assert table.flops == expected and table.parameters == layer.num_parameters()


def test_attention_with_a_cache_counts_the_keys_that_are_there(rng):
    x, memory = np.ones((B, 1, D), np.float32), np.ones((B, S, D), np.float32)
    own, grouped, other = nn.KeyValueCache(), nn.KeyValueCache(), nn.MemoryCache()
    attend, group = nn.MultiheadAttention(D, H, rng=rng), nn.GroupedQueryAttention(D, 4, 2, rng=rng)

    class Step(nn.Module):
        def __init__(self):
            self.attend, self.group = attend, group

        def forward(self, x, key):
            attend(x, x, x, cache=own)
            group(x, cache=grouped)
            return attend(x, key, key, cache=other)[0]

    def flops(key):
        return {row.name: row.flops for row in nn.summary(Step(), x, key).rows}

    first, second = flops(memory), flops(None)
    query, key = 2 * B * D * D, 2 * 2 * B * D * D
    assert first["attend"] == (query + key + 4 * B * D) + (query + S * key + 4 * B * S * D)
    assert second["attend"] == (query + key + 4 * B * 2 * D) + (query + 4 * B * S * D)
    assert first["group"] == 4 * B * D and second["group"] == 4 * B * 2 * D


def test_words_read_one_by_one_cost_what_is_computed_for_them(rng):
    """Keys and values in a cache are not projected again."""
    decoder = nn.TransformerDecoder([nn.TransformerDecoderLayer(D, H, 16, rng=rng)])
    word, memory = np.ones((B, 1, D), np.float32), np.ones((B, S, D), np.float32)
    cache = decoder.new_cache()
    decoder(word, memory, tgt_is_causal=True, cache=cache)

    class Step(nn.Module):
        def __init__(self):
            self.decoder = decoder

        def forward(self, word):
            return self.decoder(word, None, tgt_is_causal=True, cache=cache)

    own = 2 * B * 4 * D * D + 4 * B * 2 * D
    other = 2 * B * 2 * D * D + 4 * B * S * D
    assert nn.summary(Step(), word).flops == own + other + 2 * B * 2 * D * 16


def test_flops_as_pytorch_counts_them(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
    from torch.utils.flop_counter import FlopCounterMode
    theirs = torch.nn.TransformerDecoderLayer(D, H, 16, batch_first=True)
    x, memory = torch.ones(B, T, D), torch.ones(B, S, D)
    with FlopCounterMode(display=False) as counter:
        theirs(x, memory)
    mine = nn.TransformerDecoderLayer(D, H, 16, rng=rng)
    assert nn.summary(mine, tm.tensor(x.numpy()), tm.tensor(memory.numpy())).flops == counter.get_total_flops()


def test_shared_layers_count_once_in_parameters_and_each_time_in_cost(rng):
    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(D, D, rng=rng)
            self.unused = nn.Linear(D, D, rng=rng)
            self.unused.weight = self.inner.weight

        def forward(self, x):
            return self.inner(x=self.inner(x))

    table = nn.summary(Twice(), np.ones((B, D), np.float32))
    assert table.flops == 2 * 2 * B * D * D and table.parameters == D * D + 2 * D
    assert "not called" in repr(table) and "inner Linear" in repr(table)


def test_a_summary_leaves_no_trace(rng):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5, rng=rng))
    model[1].eval()
    state, noise = model.state_dict(), model.rng_state()
    nn.summary(model, np.ones((4, 3), np.float32))
    assert model.training and not model[1].training and model.rng_state() == noise
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[key])
    with pytest.raises(ValueError):
        nn.summary(model, np.ones((4, 9, 9, 9), np.float32))
    assert model.training and not any("forward" in vars(m) for m in model.modules())


def test_observers_nest_and_see_each_call(rng):
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), nn.ReLU())
    outer, inner = [], []
    x = tm.tensor([[1.0, 2.0]])
    with nn.observe(model, lambda *seen: outer.append(seen)):
        with nn.observe(model, lambda *seen: inner.append(seen)):
            y = model(x)
        model(x)
    model(x)
    assert [name for name, *_ in outer] == ["0", "1", ""] * 2 and len(inner) == 3
    name, layer, inputs, output = inner[0]
    assert layer is model[0] and inputs[0] is x and inner[2][3] is y


@pytest.mark.parametrize("need_weights", [True, False])
def test_recorded_attention_changes_nothing(rng, need_weights):
    attention = nn.MultiheadAttention(D, H, 0.2, rng=rng).eval()
    x = tm.tensor(rng.normal(size=(B, T, D)).astype(np.float32))
    before = attention(x, x, x, need_weights=need_weights, is_causal=True)
    with nn.record_attention(attention) as maps:
        after = attention(x, x, x, need_weights=need_weights, is_causal=True)
    np.testing.assert_allclose(after[0].data, before[0].data, atol=1e-6)  # the fused attention sums in another order
    assert (after[1] is None) == (before[1] is None)
    weights, = maps[""]
    assert weights.shape == (B, H, T, T) and not np.triu(weights, 1).any()
    if need_weights:
        np.testing.assert_allclose(weights.mean(1), before[1].data, atol=1e-6)


def test_recorded_attention_names_each_layer(rng):
    layers = [nn.TransformerDecoderLayer(D, H, 16, rng=rng) for _ in range(2)]
    decoder = nn.TransformerDecoder(layers).eval()
    x, memory = (tm.tensor(rng.normal(size=(B, n, D)).astype(np.float32)) for n in (T, S))
    with nn.record_attention(decoder) as maps:
        decoder(x, memory)
        decoder(x, memory)
    assert list(maps) == [f"layers.{i}.{kind}" for i in range(2) for kind in ("self_attn", "multihead_attn")]
    assert all(len(calls) == 2 for calls in maps.values()) and maps["layers.1.multihead_attn"][0].shape == (B, H, T, S)
