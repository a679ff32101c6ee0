"""What a constructor is given reaches the layers inside, and what a new layer starts from."""

import math

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

TRANSFORMERS = [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer]


@pytest.mark.parametrize("layer", TRANSFORMERS)
def test_dropout_and_epsilon_reach_every_part(layer, rng):
    parts = list(layer(8, 2, 16, dropout=0.3, layer_norm_eps=1e-3, rng=rng).modules())
    dropped = [part.p for part in parts if isinstance(part, nn.Dropout)]
    dropped += [part.dropout if isinstance(part.dropout, float) else part.dropout.p
                for part in parts if isinstance(part, nn.MultiheadAttention)]
    norms = [part.eps for part in parts if isinstance(part, nn.LayerNorm)]
    assert set(dropped) == {0.3} and set(norms) == {1e-3}
    assert len(norms) == (3 if layer is nn.TransformerDecoderLayer else 2)


@pytest.mark.parametrize("make, function", [
    (lambda eps: nn.LayerNorm(4, eps), lambda x, eps: F.layer_norm(x, 4, eps=eps)),
    (lambda eps: nn.RMSNorm(4, eps), lambda x, eps: F.rms_norm(x, 4, eps=eps)),
    (lambda eps: nn.RMSNorm((3, 4), eps), lambda x, eps: F.rms_norm(x, (3, 4), eps=eps)),
    (lambda eps: nn.GroupNorm(3, 3, eps), lambda x, eps: F.group_norm(x, 3, eps=eps)),
    (lambda eps: nn.BatchNorm1d(3, eps), lambda x, eps: F.batch_norm(x, training=True, eps=eps))])
def test_norms_add_the_epsilon_they_are_given(make, function, rng):
    x = rng.standard_normal((5, 3, 4))
    for eps in (1e-5, 0.5):
        layer = make(eps).to(np.float64)
        assert layer.eps == eps
        np.testing.assert_allclose(layer(tm.tensor(x)).data, function(x, eps), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("make, fan", [
    (lambda rng: nn.Linear(64, 400, rng=rng), 64), (lambda rng: nn.Conv2d(4, 400, 4, rng=rng), 64),
    (lambda rng: nn.Conv1d(16, 400, 4, rng=rng), 64), (lambda rng: nn.RNN(5, 64, rng=rng), 64),
    (lambda rng: nn.GRU(5, 64, rng=rng), 64), (lambda rng: nn.LSTM(5, 64, rng=rng), 64)])
def test_weights_and_biases_start_within_one_over_the_root_of_the_fan(make, fan, rng):
    """Uniform between the bounds, so that of some hundred numbers the largest comes close."""
    bound = 1 / math.sqrt(fan)
    for name, parameter in make(rng).named_parameters():
        assert 0.9 * bound < np.abs(parameter.data).max() <= bound * (1 + 1e-6), name
        assert abs(parameter.data.mean()) < 5 * bound / math.sqrt(3 * parameter.size)       # five standard errors


def test_attention_starts_without_a_bias_and_norms_change_nothing(rng):
    layer = nn.MultiheadAttention(8, 2, rng=rng)
    assert not layer.in_proj_bias.data.any() and not layer.out_proj.bias.data.any()
    for norm in (nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.BatchNorm2d(4)):
        assert (norm.weight.data == 1).all() and not norm.bias.data.any()
    assert not norm.running_mean.any() and (norm.running_var == 1).all()


def test_the_names_of_a_state_lead_through_the_layers(rng):
    """Parameters and buffers alike."""
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3, rng=rng), nn.BatchNorm1d(3)), nn.BatchNorm1d(3))
    assert set(model.state_dict()) >= {"0.0.weight", "0.1.running_mean", "0.1.running_var", "1.weight",
                                       "1.running_mean"}
    assert set(model.state_dict()) == {name for name, _ in [*model.named_parameters(), *model.named_buffers()]}


def test_grouped_queries_say_what_they_are(rng):
    layer = nn.GroupedQueryAttention(8, 4, 2, F.rotary_interleaved, rng=rng)
    assert (layer.num_heads, layer.num_key_heads, layer.rotary) == (4, 2, F.rotary_interleaved)
    assert layer.extra_repr() == "8, num_heads=4, num_key_heads=2, rotary=rotary_interleaved"
    assert nn.GroupedQueryAttention(8, 4, 2, rng=rng).extra_repr() == "8, num_heads=4, num_key_heads=2"


def test_hard_attention_tells_the_entropy_of_its_scores(rng):
    query, key = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    mask = rng.random((2, 1, 5)) < 0.7
    mask[..., 0] = True
    for layer in (nn.HardAttention(nn.DotScore(), rng=rng), nn.HardAttention(nn.DotScore(), rng=rng).eval()):
        glimpse = layer(tm.tensor(query), tm.tensor(key), mask=mask)
        weights = glimpse.weights.data
        entropy = -np.where(weights > 0, weights * np.log(np.where(weights > 0, weights, 1)), 0).sum(-1)
        np.testing.assert_allclose(glimpse.entropy.data, entropy, rtol=1e-12, atol=1e-14)


def test_saliency_takes_the_largest_along_any_axis(rng):
    w = tm.tensor(rng.standard_normal((2, 3, 4)))

    def f(x):
        return F.stack([(x * w).sum((1, 2)), (x * -2 * w).sum((1, 2))], 1)

    x = rng.standard_normal((2, 3, 4))
    whole = nn.saliency(f, x, target=[0, 1])
    np.testing.assert_allclose(whole, np.abs(w.data) * np.array([1, 2])[:, None, None])
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(nn.saliency(f, x, target=[0, 1], axis=axis), whole.max(axis))


def test_recorded_attention_gives_the_caller_the_mean_over_heads(rng):
    attention = nn.MultiheadAttention(8, 4, rng=rng).eval()
    x = tm.tensor(rng.standard_normal((2, 5, 8)).astype(np.float32))
    for average in (True, False):
        expected = attention(x, x, x, average_attn_weights=average)[1].data
        with nn.record_attention(attention):
            found = attention(x, x, x, average_attn_weights=average)[1].data
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_both_masks_of_a_decoder_reach_their_attentions(rng):
    """A word that may not be seen in the text, and a place that may not be seen in the memory, change nothing."""
    layers = [nn.TransformerDecoderLayer(8, 2, 16, rng=rng) for _ in range(2)]
    decoder = nn.TransformerDecoder(layers).to(np.float64).eval()
    words, memory = rng.standard_normal((2, 4, 8)), rng.standard_normal((2, 4, 8))
    own, other = np.ones((4, 4), bool), np.ones((4, 4), bool)
    own[:3, 3] = other[:, 1] = False
    before = decoder(tm.tensor(words), tm.tensor(memory), own, other).data
    words[:, 3] += 1
    memory[:, 1] += 1
    after = decoder(tm.tensor(words), tm.tensor(memory), own, other).data
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3] != after[:, 3]).any()
