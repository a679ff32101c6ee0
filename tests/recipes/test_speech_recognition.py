"""`tinymm run speech-recognition` and `sound-classification` as a user meets them:
what they leave behind, resume, speakers left out, bad input."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.io import wavfile

from tinymm.cli import main
from tinymm.data.speech import draw_speaker, speak
from tinymm.metrics import edit_distance
from tinymm.recipes import sound_classification, speech_recognition
from tinymm.recipes.shared import Results, clips
from tinymm.recipes.shared.clips import Clips, read_takes, voice_parts
from tinymm.recipes.shared.sounds import BANDS, Variation, classified, outline, spectrogram, voice_statistics
from tinymm.recipes.shared.strings import cut_and_classified, joined_parts, new_strings
from tinymm.recipes.speech_recognition import Decoding, bigrams, posterior, scored, transcripts

STRONG = Variation(1.25, 1.25, (5.0, 40.0))


@pytest.fixture(autouse=True)
def a_small_model(monkeypatch):
    """What is tested here does not need a good one."""
    for page, names in ((speech_recognition, ("VOICE", "TAKES")),
                        (sound_classification, ("VOICE", "TAKES", "TAKES_OF_OTHERS"))):
        for name in names:
            setting = getattr(page, name)
            monkeypatch.setattr(page, name, setting | {"plan": replace(setting["plan"], steps=2)})
        whole = page.build
        monkeypatch.setattr(page, "build", lambda config, rng, whole=whole: whole(
            config | {"width": 8, "channels": [2, 2, 2]}, rng))
    monkeypatch.setattr(clips, "VOICE_CLIPS", {"train": 16, "val": 4, "test": 6})


def rng_of(seed):
    return lambda *key: np.random.default_rng([seed, *key])


@pytest.fixture
def recordings(tmp_path):
    """Three synthetic speakers, ten digits, two takes each: takes 4 (the publisher's test) and 5."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "digits" / "recordings"
    folder.mkdir(parents=True)
    for name in ("ann", "bob", "cy"):
        voice = draw_speaker(rng)
        for digit in range(10):
            for take in (4, 5):
                samples = (speak([digit], voice, rng) * 32767).astype(np.int16)
                wavfile.write(folder / f"{digit}_{name}_{take}.wav", 8000, samples)
    return folder.parent


def command(name, *words):
    return main(["run", name, *map(str, words)])


RECIPES = pytest.mark.parametrize("name", ["speech-recognition", "sound-classification"])
METRIC = {"speech-recognition": "digit_error_rate", "sound-classification": "accuracy"}


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


FILES = {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json", "report.html"}


@pytest.mark.parametrize("words", [
    ("speech-recognition",), ("sound-classification",),
    ("speech-recognition", "--encoder", "transformer", "--decode", "beam", "--lm", 0.5)])
def test_a_run_on_the_voice_leaves_its_files(words, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(*words, "--out", out, "--epochs", 1) == 0
    assert {p.name for p in out.iterdir()} == FILES
    metrics, html = metrics_of(out), (out / "report.html").read_text()
    assert "BLAS of NumPy" in html
    is_strings = words[0] == "speech-recognition"
    expected = ("test/digit_error_rate", "test/word_error_rate", "test/string_error_rate",
                "baseline/equal_cuts/digit_error_rate") if is_strings else (
        "test/accuracy", "baseline/majority/accuracy", "baseline/logistic_regression/accuracy")
    for name in (*expected, f"{expected[0]}/low", "seconds/train"):
        assert isinstance(metrics[name], (int, float)), name
    assert "shuffled audio" in html and "http" not in html.replace("http-equiv", "")
    assert ("Where the digits were heard" if is_strings else "What was taken for what") in html
    assert "shuffled audio" in capsys.readouterr().out


def test_recordings_are_tested_on_the_publishers_takes(recordings, tmp_path):
    assert command("speech-recognition", "--data", recordings, "--out", tmp_path / "o", "--epochs", 1) == 0
    assert "baseline/commonest_digit/digit_error_rate" in metrics_of(tmp_path / "o")
    parts, _ = read_takes(recordings, rng_of(0))
    assert [len(parts[name]) for name in ("train", "val", "test")] == [27, 3, 30]


@RECIPES
def test_each_speaker_left_out_in_turn(name, recordings, tmp_path):
    out, metric = tmp_path / "all", METRIC[name]
    assert command(name, "--data", recordings, "--leave-out", "all", "--out", out, "--epochs", 1) == 0
    metrics, speakers = metrics_of(out), ("ann", "bob", "cy")
    each = [metrics[f"test/{speaker}/{metric}"] for speaker in speakers]
    assert metrics[f"test/{metric}"] == pytest.approx(np.mean(each))
    for speaker, value in zip(speakers, each):
        assert {p.name for p in (out / speaker).iterdir()} == FILES
        assert metrics_of(out / speaker)[f"test/{metric}"] == value
        assert metrics[f"test/{speaker}/{metric}/low"] <= value <= metrics[f"test/{speaker}/{metric}/high"]
    assert "All speakers together" in (out / "report.html").read_text()


def test_a_left_out_speaker_is_heard_in_the_test_alone(recordings):
    takes, _ = read_takes(recordings, rng_of(0), "bob")
    for parts in (takes, joined_parts(takes, rng_of(0)(4))):
        assert set(parts["test"].speakers) == {"bob"}
        assert {*parts["train"].speakers, *parts["val"].speakers} == {"ann", "cy"}


@RECIPES
def test_an_interrupted_run_resumes_to_the_same_bits(name, check_resume):
    check_resume(2, "run", name, "--epochs", 3, "--seed", 5)


def test_speakers_left_out_in_turn_go_on_with_the_one_it_stopped_at(recordings, tmp_path, interrupted, refused,
                                                                    same_but_for_time):
    whole, broken, name = tmp_path / "whole", tmp_path / "broken", "sound-classification"
    options = ("--data", recordings, "--leave-out", "all", "--epochs", 2)
    assert command(name, *options, "--out", whole) == 0
    interrupted(6, "run", name, *options, "--out", broken)               # ann's four steps, two of bob's
    assert (broken / "ann" / "metrics.json").exists() and not (broken / "bob" / "metrics.json").exists()
    assert "another configuration" in refused("run", name, *options, "--out", broken, "--resume", "--seed", 1)
    assert command(name, *options, "--out", broken, "--resume") == 0
    same_but_for_time(whole, broken)


@RECIPES
def test_bad_input_is_answered_in_one_line(name, recordings, tmp_path, refused):
    refused = partial(refused, "run", name, "--out", tmp_path / "o")
    assert "--epochs: must be at least 1; got 0" in refused("--epochs", 0)
    assert "--leave-out: needs --data" in refused("--leave-out", "ann")
    assert "one of several speakers, or all; got 'eve', the recordings are of ann, bob, cy" in refused(
        "--data", recordings, "--leave-out", "eve")
    assert "nowhere: the folder is not there" in refused("--data", tmp_path / "nowhere")
    assert "holds no run" in refused("--data", recordings, "--resume")
    folder = recordings / "recordings"
    for file, content, told in (("3_ann_7.wav", b"", "3_ann_7.wav: must be a WAV file"),
                                ("4_ann_7.wav", (folder / "4_ann_5.wav").read_bytes()[:900],
                                 "4_ann_7.wav: a WAV file must be whole"),
                                ("hello.wav", b"", "named digit_speaker_take.wav, such as 7_ann_0.wav; got hello.wav")):
        (folder / file).write_bytes(content)
        assert told in refused("--data", recordings)
        (folder / file).unlink()
    wavfile.write(folder / "5_ann_9.wav", 8000, np.ones(100, np.int16))
    assert "5_ann_9.wav: a digit must last at least 0.08 s; got 0.013 s" in refused("--data", recordings)
    assert not (tmp_path / "o").exists()  # nothing half-written stays behind


def test_options_of_strings_that_do_not_fit(tmp_path, refused):
    refused = partial(refused, "run", "speech-recognition", "--out", tmp_path / "o")
    assert "--lm: needs --decode beam; got --decode greedy" in refused("--lm", 0.5)
    assert "--beam: must be at least 1; got 0" in refused("--decode", "beam", "--beam", 0)
    assert "--isolated: is now a recipe of its own: tinymm run sound-classification" in refused("--isolated")


def test_too_few_recordings_are_named(recordings, tmp_path, refused):
    for path in (recordings / "recordings").glob("[2-9]_*.wav"):
        path.unlink()
    refused = partial(refused, "run", "speech-recognition", "--data", recordings, "--out", tmp_path / "o")
    assert "must leave 10 recordings to learn from, and some to test on; got 6 and 6" in refused()
    for path in (recordings / "recordings").glob("*_[bc]*.wav"):
        path.unlink()
    assert "all needs several speakers" in refused("--leave-out", "all")


def test_stereo_at_another_rate_is_mixed_and_resampled_and_noted(recordings, tmp_path):
    path = recordings / "recordings" / "7_bob_4.wav"
    rate, samples = wavfile.read(path)
    wavfile.write(path, 2 * rate, np.repeat(np.stack([samples, samples], 1), 2, 0))
    _, notes = read_takes(recordings, rng_of(0))
    assert notes["resampled"].startswith("1 recordings, to 8000")
    assert notes["mixed"].startswith("1 recordings of several")
    assert command("sound-classification", "--data", recordings, "--out", tmp_path / "o", "--epochs", 1) == 0
    assert "1 recordings of several channels, to one" in (tmp_path / "o" / "report.html").read_text()


def test_strings_are_of_one_speaker_and_new_in_every_epoch(recordings):
    takes, _ = read_takes(recordings, rng_of(0))
    train, rows = takes["train"], np.arange(len(takes["train"]))
    draw = new_strings(train)
    first, second, again = (draw(rows, np.random.default_rng(seed)) for seed in (1, 2, 1))
    assert first.digits != second.digits
    assert {len(string) for string in first.digits + second.digits} == {2, 3, 4, 5}
    assert [string[0] for string in first.digits] == [digit for digit, in train.digits]  # each begins one string
    assert again.digits == first.digits and all(len(sound) > 0.2 * 8000 for sound in again.sounds)
    assert first.speakers == train.speakers
    test = joined_parts(takes, rng_of(0)(4))["test"]
    assert sum(map(len, test.digits)) <= 60 and set(test.speakers) == {"ann", "bob", "cy"}


def test_clips_of_the_voice_depend_on_the_seed_and_are_all_new():
    one, same, other = (voice_parts(np.random.default_rng(seed), (2, 5))[0]["test"] for seed in (3, 3, 4))
    assert one.digits == same.digits != other.digits
    for a, b in zip(one.sounds, same.sounds):
        np.testing.assert_array_equal(a, b)
    assert {len(string) for string in voice_parts(np.random.default_rng(0), (1, 1))[0]["train"].digits} == {1}


def test_normalised_spectrograms_do_not_know_the_level(rng):
    sound = speak([7], draw_speaker(rng), rng)
    x = spectrogram(sound)
    assert x.dtype == np.float32 and x.shape[1] == BANDS
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(), 1, atol=2e-3)
    assert np.abs(spectrogram(0.5 * sound) - x).mean() < 0.1


def test_variation_changes_length_and_content_within_its_bounds(rng):
    sound = speak([7, 3], draw_speaker(rng), rng)
    lengths = [len(STRONG(sound, rng)) for _ in range(60)]
    frames = len(spectrogram(sound))
    assert frames / 1.3 < min(lengths) < 0.9 * frames and 1.1 * frames < max(lengths) < 1.3 * frames
    still = Variation(speed=1.0, tempo=1.0, snr=(200.0, 200.0), gain=0.0, masks=0)
    np.testing.assert_allclose(still(sound, rng), spectrogram(sound), atol=1e-3)


def test_the_statistics_of_a_voice_forget_order_and_pauses(rng):
    """Bands first: played backwards they stay, and a quarter of silence changes none of them much."""
    sound = (rng.standard_normal(8000) * np.linspace(0.5, 1.0, 8000)).astype(np.float32)
    x = voice_statistics(sound)
    assert x.shape == (2 * BANDS + 23,) and x.dtype == np.float32 and np.isfinite(x).all()
    np.testing.assert_allclose(voice_statistics(sound[::-1])[:2 * BANDS], x[:2 * BANDS], atol=0.3)
    paused = voice_statistics(np.concatenate([sound, np.zeros(2500, np.float32)]))
    np.testing.assert_allclose(paused[:BANDS], x[:BANDS], atol=0.3)


def test_an_outline_is_the_mean_of_each_stretch(rng):
    x = rng.standard_normal((16, 3))
    np.testing.assert_allclose(outline(x, 4), x.reshape(4, 4, 3).mean(1).ravel())
    assert outline(x[:2], 4).shape == (12,)                              # fewer frames than stretches


def test_linear_baselines_find_what_is_linear(rng):
    def tone(digit):
        """A spectrogram with one loud band per digit."""
        return np.eye(10)[digit] + 0.1 * rng.standard_normal((int(rng.integers(9, 20)), 10))

    labels = rng.integers(10, size=80)
    tones = [tone(d) for d in labels]
    assert (classified(tones[:60], labels[:60], tones[60:], 10) == labels[60:]).mean() > 0.9

    def sweep(digit):
        return np.sin(2 * np.pi * (300 + 300 * digit) * np.arange(1600) / 8000).astype(np.float32)

    strings = [tuple(rng.integers(10, size=3).tolist()) for _ in range(40)]
    part = Clips([np.concatenate([sweep(d) for d in s]) for s in strings], strings, ["a"] * 40)
    found = cut_and_classified(part.rows(range(30)), part.rows(range(30, 40)))
    assert sum(edit_distance(a, b) for a, b in zip(found, strings[30:])) <= 3


def test_the_digit_error_rate_and_its_interval():
    digits = [(1, 2), (3, 4, 5), (6, 7)]
    results = Results("test", {"tinymm": scored([(1, 2), (3, 5), (6, 8)], digits), "b": scored([()] * 3, digits)})
    found = results.flat()
    assert found["test/digit_error_rate"] == pytest.approx(2 / 7)
    assert found["test/string_error_rate"] == pytest.approx(2 / 3) and found["baseline/b/digit_error_rate"] == 1
    low, high = results.systems["tinymm"].interval("digit_error_rate")
    assert low <= found["test/digit_error_rate"] <= high


def test_the_posterior_knows_where_the_digits_are():
    scores = np.full((9, 11), -5.0, np.float32)
    for place, label in enumerate([0, 4, 4, 0, 0, 4, 8, 8, 0]):
        scores[place, label] = 5.0
    assert transcripts([scores]) == transcripts([scores], Decoding("beam")) == [(3, 3, 7)]
    gamma = posterior(scores, (3, 3, 7))
    assert gamma.shape == (9, 7)
    np.testing.assert_allclose(gamma.sum(1), 1, atol=1e-5)
    assert gamma[1, 1] > 0.9 and gamma[5, 3] > 0.9 and gamma[6, 5] > 0.9


def test_a_language_model_decides_between_equals():
    scores = np.zeros((3, 11), np.float32)
    scores[0, 2] = scores[1, 0] = 20.0                                   # 1, blank, then 3 or 4 alike
    scores[2, [4, 5]] = 10.0
    said = [transcripts([scores], Decoding("beam", 8, 1.0), bigrams([(1, d)] * 5 + [(d, d)] * 2))[0] for d in (3, 4)]
    assert said == [(1, 3), (1, 4)]


def test_real_recordings_are_recognised_as_digits(shared_data):
    parts, _ = read_takes(shared_data("fsdd"), rng_of(0))
    assert set(parts["test"].labels) == set(range(10)) and len(set(parts["train"].speakers)) == 6
