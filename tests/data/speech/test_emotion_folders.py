"""The readers of EmoDB and RAVDESS, and the ways to divide emotional speech without a leak."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.data.speech import (
    LabelledSpeech, leave_one_speaker_out, oracle_limit, read_emodb, read_ravdess, split_speech,
)

seeds = st.integers(0, 2**32 - 1)


def fill(folder, names, rate=16000):
    folder.mkdir(exist_ok=True)
    for name in names:
        wavfile.write(folder / name, rate, np.ones(rate // 100, np.int16))
    return folder


@pytest.fixture
def emodb(tmp_path):
    return fill(tmp_path / "wav", ["03a01Fa.wav", "03b10Wb.WAV", "11a01Na.wav"])


@pytest.fixture
def ravdess(tmp_path):
    for actor, names in (("01", ["03-01-05-02-01-01-01.wav"]), ("12", ["03-01-06-01-02-01-12.wav",
                                                                       "03-02-04-01-01-01-12.wav"])):
        fill(tmp_path / f"Actor_{actor}", names)
    return tmp_path


def classes(data):
    return [data.names[label] for label in data.labels]


def test_emodb_names_say_speaker_sentence_and_emotion(emodb):
    for directory in (emodb, emodb.parent):
        data = read_emodb(directory)
        assert data.speakers == ["03", "03", "11"] and data.sentences == ["a01", "b10", "a01"]
        assert classes(data) == ["happiness", "anger", "neutral"]
        assert data.transcripts == ["Der Lappen liegt auf dem Eisschrank.",
                                    "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
                                    "Der Lappen liegt auf dem Eisschrank."]
        assert [len(sound) for sound in data.load([2, 0])] == [80, 80]  # brought to 8,000 samples a second
        assert data.notes["recordings"] == 3 and data.notes["speakers"] == "03, 11"


def test_ravdess_names_say_actor_statement_and_emotion(ravdess):
    data = read_ravdess(ravdess)
    assert data.speakers == ["01", "12"] and data.sentences == ["01", "02"] and classes(data) == ["anger", "fear"]
    assert data.transcripts == ["Kids are talking by the door.", "Dogs are sitting by the door."]
    assert data.factors["intensity"].tolist() == [1, 0] and data.notes["left out"] == "1 recordings of song"
    flat = fill(ravdess / "flat", ["03-01-08-01-01-02-24.wav"])
    assert classes(read_ravdess(flat)) == ["surprise"] and len(read_ravdess(flat).load([0])[0]) == 80


def test_hidden_companions_and_other_files_are_left_out(emodb, ravdess):
    for folder, name in ((emodb, "03a01Fa.wav"), (ravdess / "Actor_01", "03-01-05-02-01-01-01.wav")):
        for other in (f"._{name}", ".hidden.wav", "README.txt", "notes.lab"):
            (folder / other).write_bytes(b"\0")
    assert len(read_emodb(emodb)) == 3 and len(read_ravdess(ravdess)) == 2


@pytest.mark.parametrize("name", ["03a03Fa.wav", "3a01Fa.wav", "03a01Xa.wav", "03a01F1.wav", "03c01Fa.wav", "a.wav",
                                  "03a01Faa.wav", "\u0660\u0663a01Fa.wav", "03-01-06-01-02-01-12.wav"])
def test_an_emodb_name_that_does_not_parse_is_named(name, emodb):
    fill(emodb, [name])
    with pytest.raises(ValueError, match="an EmoDB recording is named by speaker, sentence, emotion") as caught:
        read_emodb(emodb)
    assert str(caught.value).endswith(f"got {name}") and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["03-01-09-01-02-01-12.wav", "02-01-06-01-02-01-12.wav", "01-01-06-01-02-01-12.wav",
                                  "03-01-06-01-03-01-12.wav", "03-01-06-01-02-01.wav", "03a01Fa.wav"])
def test_a_ravdess_name_that_does_not_parse_is_named(name, ravdess):
    fill(ravdess / "Actor_12", [name])
    with pytest.raises(ValueError, match="a RAVDESS recording is named by modality") as caught:
        read_ravdess(ravdess)
    assert str(caught.value).endswith(f"got {name}")


def test_what_contradicts_itself_is_refused(ravdess):
    fill(ravdess, ["03-01-05-02-01-01-01.wav"])
    with pytest.raises(ValueError, match="a recording may be there once; got two named 03-01-05-02-01-01-01.wav"):
        read_ravdess(ravdess)
    os.replace(ravdess / "03-01-05-02-01-01-01.wav", ravdess / "Actor_12" / "03-01-05-02-01-02-01.wav")
    with pytest.raises(ValueError, match="must be of the actor its folder names; got 01 in Actor_12"):
        read_ravdess(ravdess)


def test_folders_without_recordings_are_named(tmp_path):
    for reader, kind in ((read_emodb, "EmoDB"), (read_ravdess, "RAVDESS")):
        with pytest.raises(ValueError, match="nowhere: the folder is not there"):
            reader(tmp_path / "nowhere")
        with pytest.raises(ValueError, match=f"{kind} needs WAV files .*; got none"):
            reader(tmp_path)


def spoken(seed, speakers=6, sentences=5):
    """Clips of all speakers with most sentences."""
    rng = np.random.default_rng(seed)
    rows = [(f"s{i}", f"t{k}") for i in range(speakers) for k in range(sentences) if rng.random() < 0.95]
    who, what = map(list, zip(*rows))
    return LabelledSpeech(rng.integers(3, size=len(rows)), ["x", "y", "z"], what, who, what, load=None)


@given(seeds, st.sampled_from(["both", "speaker", "sentence", "random"]))
def test_what_must_be_new_in_the_test_is(seed, by):
    data = spoken(seed)
    parts, notes = split_speech(data, np.random.default_rng(seed), by)
    assert list(parts) == ["train", "val", "test"] and all(map(len, parts.values()))
    known = [*zip(parts["train"].speakers, parts["train"].sentences), *zip(parts["val"].speakers,
                                                                         parts["val"].sentences)]
    test = [*zip(parts["test"].speakers, parts["test"].sentences)]
    for i, kind in enumerate(("speaker", "sentence")):
        if by in (kind, "both"):
            assert not {pair[i] for pair in known} & {pair[i] for pair in test}
    assert not set(known) & set(test)
    if by == "both":
        assert f"{len(data) - len(known) - len(test)} clips" in notes["split"]
    else:
        assert len(known) + len(test) == len(data)
    if by != "random":
        assert not set(parts["train"].speakers) & set(parts["val"].speakers)
    assert ("WARNING" in notes["split"]) == (by == "random")


def test_every_speaker_is_left_out_once():
    data = spoken(0)
    folds = list(leave_one_speaker_out(data, np.random.default_rng(0)))
    assert [speaker for speaker, _ in folds] == sorted(set(data.speakers))
    for speaker, parts in folds:
        assert set(parts["test"].speakers) == {speaker}
        assert speaker not in parts["train"].speakers + parts["val"].speakers
        assert sum(map(len, parts.values())) == len(data)


def test_wrong_divisions_are_refused(rng):
    with pytest.raises(ValueError, match="by must be one of both, speaker, sentence, random; got 'emotion'"):
        split_speech(spoken(0), rng, "emotion")
    with pytest.raises(ValueError, match="2 parts need as many groups; got 1"):
        split_speech(spoken(0, speakers=1), rng)
    with pytest.raises(ValueError, match="needs two groups or more; got 1"):
        next(leave_one_speaker_out(spoken(0, speakers=1), rng))


def test_real_emodb_has_neutral_words(shared_data):
    """The words leave nothing but the commonest emotion of each sentence: that of all."""
    data = read_emodb(shared_data("emodb"))
    assert len(data.names) == 7 and len(set(data.sentences)) == 10 and len(set(data.speakers)) >= 5
    majority = np.bincount(data.labels).max() / len(data)
    assert oracle_limit(data.sentences, data.labels) < majority + 0.03
    sounds = data.load(range(0, len(data), 40))
    assert all(sound.dtype == np.float32 and 0 < np.abs(sound).max() <= 1 for sound in sounds)
