"""The embedded emotions: labels are the exclusive or of what was said and how, and neither tells anything by itself."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data.speech import (
    EMOTIONS, draw_prosody, draw_speaker, emotion_parts, emotion_sentences, oracle_limit, prosody_statistics, say,
)
from tinymm.data.speech.emotions import BLAME, PRAISE, PRONUNCIATIONS, RHYMES, SLOT, THINGS, _divided_sentences
from tinymm.data.speech.phonemes import PHONEMES
from tinymm.recipes.shared.baselines import logistic_regression
from tinymm.recipes.shared.sounds import outline, spectrogram

seeds = st.integers(0, 2**32 - 1)
PITCH_SPREAD = 6  # which of the statistics is the pitch's standard deviation, in octaves
BETWEEN_TONES = 1.6 / 12  # octaves


@pytest.fixture(scope="module")
def parts():
    return emotion_parts(np.random.default_rng(1), {"train": 320, "val": 20, "test": 160},
                         {"train": 20, "val": 5, "test": 10})


@pytest.fixture(scope="module")
def features(parts):
    """What a probe sees: name → arrays (N, D) of training and of test."""
    found = {}
    for key in ("train", "test"):
        part = parts[key]
        sounds = part.load(range(len(part)))
        views = {
            "words": [[word in text.split() for word in PRONUNCIATIONS] for text in part.transcripts],
            "length and loudness": [[len(x), math.log((x * x).mean()), np.abs(x).max()] for x in sounds],
            "tone": [prosody_statistics(x) for x in sounds],
            "outline": [outline(spectrogram(x)) for x in sounds],
        }
        for name, rows in views.items():
            found.setdefault(name, []).append(np.array(rows, np.float32))
    return found


def judged(text, statistics):
    """The label by a look at both: a word list for the text, a threshold on the spread of pitch for the voice."""
    praises = {rhyme[0] for rhyme in RHYMES} & set(text.split())
    return int(bool(praises) != (statistics[PITCH_SPREAD] > BETWEEN_TONES))


def chance_interval(n):
    """Half the width of the 99.9 % interval around ½."""
    return 3.3 * math.sqrt(0.25 / n)


def test_a_judge_who_reads_and_listens_agrees_with_nearly_every_label(parts, features):
    part = parts["test"]
    found = [judged(text, statistics) for text, statistics in zip(part.transcripts, features["tone"][1])]
    assert np.mean(found == part.labels) >= 0.98
    assert part.names == list(EMOTIONS) == ["sincere", "sarcastic"]
    assert (part.labels == (part.factors["praise"] ^ part.factors["tone"])).all()
    praise = emotion_sentences()
    assert part.factors["praise"].tolist() == [praise[text] for text in part.transcripts]


@settings(max_examples=5)
@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_no_function_of_words_or_of_tone_and_speaker_is_right_on_more_than_half(seed, fours, people):
    drawn = emotion_parts(np.random.default_rng(seed), dict.fromkeys(("train", "val", "test"), 4 * fours),
                          dict.fromkeys(("train", "val", "test"), people))
    for part in drawn.values():
        tone = part.factors["tone"].tolist()
        praise = part.factors["praise"].tolist()
        for keys in (part.transcripts, tone, praise, [*zip(part.speakers, tone)], [*zip(part.speakers, praise)],
                     [*zip(part.speakers, part.transcripts)]):
            assert oracle_limit(keys, part.labels) == 0.5
        assert oracle_limit([*zip(praise, tone)], part.labels) == 1.0


def test_speakers_and_sentences_are_in_one_part_only(parts):
    for column in ("speakers", "sentences"):
        found = [set(getattr(part, column)) for part in parts.values()]
        assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert [len(set(part.speakers)) for part in parts.values()] == [20, 5, 10]


@given(seeds)
def test_every_word_can_be_learned(seed):
    """Of each kind of sentence the share to train on has all the words."""
    divided = _divided_sentences(np.random.default_rng(seed))
    assert set(" ".join(sum(divided["train"], [])).split()) == PRONUNCIATIONS.keys()
    assert sum(len(texts) for kinds in divided.values() for texts in kinds) == len(emotion_sentences())


@pytest.mark.parametrize("name, target, least, most", [
    ("words", "praise", 0.95, 1.0), ("tone", "tone", 0.97, 1.0), ("words", "label", None, None),
    ("tone", "label", None, None), ("outline", "label", None, None), ("words", "tone", None, None),
    ("length and loudness", "praise", None, None), ("length and loudness", "label", None, None),
])
def test_linear_probes_find_what_may_be_found_and_no_more(name, target, least, most, parts, features):
    """Where no bounds are given the probe must be at chance, within the interval of so many clips."""
    train, test = (parts[key] for key in ("train", "test"))
    known, new = features[name]
    mean, scale = known.mean(0), known.std(0) + 1e-6
    answers = [part.labels if target == "label" else part.factors[target] for part in (train, test)]
    guesses = logistic_regression((known - mean) / scale, answers[0], (new - mean) / scale, 2, penalty=1e-2)
    right = (guesses == answers[1]).mean()
    if least is None:
        least, most = 0.5 - chance_interval(len(test)), 0.5 + chance_interval(len(test))
    assert least <= right <= most


def test_the_words_of_the_transcript_are_those_spoken():
    """A recogniser that knows one speaker's words from other clips tells nearly all apart, by their outlines."""
    rng = np.random.default_rng(4)
    speaker, prosody = draw_speaker(rng), draw_prosody(0, rng)
    words = [*list(PRAISE)[:8], *list(BLAME)[:8]]

    def heard(word):
        return outline(spectrogram(say(f"the film was {word}", prosody, speaker, rng)), 24)

    known = {word: np.mean([heard(word) for _ in range(3)], 0) for word in words}
    nearest = []
    for word in words:
        x = heard(word)
        nearest.append(min(words, key=lambda other: ((known[other] - x) ** 2).sum()))
    assert sum(a == b for a, b in zip(words, nearest)) >= 12


