"""Fusions of vectors at each position: as at each position alone, and step by step."""

import numpy as np
import pytest

from tinymm import encoders, fusion
from tinymm.mapping import Captioner, greedy, next_word

from .cases import Subject

TWO = {"text": 5, "image": 3}


@pytest.mark.parametrize("make", [
    fusion.ConcatenationFusion, fusion.AdditionFusion, fusion.GatingFusion, fusion.GatedMultimodalUnit,
    fusion.FiLMFusion, fusion.TensorFusion, fusion.LowRankFusion, fusion.BilinearFusion, fusion.MLBFusion,
    fusion.MFBFusion, fusion.MUTANFusion, fusion.MCBFusion,
    lambda widths, width, rng: fusion.BLOCKFusion(widths, width, 8, 3, rng=rng)])
def test_each_position_is_a_fusion_of_vectors(make, rng):
    """Of every kind: the text's feature there, and the mean of the image."""
    f = make(TWO, 6, rng=rng).to(np.float64)
    text, image = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 7, 3))
    z = fusion.AtEachPosition(f)((text, image)).features.data
    for t in range(4):
        np.testing.assert_allclose(z[:, t], f((text[:, t], image.mean(1))).features.data, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["AtEachPosition", "AtEachPosition_gates", "AtEachPosition_unit"])
def test_with_a_cache_the_means_are_kept(name):
    """Positions one by one, the other sequences no longer read after the first; rows follow `select`."""
    subject = Subject(name, 0)
    text, *others = subject.inputs
    masks = (None, *subject.masks[1:])
    whole, cache = subject.fusion(subject.inputs, masks).features.data, subject.fusion.new_cache()
    for t in range(text.shape[1]):
        shown = others if t == 0 else [np.full_like(x, np.nan) for x in others]
        step = subject.fusion((text[:, t:t + 1], *shown), masks, cache=cache).features.data
        np.testing.assert_allclose(step[:, 0], whole[:, t], rtol=1e-12, atol=1e-13)
    rows = np.array([2, 0, 2, 1])
    cache.select(rows)
    masks = (None, *(mask[rows] for mask in subject.masks[1:]))
    step = subject.fusion((text[rows], *(x[rows] for x in others)), masks, cache=cache).features.data
    np.testing.assert_allclose(step, whole[rows], rtol=1e-12, atol=1e-13)


def test_a_captioner_takes_it_and_decodes_with_its_cache(rng):
    """The fusion of 3.1.2 in place of attention: the words of greedy decoding are those of the whole prefix."""
    wide = fusion.AtEachPosition(fusion.ConcatenationFusion({"text": 12, "image": 16}, 8, rng=rng))
    captioner = Captioner(encoders.ConvEncoder(((8,), (16,)), 8, glance=1, rng=rng),
                          encoders.CausalLSTM(10, 12, context=16, rng=rng), wide, 10, rng=rng).eval()
    images = rng.random((3, 3, 8, 8)).astype(np.float32)
    for words, image in zip(greedy(next_word(captioner, images), 3, bos=1, eos=2, max_length=6), images):
        prefix = np.array([[1, *words]])
        logits, _ = captioner(image[None], prefix)
        assert logits.data[0].argmax(-1)[:len(words)].tolist() == words


def test_only_fusions_of_vectors_have_positions_to_be_put_at(rng):
    with pytest.raises(ValueError, match="AtEachPosition: needs a fusion of vectors itself, .*; got AttentionFusion"):
        fusion.AtEachPosition(fusion.AttentionFusion(TWO, 8, rng=rng))


def test_wrappers_go_around(rng):
    f = fusion.BilinearFusion(TWO, 4, rng=rng)
    with pytest.raises(ValueError, match="what wraps one goes around; got MissingTokens"):
        fusion.AtEachPosition(fusion.MissingTokens(f, rng=rng))
    around = fusion.ModalityDropout(fusion.MissingTokens(fusion.AtEachPosition(f), rng=rng), 0.5, rng=rng)
    text, image = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 7, 3))
    assert around.causal and around.kind == "sequences" and around.to(np.float64).new_cache().means is None
    around((text, image)).features.sum().backward()
    assert all(p.grad is not None for p in f.parameters())
