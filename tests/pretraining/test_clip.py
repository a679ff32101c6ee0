"""CLIP and SigLIP against the reference implementations; what their texts may look like; their losses at the start."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import functional as F
from tinymm.encoders import ResidualEncoder
from tinymm.mapping.contrastive import similarities
from tinymm.nn.inspect import observe
from tinymm.pretraining import (
    Clip,
    ClipResNet,
    ClipText,
    ClipVision,
    Siglip,
    SiglipText,
    SiglipVision,
    clip_names,
    siglip_names,
)

from . import record


def clip(rng, end=11):
    return Clip(ClipVision(8, 2, 2, 4, 8, 12, rng=rng), ClipText(13, 8, 2, 2, 7, end, 12, rng=rng), 6, rng=rng)


def siglip(rng):
    return Siglip(SiglipVision(8, 2, 2, 4, 8, 12, rng=rng), SiglipText(13, 8, 2, 2, 7, 12, rng=rng))


def logits(model, x, y):
    if isinstance(model, Clip):
        return similarities(x, y, model.temperature())
    log_scale, bias = model.scale()
    return similarities(x, y, log_scale) + bias


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize(("name", "make", "names"), [("clip", clip, clip_names), ("siglip", siglip, siglip_names)])
def test_the_reference_implementation(name, make, names, dtype, tolerance):
    """Vectors, scores, and gradients at the words' and the patches' vectors, all parameters drawn anew."""
    arrays, state = record.load(name)
    model = make(np.random.default_rng(0)).eval()
    assert record.fill(model, names(2, 2), state, dtype) == set()
    kept = {}
    with observe(model, lambda where, layer, inputs, output: kept.__setitem__(where, output)):
        x, y = model(arrays["images"].astype(dtype), arrays["ids"])
    scores = logits(model, x, y)
    gradients = tm.grad([scores], [kept["text.words"], kept["vision.patches"]], [arrays["cotangent"].astype(dtype)])
    for ours, what in ((x.data, "image_vectors"), (y.data, "text_vectors"), (scores.data, "logits"),
                       (np.asarray(gradients[0]), "words_gradient"), (np.asarray(gradients[1]), "patches_gradient")):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, arrays[what], rtol=tolerance, atol=tolerance * np.abs(arrays[what]).max())


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_after_the_end_anything_may_stand(seed, length):
    """Causal, pooled at the first end token: later words change neither vector nor gradient."""
    rng = np.random.default_rng(seed)
    tower = ClipText(13, 8, 2, 2, 7, end=2, rng=rng)
    ids = rng.integers(3, 13, (2, 7))
    ids[:, length] = 2
    other = ids.copy()
    other[:, length + 1:] = rng.integers(0, 13, (2, 6 - length))
    np.testing.assert_array_equal(tower(ids).pooled.data, tower(other).pooled.data)
    short = tower(ids[:, :length + 1])
    np.testing.assert_allclose(tower(ids).pooled.data, short.pooled.data, rtol=1e-5, atol=1e-5)    # other sizes, sums
    tower(ids).pooled.backward(rng.normal(size=(2, 8)).astype(np.float32))
    assert (tower.positions.grad[length + 1:] == 0).all()
    assert (tower.positions.grad[:length + 1] != 0).any(1).all()


@given(st.integers(0, 2**32 - 1))
def test_a_patch_that_is_hidden_is_hidden_from_the_reader(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((2, 4)) < 0.5
    for tower in (ClipVision(8, 1, 2, 4, 8, rng=rng), SiglipVision(8, 1, 2, 4, 8, rng=rng)):
        encoded = tower(rng.normal(size=(2, 3, 8, 8)).astype(np.float32), mask)
        assert (encoded.sequence.data[~mask] == 0).all() and (encoded.mask == mask).all()


@given(st.integers(0, 2**32 - 1))
def test_attention_pooling_is_its_definition(seed):
    """The mean region asks mean and regions; hidden regions have no part in it."""
    rng = np.random.default_rng(seed)
    tower = ClipResNet(ResidualEncoder((4, 8), 1, 8, rng=rng), 2, rng=rng).eval()
    images = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    mask = np.array([[True] * 16, [True] * 10 + [False] * 6])
    found = tower(images, mask)
    for i in range(2):
        x = tower.encoder(images[i:i + 1]).sequence[:, mask[i]]
        mean = F.mean(x, 1, keepdims=True)
        memory = F.concatenate([mean, x], 1)
        expected, _ = tower.attention(mean, memory, memory)
        np.testing.assert_allclose(found.pooled.data[i], expected.data[0, 0], atol=2e-6)


def test_losses_at_the_start():
    """A tower's vectors lie in a narrow cone at the start, so that CLIP's loss is near ln B; SigLIP's near 10."""
    rng = np.random.default_rng(0)
    images = rng.random((32, 3, 32, 32)).astype(np.float32)
    ids = np.concatenate([np.ones((32, 1), int), rng.integers(3, 13, (32, 6)), np.full((32, 1), 2)], 1)
    model = Clip(ClipVision(rng=rng), ClipText(13, rng=rng), 64, rng=rng)
    assert abs(float(model.loss(images, ids).data) / math.log(32) - 1) < 0.15
    model = Siglip(SiglipVision(rng=rng), SiglipText(13, positions=8, rng=rng))
    x, y = model(images, ids)
    positives = (x.data * y.data).sum(1).mean()
    assert abs(float(model.loss(images, ids).data) - (10 - 10 * positives)) < 1


def test_refusals():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="EndToken: each text must hold the end token, 11; text 1 does not"):
        clip(rng).texts(np.array([[1, 11, 0], [1, 5, 6]]))
    with pytest.raises(ValueError, match="ClipText: a text may have 7 words, one for each position; got 8"):
        clip(rng).texts(np.full((1, 8), 11))
    with pytest.raises(ValueError, match="SiglipText: texts must be padded to 7 numbers; got 3"):
        siglip(rng).texts(np.full((1, 3), 2))
    for model, name in ((clip(rng), "ClipVision"), (siglip(rng), "SiglipVision")):
        with pytest.raises(ValueError, match=rf"{name}: images must be \(B, 3, 8, 8\); got \(1, 3, 9, 8\)"):
            model.images(np.zeros((1, 3, 9, 8), np.float32))
    with pytest.raises(ValueError, match="ClipVision: patch must divide the size of the pictures, 8; got 3"):
        ClipVision(8, 1, 2, 3, 8, rng=rng)
    with pytest.raises(ValueError, match="Siglip: the towers must have pooled vectors of one width; got 8 and 4"):
        Siglip(SiglipVision(8, 1, 2, 4, 8, rng=rng), SiglipText(9, 4, 1, 2, rng=rng))