@given(seeds, st.sampled_from(sorted(emotion_sentences())), st.integers(0, 1))
def test_any_sentence_is_said_in_any_tone(seed, text, tone):
    rng = np.random.default_rng(seed)
    sound = say(text, draw_prosody(tone, rng), draw_speaker(rng), rng)
    assert sound.dtype == np.float32 and np.isfinite(sound).all() and 0.02 < np.abs(sound).max() < 1
    assert 0.5 < len(sound) / 8000 <= 1.5
    assert -30.01 < 10 * math.log10((sound.astype(float) ** 2).mean()) < -21.99


def test_praise_and_blame_rhyme_and_fill_the_same_slots():
    assert {name for spelling in PRONUNCIATIONS.values() for name in spelling.split()} <= PHONEMES.keys()
    assert len(PRAISE) == len(BLAME) == len(RHYMES) == 28 and not PRAISE.keys() & BLAME.keys()
    for praise, blame in zip(PRAISE, BLAME):
        assert PRAISE[praise] != BLAME[blame] and PRAISE[praise].split()[-1] == BLAME[blame].split()[-1]
        assert SLOT[praise] == SLOT[blame]
    kinds = Counter(emotion_sentences().values())
    assert kinds == {1: 28 * len(THINGS) * 4, 0: 28 * len(THINGS) * 4}


def test_the_same_seed_gives_the_same_clips():
    few = {"train": 4, "val": 4, "test": 8}
    one, other = (emotion_parts(np.random.default_rng(3), few) for _ in range(2))
    for name in few:
        assert one[name].transcripts == other[name].transcripts and len(one[name]) == few[name]
        for a, b in zip(*(found[name].load(range(4)) for found in (one, other))):
            np.testing.assert_array_equal(a, b)


def test_a_part_keeps_every_column_of_its_rows():
    part = emotion_parts(np.random.default_rng(0), dict.fromkeys(("train", "val", "test"), 8))["train"]
    some = part.part([5, 2])
    assert some.transcripts == [part.transcripts[5], part.transcripts[2]]
    assert some.factors["tone"].tolist() == part.factors["tone"][[5, 2]].tolist()
    np.testing.assert_array_equal(some.load([1])[0], part.load([2])[0])
    np.testing.assert_array_equal(some.part([1]).load([0])[0], part.load([2])[0])


@pytest.mark.parametrize("text", ["", "the film was wonderful", "The film was glad"])
def test_words_without_a_pronunciation_are_refused(text, rng):
    with pytest.raises(ValueError, match="say: needs words of its lexicon; got (none|wonderful|The)$"):
        say(text, draw_prosody(0, rng), draw_speaker(rng), rng)


def test_wrong_numbers_are_refused(rng):
    for clips, people in (({"train": 6, "val": 4, "test": 4}, None), ({"train": 0, "val": 4, "test": 4}, None),
                          ({"train": 4, "val": 4, "test": 4}, {"train": 1, "val": 1, "test": 0})):
        with pytest.raises(ValueError, match="emotion_parts: every part needs a multiple of 4 clips, and a speaker"):
            emotion_parts(rng, clips, people or {"train": 1, "val": 1, "test": 1})
    for keys in ([], ["a"]):
        with pytest.raises(ValueError, match="oracle_limit: needs one key to each label"):
            oracle_limit(keys, np.zeros(2 * len(keys), int))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_the_oracle_is_the_best_of_all_functions(rows):
    keys, labels = zip(*rows)
    names = sorted(set(keys))
    best = max(np.mean([answer[names.index(key)] == label for key, label in rows])
               for answer in np.ndindex(*(3,) * len(names)))
    assert oracle_limit(keys, np.array(labels)) == pytest.approx(best)
