"""The voice says every caption of the shapes world, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data.shapes.language import VOCABULARY
from tinymm.data.speech import PRONOUNCED, draw_speaker, say_caption, spoken_captions
from tinymm.data.speech.phonemes import PHONEMES


def test_every_word_of_the_language_has_sounds_of_its_own():
    assert PRONOUNCED.keys() == set(VOCABULARY)
    assert {name for sounds in PRONOUNCED.values() for name in sounds.split()} <= PHONEMES.keys()
    assert len(set(PRONOUNCED.values())) == len(PRONOUNCED)


@given(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_sounds_are_finite_never_clipped_and_repeatable(words, seed):
    def said():
        rng = np.random.default_rng(seed)
        return say_caption(" ".join(words), draw_speaker(rng), rng)

    sound = said()
    assert sound.dtype == np.float32 and np.isfinite(sound).all() and 0.1 < np.abs(sound).max() <= 1
    assert 0.05 * len(words) < len(sound) / 8000 < 1.5 * len(words)
    np.testing.assert_array_equal(sound, said())


def test_clips_have_speakers_of_their_own_and_do_not_depend_on_how_many_there_are():
    one, two = spoken_captions(["a red circle"] * 2, np.random.default_rng(0))
    first, = spoken_captions(["a red circle"], np.random.default_rng(0))
    np.testing.assert_array_equal(one, first)
    assert len(one) != len(two) or (one != two).any()
    assert spoken_captions([], np.random.default_rng(0)) == []


@pytest.mark.parametrize("text, got", [("a pink circle", "pink"), (" ", "none")])
def test_other_words_are_refused(text, got):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"say_caption: needs words of the shapes world; got {got}"):
        say_caption(text, draw_speaker(rng), rng)
