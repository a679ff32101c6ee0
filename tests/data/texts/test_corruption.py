"""Texts made worse: nothing at severity 0, everything at 1, the same words for the same seed, more at more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import with_words_exchanged, with_words_missing

words = st.sampled_from(["red", "small", "circle", "in", "the", "thing"])
texts = st.lists(st.lists(words, max_size=8).map(" ".join), max_size=6)
seeds = st.integers(0, 2**32 - 1)
severities = st.floats(0, 1)
OTHERS = ["red", "blue", "cross"]


@given(texts, seeds)
def test_severity_0_is_the_identity_and_1_hits_every_word(some, seed):
    rng = np.random.default_rng(seed)
    assert with_words_missing(some, 0.0, rng) == some == with_words_exchanged(some, 0.0, rng, OTHERS)
    assert with_words_missing(some, 1.0, rng) == [""] * len(some)
    for before, after in zip(some, with_words_exchanged(some, 1.0, rng, OTHERS)):
        assert all(old != new in OTHERS for old, new in zip(before.split(), after.split(), strict=True))


@given(texts, seeds, severities, severities)
def test_a_word_that_is_hit_is_hit_at_every_higher_severity(some, seed, one, other):
    less, more = sorted((one, other))
    marked = [" ".join(f"{word}{i}" for i, word in enumerate(text.split())) for text in some]  # told apart
    few, many = (with_words_missing(marked, severity, np.random.default_rng(seed)) for severity in (less, more))
    for text, kept, rest in zip(marked, few, many):
        assert set(rest.split()) <= set(kept.split()) <= set(text.split())
    few, many = (with_words_exchanged(marked, severity, np.random.default_rng(seed), OTHERS)
                 for severity in (less, more))
    for text, first, second in zip(marked, few, many):
        for word, a, b in zip(text.split(), first.split(), second.split(), strict=True):
            assert (a == word or a == b) and (b == word or b in OTHERS)


@given(texts, seeds, severities)
def test_the_same_seed_gives_the_same(some, seed, severity):
    for change in (lambda rng: with_words_missing(some, severity, rng),
                   lambda rng: with_words_exchanged(some, severity, rng, OTHERS)):
        assert change(np.random.default_rng(seed)) == change(np.random.default_rng(seed))


def test_about_so_many_words_are_hit(rng):
    some = ["red small circle thing"] * 2000
    severity = np.where(np.arange(2000) < 1000, 0.3, 0.0)                # each text has its own
    kept = [len(text.split()) for text in with_words_missing(some, severity, rng)]
    assert abs(np.mean(kept[:1000]) / 4 - 0.7) < 0.03 and set(kept[1000:]) == {4}
    after = with_words_exchanged(some, 1.0, rng, ["one", "two", "three"])
    counts = np.unique(" ".join(after).split(), return_counts=True)[1] / 8000
    assert np.allclose(counts, 1 / 3, atol=0.03)                         # each other word is as likely


@pytest.mark.parametrize("severity", [-0.1, 1.1, np.nan, [0.1]])
def test_bad_severities_are_refused(severity, rng):
    with pytest.raises(ValueError, match=r"with_words_missing: severity must be in \[0, 1\], .* 2 texts; got"):
        with_words_missing(["a", "b"], severity, rng)
    with pytest.raises(ValueError, match=r"with_words_exchanged: severity must be in \[0, 1\], .* 2 texts; got"):
        with_words_exchanged(["a", "b"], severity, rng, OTHERS)


def test_a_single_other_word_is_refused(rng):
    with pytest.raises(ValueError, match="two different words or more to exchange with; got"):
        with_words_exchanged(["red"], 0.5, rng, ["red", "red"])
