"""`tinymm run speech-emotion --data` as a user meets it: few acted recordings, each speaker left out, both encoders."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.cli import main
from tinymm.data import WordTokenizer
from tinymm.data.speech import draw_speaker, read_emodb, speak
from tinymm.recipes import speech_emotion
from tinymm.recipes.shared import load
from tinymm.recipes.shared.sounds import wide_statistics
from tinymm.training import load_checkpoint

SPEAKERS = ("03", "08", "09", "10")
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What is tested here does not need a good model."""
    monkeypatch.setattr(speech_emotion, "COPIES", 1)
    monkeypatch.setattr(speech_emotion, "ACTED", {
        name: setting | {"plan": replace(setting["plan"], steps=4), "width": 8}
        for name, setting in speech_emotion.ACTED.items()})


@pytest.fixture(scope="module")
def emodb(tmp_path_factory):
    """Four synthetic speakers, two sentences, three emotions."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("emodb")
    for name in SPEAKERS:
        voice = draw_speaker(rng)
        for sentence in ("a01", "b03"):
            for digit, emotion in enumerate("WTN"):
                sound = speak([digit, 3], voice, rng)
                wavfile.write(folder / f"{name}{sentence}{emotion}a.wav", 8000, (sound * 32767).astype(np.int16))
    return folder


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("encoder", ["statistics", "frames"])
def test_each_speaker_left_out_and_all_their_clips_pooled(encoder, emodb, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "speech-emotion", "--data", str(emodb), "--leave-out", "all", "--encoder", encoder,
                 "--epochs", "1", "--out", str(out)]) == 0
    metrics, each = metrics_of(out), [metrics_of(out / name) for name in SPEAKERS]
    for key in ("test/{}accuracy", "baseline/text_only{}/accuracy", "baseline/logistic_regression{}/accuracy"):
        pooled = metrics[key.format("pooled/" if key.startswith("test") else "/pooled")]
        assert pooled == pytest.approx(np.mean([one[key.format("")] for one in each]))  # as many clips of each
    assert metrics["test/pooled/accuracy/low"] < metrics["test/pooled/accuracy"] < metrics["test/pooled/accuracy/high"]
    assert ("baseline/wide_logistic_regression/accuracy" in metrics) == (encoder == "statistics")
    assert "test/pooled (24 clips)" in capsys.readouterr().out
    assert "All clips together" in (out / "report.html").read_text()
    assert "Text is worthless here. The 2 sentences" in (out / "03" / "report.html").read_text()


@pytest.mark.parametrize("encoder", ["statistics", "frames"])
def test_broken_off_and_resumed_it_ends_with_the_same_bits(encoder, emodb, check_resume):
    check_resume(1, "run", "speech-emotion", "--data", emodb, "--leave-out", "03", "--encoder", encoder, "--epochs", 2)


def test_the_statistics_are_standardised_by_the_training_clips_alone(emodb, tmp_path):
    out = tmp_path / "out"
    assert main(["run", "speech-emotion", "--data", str(emodb), "--leave-out", "03", "--epochs", "1",
                 "--out", str(out)]) == 0
    arrays, _ = load_checkpoint(out / "checkpoint.npz")
    data = read_emodb(emodb, 8000)
    all_statistics = np.array([wide_statistics(sound) for sound in data.load(np.arange(len(data)))])
    train_of = {speaker: np.array([other not in ("03", speaker) for other in data.speakers])
                for speaker in SPEAKERS[1:]}                             # by who is validated on
    means = [all_statistics[rows].mean(0) for rows in train_of.values()]
    found = arrays["model/encoders.audio.mean"]
    assert sum(np.allclose(found, mean, rtol=1e-4, atol=1e-4) for mean in means) == 1


def test_the_checkpoint_answers_as_the_run_did(emodb, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "speech-emotion", "--data", str(emodb), "--leave-out", "08", "--epochs", "2",
                 "--out", str(out)]) == 0
    loaded, data = load(out / "checkpoint.npz"), read_emodb(emodb, 8000)
    paths = sorted(emodb.glob("08*.wav"))
    rows = [i for i, speaker in enumerate(data.speakers) if speaker == "08"]
    items = [{"text": data.transcripts[i], "audio": path} for i, path in zip(rows, paths)]
    answers = [answer.answer for answer in loaded.recipe.predict(loaded, items)]
    right = np.mean([answer == data.names[data.labels[i]] for answer, i in zip(answers, rows)])
    assert right == pytest.approx(metrics_of(out)["test/accuracy"])


def test_another_voice_is_varied_in_training_only(emodb):
    setting, data = speech_emotion.ACTED["statistics"], read_emodb(emodb, 8000).part(np.arange(3))
    words = WordTokenizer.fit(data.transcripts)
    examples = speech_emotion._examples(data, words, setting, np.random.default_rng(0))
    still = speech_emotion._examples(data, words, setting)
    rows = np.arange(3)
    as_they_are = still.inputs(rows, None)[0][1]
    np.testing.assert_array_equal(examples.inputs(rows, None)[0][1], as_they_are)
    drawn = [examples.inputs(rows, np.random.default_rng(seed))[0][1] for seed in range(20)]
    assert any(not np.array_equal(x, as_they_are) for x in drawn)
    np.testing.assert_array_equal(still.inputs(rows, np.random.default_rng(0))[0][1], as_they_are)


def test_the_encoder_is_chosen_for_a_folder_alone(refused):
    assert "--encoder: needs --data; the embedded voice is read by its tone; got frames" in refused(
        "run", "speech-emotion", "--encoder", "frames")


@given(seeds, st.floats(0.5, 20.0))
def test_wide_statistics_do_not_hear_how_loud_it_is(seed, gain):
    """Of a sound well above the floor, under which every band is equally quiet."""
    rng = np.random.default_rng(seed)
    sound = np.sin(2 * np.pi * rng.uniform(100, 300) * np.arange(3200) / 8000) + 0.3 * rng.standard_normal(3200)
    one, other = wide_statistics(sound), wide_statistics(gain * sound)
    assert one.shape == (speech_emotion.STATISTICS,) and one.dtype == np.float32
    np.testing.assert_allclose(other, one, atol=2e-2)


@pytest.mark.parametrize("sound", [np.zeros(4000), np.ones(10), np.zeros(1)], ids=["silence", "short", "one sample"])
def test_wide_statistics_of_next_to_nothing_are_finite(sound):
    assert np.isfinite(wide_statistics(sound.astype(np.float32))).all()
