"""An encoder for each modality, a fusion of any kind, scores."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn
from tinymm.encoders import BagOfWords
from tinymm.fusion import AttentionFusion, Fused, FusedClassifier
from tinymm.fusion.fused import checked_inputs, or_zero
from tinymm.testing import check_directional

IDS = np.array([[4, 5, 6], [7, 8, 9]]), np.array([[6, 7], [4, 5]])
MASKS = np.array([[True, True, False], [True, True, True]]), None


class Sum(nn.Module):
    """The plainest fusion of a kind: the sum of what there is."""

    modalities = "text", "sound"
    causal = False

    def __init__(self, kind, width):
        self.kind, self.width, self.input_widths = kind, width, (width, width)

    def forward(self, inputs, masks=None, present=None):
        masks, present = checked_inputs(self, inputs, masks, present)
        return Fused(sum(or_zero(x, here) for x, here in zip(inputs, present)), None, None)


class Streams(nn.Module):
    """Both sequences as they came."""

    modalities, kind, causal, width, input_widths = ("text", "sound"), "sequences", False, (6, 6), (6, 6)

    def forward(self, inputs, masks=None, present=None):
        return Fused(inputs, masks, None)


FUSIONS = {
    "vectors": lambda rng: Sum("vectors", 6), "decisions": lambda rng: Sum("decisions", 3),
    "sequences": lambda rng: AttentionFusion({"text": 6, "sound": 6}, 4, rng=rng), "streams": lambda rng: Streams(),
}
every_kind = pytest.mark.parametrize("kind", FUSIONS)


def made(kind, rng):
    encoders = {name: BagOfWords(10, 6, rng=rng) for name in ("text", "sound")}
    return FusedClassifier(encoders, FUSIONS[kind](rng), 3, 0.1, rng=rng).to(np.float64).eval()


@every_kind
def test_gradients_of_all_parameters(kind, rng):
    model = made(kind, rng)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    assert check_directional(_Logits(model), [], rng)


class _Logits(nn.Module):
    def __init__(self, model):
        self.model = model

    def forward(self):
        return self.model(IDS, MASKS)[0]


@every_kind
def test_padding_changes_nothing(kind, rng):
    model = made(kind, rng)
    other = IDS[0].copy()
    other[~MASKS[0]] = 9
    np.testing.assert_array_equal(model(IDS, MASKS)[0].data, model((other, IDS[1]), MASKS)[0].data)


def test_vectors_are_pooled_features_and_decisions_are_of_these(rng):
    model = made("vectors", rng)
    pooled = [encoder(ids, mask).pooled for (_, encoder), ids, mask in zip(model.encoders.items(), IDS, MASKS)]
    np.testing.assert_allclose(model(IDS, MASKS)[0].data, model.scores(pooled[0] + pooled[1]).data)
    model = made("decisions", rng)
    assert model.scores is None
    logits, fused = model(IDS, MASKS, np.array([[True, False], [True, True]]))
    assert logits is fused.features
    pooled = model.encoders["text"](IDS[0], MASKS[0]).pooled
    scores = model.deciders["text"](pooled).data[0]
    np.testing.assert_allclose(logits.data[0], scores - np.log(np.exp(scores).sum()))


def test_streams_stand_side_by_side(rng):
    model = made("streams", rng)
    text = model.encoders["text"](IDS[0], MASKS[0]).sequence.data
    means = np.stack([text[0, :2].mean(0), text[1].mean(0)])
    sound = model.encoders["sound"](IDS[1]).sequence.data.mean(1)
    np.testing.assert_allclose(model(IDS, MASKS)[0].data, model.scores(np.concatenate([means, sound], 1)).data)


@given(st.integers(0, 2**32), st.sampled_from(sorted(FUSIONS)), st.integers(1, 2),
       st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 2), (2, 3)]))
def test_what_several_examples_share_is_as_good_as_repeated(seed, kind, some, times):
    """K examples in turn for each row of an input: features, logits, gradients of all parameters."""
    rng = np.random.default_rng(seed)
    model = made(kind, rng)
    ids = tuple(rng.integers(0, 10, (6 * some // k, length)) for k, length in zip(times, (3, 2)))
    masks = tuple(rng.random(x.shape) < 0.7 for x in ids)
    by_hand = [tuple(np.repeat(x, k, 0) for x, k in zip(of_each, times)) for of_each in (ids, masks)]
    for one, other in zip(model.encode(ids, masks, times), model.encode(*by_hand), strict=True):
        for part, expected in zip(one, other):
            np.testing.assert_allclose(getattr(part, "data", part), getattr(expected, "data", expected), rtol=1e-12)
        assert one.mask.dtype == bool
    found = []
    for logits, _ in (model(ids, masks, times=times), model(*by_hand)):
        pulled = tm.grad(F.sum(logits ** 2), list(model.parameters()), allow_unused=True)
        found.append([logits.data, *(g.data for g in pulled if g is not None)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_shared_without_a_mask(rng):
    model = made("vectors", rng)
    text, sound = model.encode((IDS[0], np.repeat(IDS[1], 2, 0)), times=(2, 1))
    assert text.mask is None and len(text.pooled) == len(text.sequence) == len(sound.pooled) == 4


@pytest.mark.parametrize("times", [(2,), (1, 2, 1), (0, 1), (1, -1)])
def test_a_wrong_number_of_times_is_refused(times, rng):
    model = made("vectors", rng)
    rule = "FusedClassifier: times must be 1 or more for each of text, sound"
    with pytest.raises(ValueError, match=f"^{rule}; got {re.escape(str(times))}$"):
        model(IDS, MASKS, times=times)


def test_what_does_not_fit_is_refused_by_name(rng):
    model = made("vectors", rng)
    rule = "FusedClassifier: inputs must be of one batch"
    with pytest.raises(ValueError, match=f"^{rule}; got 2 · 2 of text, 1 · 2 of sound$"):
        model(IDS, times=(2, 1))
    with pytest.raises(ValueError, match=f"^{rule}; got 1 · 2 of text, 1 · 1 of sound$"):
        model((IDS[0], IDS[1][:1]))
    with pytest.raises(ValueError, match="FusedClassifier: encoders must be of .*, text, sound; got sound, text"):
        FusedClassifier(dict(reversed(list(model.encoders.items()))), model.fusion, 3, rng=rng)
    with pytest.raises(ValueError, match="FusedClassifier: inputs and masks must be of text, sound; got 1 and 1"):
        model(IDS[:1])
