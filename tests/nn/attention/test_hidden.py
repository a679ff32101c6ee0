"""What a layer's mask hides has no influence on results, nor on the gradients of anything, be it NaN or ∞."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn

from ..cases import lengths_mask
from .test_masks import fresh, transformer_layer

CONTENTS = np.nan, np.inf, -np.inf, 1e308, 1e-308, 7.0
SCORES = {"DotScore": lambda rng: nn.DotScore(), "GeneralScore": lambda rng: nn.GeneralScore(6, 6, rng=rng),
          "AdditiveScore": lambda rng: nn.AdditiveScore(6, 6, 4, rng=rng),
          "ConcatScore": lambda rng: nn.ConcatScore(6, 6, 4, rng=rng),
          "MLPScore": lambda rng: nn.MLPScore(6, 6, 4, rng=rng)}
SCORED = {"SoftAttention": lambda f, rng: nn.SoftAttention(f), "LocalAttention": lambda f, rng: nn.LocalAttention(f, 2),
          "PredictiveLocalAttention": lambda f, rng: nn.PredictiveLocalAttention(f, 6, 3, 2.0, rng=rng),
          "HardAttention": lambda f, rng: nn.HardAttention(f, rng=rng),
          "GumbelAttention": lambda f, rng: nn.GumbelAttention(f, rng=rng)}
LAYERS = {  # name -> (how it is built, what it makes of x (B, L, 6), the mask (B, L) and other sequences)
    "MultiheadAttention": (lambda rng: nn.MultiheadAttention(6, 2, rng=rng),
                           lambda layer, x, real, other: layer(other, x, x, real)[0]),
    "MultiheadAttention, fused": (lambda rng: nn.MultiheadAttention(6, 2, rng=rng),
                                  lambda layer, x, real, other: layer(other, x, x, real, need_weights=False)[0]),
    "MultiheadAttention, queries": (
        lambda rng: nn.MultiheadAttention(6, 2, rng=rng),
        lambda layer, x, real, other: layer(
            x, other, other, attn_mask=np.repeat(real[..., None], other.shape[1], -1))[0]),
    "TransformerEncoderLayer": (lambda rng: transformer_layer(nn.TransformerEncoderLayer, rng),
                                lambda layer, x, real, other: layer(x, None, real)),
    "TransformerEncoder": (
        lambda rng: nn.TransformerEncoder([transformer_layer(nn.TransformerEncoderLayer, rng) for _ in range(2)]),
        lambda layer, x, real, other: layer(x, None, real)),
    "TransformerDecoder, memory": (
        lambda rng: nn.TransformerDecoder([transformer_layer(nn.TransformerDecoderLayer, rng) for _ in range(2)]),
        lambda layer, x, real, other: layer(other, x, memory_key_padding_mask=real)),
    "TransformerDecoder, target": (
        lambda rng: nn.TransformerDecoder([transformer_layer(nn.TransformerDecoderLayer, rng) for _ in range(2)]),
        lambda layer, x, real, other: layer(x, other, tgt_key_padding_mask=real)),
    **{kind.__name__: (lambda rng, kind=kind: kind(6, 3, 2, bidirectional=True, rng=rng),
                       lambda layer, x, real, other: layer(x, mask=real)[0]) for kind in (nn.RNN, nn.GRU, nn.LSTM)},
    **{f"{name} of {score}": (lambda rng, build=build, f=f: build(f(rng), rng),
                              lambda layer, x, real, other: layer(other, x, mask=real[:, None])[0])
       for name, build in SCORED.items() for score, f in SCORES.items()},
}


def outcome(name, seed, value):
    """The result, and the gradients of x and of all parameters; of no cotangent where x itself is hidden."""
    rng = np.random.default_rng(seed)
    build, call = LAYERS[name]
    layer = fresh(build(rng), rng).train()
    for part in layer.modules():
        part.rng = np.random.default_rng(seed)
    x, other, real = rng.normal(size=(3, 5, 6)), tm.tensor(rng.normal(size=(3, 4, 6))), lengths_mask(rng, 3, 5)
    real[0] &= rng.random(5) < 0.7
    leaf = tm.tensor(np.where(real[..., None], x, value), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        y = call(layer, leaf, real, other)
        g = rng.normal(size=y.shape)
        shown = real if y.shape[1] == 5 else np.ones(y.shape[:2], bool)
        y.backward(np.where(shown[..., None], g, 0))
    assert not leaf.grad[~real].any()
    return [y.data[shown], leaf.grad, *(p.grad for p in layer.parameters() if p.grad is not None)]


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=3)
@given(st.integers(0, 2**32 - 1))
def test_what_a_mask_hides_has_no_influence(name, seed):
    expected = outcome(name, seed, 0.0)
    for value in CONTENTS:
        for a, b in zip(outcome(name, seed, value), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=str(value))
