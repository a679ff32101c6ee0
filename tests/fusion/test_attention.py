"""Attention fusion beyond the contract: what its weights promise, what is left without an image or a text."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.fusion import AttentionFusion

from .cases import Subject, as_leaves


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_weights_are_shares_of_the_visible_regions(heads, rng):
    fusion = AttentionFusion({"text": 5, "image": 3}, 8, heads, rng=rng).to(np.float64)
    text, image = rng.standard_normal((3, 4, 5)), rng.standard_normal((3, 6, 3))
    np.testing.assert_allclose(fusion((text, image)).weights.data.sum(-1), 1)
    mask = rng.random((3, 6)) < 0.5
    mask[:, 0], mask[1] = True, False
    weights = fusion((text, image), (None, mask)).weights.data
    assert not weights[np.broadcast_to(~mask[:, None, None], weights.shape)].any()
    np.testing.assert_allclose(weights.sum(-1), np.broadcast_to([[[1.0]], [[0.0]], [[1.0]]], (3, heads, 4)))


def test_gradients_of_the_weights(rng):
    """They are shown, and may be trained: to look where they should."""
    fusion = AttentionFusion({"text": 5, "image": 3}, 4, 2, rng=rng).to(np.float64)
    mask = np.array([[True, True, False], [True, True, True]])
    assert tm.testing.gradcheck(lambda text, image: fusion((text, image), (None, mask)).weights,
                                [rng.standard_normal((2, 2, 5)), rng.standard_normal((2, 3, 3))], rng)


def test_without_an_image_the_text_speaks_alone(rng):
    """Whatever stands in the image's place: z = ReLU(W_f [h; 0] + b_f)."""
    subject = Subject("AttentionFusion_heads", 0)
    fusion, (text, image) = subject.fusion, subject.inputs
    absent = np.tile([True, False], (len(text), 1))
    fused = fusion((text, np.full_like(image, np.nan)), None, absent)
    width = text.shape[-1]
    alone = np.maximum(text @ fusion.fuse.weight.data[:, :width].T + fusion.fuse.bias.data, 0)
    np.testing.assert_allclose(fused.features.data, alone, rtol=1e-12, atol=1e-13)
    assert not fused.weights.data.any()


def test_without_a_text_every_position_shows_what_an_empty_question_finds(rng):
    subject = Subject("AttentionFusion_heads", 0)
    fusion, (text, image) = subject.fusion, subject.inputs
    absent = np.tile([False, True], (len(text), 1))
    features = fusion((np.full_like(text, np.nan), image), None, absent).features.data
    np.testing.assert_array_equal(features, fusion((np.zeros_like(text), image)).features.data)
    np.testing.assert_allclose(features, np.broadcast_to(features[:, :1], features.shape), rtol=1e-12)
    inputs = as_leaves((text, image))
    fusion(inputs, None, absent).features.sum().backward()
    assert not inputs[0].grad.any() and inputs[1].grad.any()


def test_what_is_present_may_be_a_list_or_a_tensor():
    subject = Subject("AttentionFusion", 0)
    expected = subject.fusion(subject.inputs, None, subject.present).features.data
    for present in (subject.present.tolist(), tm.tensor(subject.present)):
        np.testing.assert_array_equal(subject.fusion(subject.inputs, None, present).features.data, expected)


def test_dropout_falls_on_the_features_in_training_alone(rng):
    fusion = AttentionFusion({"text": 5, "image": 3}, 64, dropout=0.25, rng=rng).to(np.float64)
    inputs = rng.standard_normal((3, 4, 5)), rng.standard_normal((3, 6, 3))
    whole = fusion.eval()(inputs).features.data
    dropped = fusion.train()(inputs).features.data
    kept = dropped != 0
    np.testing.assert_allclose(dropped[kept], whole[kept] / 0.75, rtol=1e-12)
    share = kept[whole != 0].mean()
    assert abs(share - 0.75) < 5 * (0.75 * 0.25 / (whole != 0).sum())**0.5                  # five standard errors


def test_heads_must_divide_the_width(rng):
    with pytest.raises(ValueError, match="AttentionFusion: heads must divide width; got 3 and 8"):
        AttentionFusion({"text": 5, "image": 3}, 8, 3, rng=rng)


def test_the_call_of_before_names_the_new_one(rng):
    fusion = AttentionFusion({"text": 5, "image": 3}, 8, rng=rng)
    text, image = tm.tensor(np.zeros((2, 4, 5), np.float32)), tm.tensor(np.zeros((2, 6, 3), np.float32))
    with pytest.raises(ValueError, match=r"AttentionFusion: inputs must be a tuple of 2, \(text, image\); "
                                         "got a single Tensor"):
        fusion(text, image)


def test_with_a_cache_the_image_is_projected_once(rng):
    """Positions one by one, the image's features no longer read after the first; rows follow `select`."""
    subject = Subject("AttentionFusion_heads", 0)
    fusion, (text, image), masks = subject.fusion, subject.inputs, (None, subject.masks[1])
    whole = fusion((text, image), masks)
    cache = fusion.new_cache()
    for t in range(text.shape[1]):
        shown = image if t == 0 else np.full_like(image, np.nan)
        fused = fusion((text[:, t:t + 1], shown), masks, cache=cache)
        np.testing.assert_allclose(fused.features.data[:, 0], whole.features.data[:, t], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(fused.weights.data[:, :, 0], whole.weights.data[:, :, t], rtol=1e-12, atol=1e-13)
    rows = np.array([2, 0, 2, 1])
    cache.select(rows)
    fused = fusion((text[rows], image[rows]), (None, masks[1][rows]), cache=cache)
    np.testing.assert_allclose(fused.features.data, whole.features.data[rows], rtol=1e-12, atol=1e-13)
    batch, regions = subject.masks[1].shape
    with pytest.raises(ValueError, match=rf"AttentionFusion: the cache is of regions \(4, {regions}\); "
                                         rf"got \({batch}, {regions}\)"):
        fusion((text, image), cache=cache)
