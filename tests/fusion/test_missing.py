"""Missing modalities: what stands in their place, and how often they are taken away."""

import numpy as np
import pytest

from tinymm import fusion

from .cases import Subject

THREE = {"text": 4, "image": 3, "speech": 2}


def dropping(p, rng):
    return fusion.ModalityDropout(fusion.GatingFusion(THREE, 4, rng=rng), p, rng=rng)


def drawn(wrapper, batch, present=None):
    """Which modalities a fusion of gates was given: those with a gate."""
    inputs = tuple(np.ones((batch, n), np.float32) for n in THREE.values())
    return wrapper(inputs, None, present).weights.data > 0


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_each_modality_is_taken_away_as_often_as_said(p, rng):
    """p − p³/3: its own share, less that of the cases in which it is the one that is kept."""
    n = 20000
    there = drawn(dropping(p, rng), n)
    share, expected = 1 - there.mean(0), p - p**3 / 3
    assert there.any(1).all()
    assert (abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_of_all_or_none(rng):
    assert drawn(dropping(0, rng), 50).all()
    only_one = drawn(dropping(1, rng), 300)
    assert (only_one.sum(1) == 1).all() and only_one.any(0).all()


def test_what_is_absent_stays_absent_and_the_last_stays(rng):
    present = np.repeat([[True, False, False], [False, True, True], [False, False, False]], 100, 0)
    there = drawn(dropping(0.7, rng), 300, present)
    assert not there[~present].any() and there[:100, 0].all() and there[100:200].any(1).all()
    assert not there[100:200, 1:].all()


def test_nothing_is_taken_away_in_evaluation(rng):
    wrapper = dropping(0.9, rng).eval()
    before = wrapper.rng_state()
    assert drawn(wrapper, 50).all() and wrapper.rng_state() == before


def test_the_same_seed_draws_the_same(rng):
    one, other = (dropping(0.5, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(drawn(one, 50), drawn(other, 50))
    other.load_rng_state(one.rng_state())
    np.testing.assert_array_equal(drawn(one, 50), drawn(other, 50))


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_a_share_that_is_none_is_refused(p, rng):
    with pytest.raises(ValueError, match=r"ModalityDropout: p must be a probability, in \[0, 1\]; got "):
        dropping(p, rng)


def test_tokens_are_learned_from_what_is_absent_only(rng):
    wrapper = fusion.MissingTokens(fusion.MLBFusion({"text": 4, "image": 3}, 4, 8, rng=rng), rng=rng)
    text, image = np.ones((2, 4), np.float32), np.ones((2, 3), np.float32)
    wrapper((text, image), None, np.array([[True, False], [True, True]])).features.sum().backward()
    assert wrapper.tokens[1].weight.grad.any() and not wrapper.tokens[0].weight.grad.any()


def test_a_token_makes_up_for_an_absent_factor(rng):
    """Without one, a product says nothing of what is left; with one, it does."""
    pool = fusion.MCBFusion({"text": 4, "image": 3}, 16, rng=rng)
    text, image = rng.standard_normal((2, 4)).astype(np.float32), np.full((2, 3), np.nan, np.float32)
    present = np.array([[True, False]] * 2)
    assert not pool((text, image), None, present).features.data.any()
    z = fusion.MissingTokens(pool, rng=rng)((text, image), None, present).features.data
    assert np.isfinite(z).all() and not np.allclose(z[0], z[1])


def test_an_absent_sequence_is_one_token_whatever_its_mask(rng):
    subject = Subject("MissingTokens_sequences", 0)
    (text, image), (text_mask, image_mask) = subject.inputs, subject.masks
    absent = np.tile([True, False], (len(text), 1))
    expected = subject.fusion((text, image), None, absent)
    np.testing.assert_allclose(expected.weights.data[..., 0], 1)         # all attention is on the token
    for mask in (image_mask, np.zeros_like(image_mask)):
        found = subject.fusion((text, image), (None, mask), absent)
        np.testing.assert_array_equal(found.features.data, expected.features.data)
    alone = subject.fusion((text, image), (text_mask, None), ~absent)
    assert (alone.mask == (np.arange(text.shape[1]) == 0)).all()


def test_decisions_have_no_tokens(rng):
    with pytest.raises(ValueError, match="MissingTokens: wraps fusions of vectors or sequences; got MeanOfDecisions"):
        fusion.MissingTokens(fusion.MeanOfDecisions({"text": 3, "image": 3}), rng=rng)


def test_wrappers_pass_on_attributes_and_caches(rng):
    attention = fusion.AttentionFusion({"text": 5, "image": 3}, 8, rng=rng)
    for wrapper in (fusion.MissingTokens(attention, rng=rng), fusion.ModalityDropout(attention, 0.5, rng=rng)):
        assert (wrapper.kind, wrapper.width, wrapper.causal, wrapper.modalities, wrapper.input_widths) == (
            "sequences", 8, True, ("text", "image"), (5, 3))
        text, image = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 4, 3))
        wrapper, cache = wrapper.to(np.float64).eval(), wrapper.new_cache()
        steps = [wrapper((text[:, t:t + 1], image), cache=cache).features.data for t in range(3)]
        np.testing.assert_allclose(np.concatenate(steps, 1), wrapper((text, image)).features.data, rtol=1e-12)
    assert not hasattr(fusion.MissingTokens(fusion.GatingFusion(THREE, 4, rng=rng), rng=rng), "new_cache")


def test_dropout_around_tokens_trains_the_tokens(rng):
    """The way to learn them from data that lacks nothing."""
    tokens = fusion.MissingTokens(fusion.ConcatenationFusion(THREE, 8, rng=rng), rng=rng)
    wrapper = fusion.ModalityDropout(tokens, 0.5, rng=rng)
    wrapper(tuple(np.ones((30, n), np.float32) for n in THREE.values())).features.sum().backward()
    assert all(token.weight.grad.any() for token in tokens.tokens)
