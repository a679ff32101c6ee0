"""`tinymm run speech-to-text` as a user meets it: what it leaves behind, both kinds of units, resume, bad input."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.io import wavfile

import tinymm as tm
import tinymm.functional as F
from tinymm.cli import main
from tinymm.data import CharTokenizer, WordTokenizer, pad_batch
from tinymm.data.speech import WORDS, draw_speaker, speak
from tinymm.data.texts.tokenizer import BOS, EOS, PAD, UNK
from tinymm.mapping import ctc_next_label, next_word_of
from tinymm.recipes import speech_to_text as page
from tinymm.recipes.shared import clips
from tinymm.recipes.shared.sounds import padded, spectrogram

TOKENS = WordTokenizer.fit([" ".join(WORDS)])


@pytest.fixture(autouse=True)
def a_small_model(monkeypatch):
    """What is tested here does not need a good one."""
    for name in ("VOICE", "TAKES", "TAKES_OF_OTHERS"):
        setting = getattr(page, name)
        monkeypatch.setattr(page, name, setting | {"plan": replace(setting["plan"], steps=2)})
    monkeypatch.setattr(page, "SIZES", {"width": 8, "encoder_layers": 1, "decoder_layers": 1, "heads": 2})
    monkeypatch.setattr(clips, "VOICE_CLIPS", {"train": 16, "val": 4, "test": 6})


@pytest.fixture
def recordings(tmp_path):
    """Two synthetic speakers, ten digits, two takes each: takes 4 (the publisher's test) and 5."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "digits" / "recordings"
    folder.mkdir(parents=True)
    for name in ("ann", "bob"):
        voice = draw_speaker(rng)
        for digit in range(10):
            for take in (4, 5):
                samples = (speak([digit], voice, rng) * 32767).astype(np.int16)
                wavfile.write(folder / f"{digit}_{name}_{take}.wav", 8000, samples)
    return folder.parent


def transcriber_of(seed, vocabulary=len(TOKENS), positions=8):
    config = {"vocabulary": vocabulary, "places": 100, "positions": positions, "ctc_weight": 0.3, "dropout": 0.0,
              **page.SIZES}
    return page.build(config, np.random.default_rng(seed)).eval()


def batch_of(rng, tokens=TOKENS, lengths=(30, 41, 17), strings=((1, 2), (3, 3, 4), (5,))):
    """Spectrograms, their mask, ids, their mask."""
    x = [rng.standard_normal((n, 40)).astype(np.float32) for n in lengths]
    return *padded(x), *pad_batch([tokens.encode(page.text_of(digits)) for digits in strings])


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("words", [(), ("--units", "character", "--beam", 1), ("--ctc-weight", 0)])
def test_a_run_on_the_voice_leaves_its_files(words, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "speech-to-text", *map(str, words), "--out", str(out), "--epochs", "1"]) == 0
    assert {p.name for p in out.iterdir()} == {"checkpoint.npz", "config.json", "log.jsonl", "machine.json",
                                               "metrics.json", "report.html"}
    metrics, html, told = metrics_of(out), (out / "report.html").read_text(), capsys.readouterr().out
    halves = () if "--ctc-weight" in words else ("test/attention", "test/ctc")
    for prefix in ("test", *halves):
        for name in ("word_error_rate", "word_error_rate/low", "string_error_rate", "deletions", "loops"):
            assert isinstance(metrics[f"{prefix}/{name}"], float), name
    for name in ("commonest_digit", "equal_cuts", "shuffled_audio"):
        assert f"baseline/{name}/word_error_rate" in metrics
    assert ("test/ctc/word_error_rate" in metrics) == bool(halves)
    assert 0 <= metrics["test/attention/forward"] <= 1 and "shuffled audio" in told
    assert "Where the decoder looked" in html and "How each way fails" in html
    assert "http:" not in html and "https:" not in html                  # it loads nothing


def test_recordings_are_joined_and_each_speaker_left_out_in_turn(recordings, tmp_path):
    out = tmp_path / "all"
    assert main(["run", "speech-to-text", "--data", str(recordings), "--leave-out", "all", "--out", str(out),
                 "--epochs", "1"]) == 0
    metrics = metrics_of(out)
    for way in ("", "ctc/", "attention/"):
        each = [metrics[f"test/{speaker}/{way}word_error_rate"] for speaker in ("ann", "bob")]
        assert metrics[f"test/{way}word_error_rate"] == pytest.approx(np.mean(each))
        assert f"test/pooled/{way}word_error_rate" in metrics


def test_an_interrupted_run_resumes_to_the_same_bits(check_resume):
    check_resume(2, "run", "speech-to-text", "--epochs", 3, "--seed", 5)


def test_bad_input_is_answered_in_one_line(recordings, tmp_path, refused):
    refused = partial(refused, "run", "speech-to-text", "--out", tmp_path / "o")
    assert "--leave-out: needs --data" in refused("--leave-out", "ann")
    assert "--ctc-weight: must be at least 0 and below 1; got 1.0" in refused("--ctc-weight", 1)
    assert "--beam: must be at least 1; got 0" in refused("--beam", 0)
    assert "nowhere: the folder is not there" in refused("--data", tmp_path / "nowhere")
    wavfile.write(recordings / "recordings" / "5_ann_9.wav", 8000, np.ones(8000 * 7, np.int16))
    assert "--data: strings of digits must last at most 30 s; got up to 35.6 s" in refused("--data", recordings)
    assert not (tmp_path / "o").exists()                                 # nothing half-written stays behind


def test_units_that_there_are_not_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "speech-to-text", "--units", "syllable"])
    assert stop.value.code == 2 and "invalid choice: 'syllable'" in capsys.readouterr().err


def test_a_recording_that_the_encoder_has_no_places_for_is_refused(tmp_path, refused):
    """As many frames as fit are taken; one more is not."""
    places, path, checkpoint = 40, tmp_path / "a.wav", tmp_path / "c.npz"
    model, room = transcriber_of(0), 2 * places * page.HOP - 800         # 50 ms of silence at either end
    config = {"vocabulary": len(TOKENS), "places": places, "positions": 8, "ctc_weight": 0.3, "dropout": 0.0,
              **page.SIZES}
    tm.training.save_checkpoint(checkpoint, {f"model/{k}": a for k, a in model.state_dict().items()}, {
        "about": {"recipe": "speech-to-text", "config": config, "classes": None,
                  "tokenizer": {"kind": "word", "state": TOKENS.to_json()}}})
    wavfile.write(path, 8000, np.zeros(room - 1, np.int16))
    assert main(["predict", str(checkpoint), str(path)]) == 0
    wavfile.write(path, 8000, np.zeros(room, np.int16))
    assert "a.wav: a recording must be shorter than 1.5 s, the longest that the model has places for" in refused(
        "predict", checkpoint, path)


@pytest.mark.parametrize("varied", [1.0, 1.25])
def test_there_are_places_for_the_longest_clip_varied(varied, monkeypatch):
    """At the slowest tempo, be the voice made high or low."""
    sound = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    part = clips.Clips([sound], [(1, 2)], ["a"])
    places = page._places(type("Run", (), {"data": None}), {"train": part, "val": part, "test": part})
    rng = np.random.default_rng(1)
    variation = replace(page.NEW_VOICES, speed=varied)
    longest = max(len(variation(sound, rng)) for _ in range(40))
    assert 1.15 * len(spectrogram(sound, page.HOP)) < longest <= 2 * places


def test_the_loss_is_the_sum_of_both_parts_by_their_shares(rng):
    x, mask, ids, said = batch_of(rng)
    model = transcriber_of(0)
    encoded = model.encode(x, mask)
    log_q = model.label_log_probs(encoded).data
    ctc = [float(F.ctc_loss(
        log_q[:frames, b:b + 1], row[1:1 + n], [frames], [n], reduction="sum")) / n
        for b, (row, n, frames) in enumerate(zip(ids, said.sum(1) - 2, encoded.mask.sum(1)))]
    loss, parts = page.transcription_loss(model, (x, mask, ids, said), 0.3)
    assert parts["ctc"] == pytest.approx(np.mean(ctc), rel=1e-5)
    assert loss.item() == pytest.approx(0.3 * parts["ctc"] + 0.7 * parts["attention"], rel=1e-5)
    assert page.transcription_loss(model, (x, mask, ids, said), 0.0).item() == pytest.approx(parts["attention"])


def test_padding_never_reaches_the_loss_or_its_gradient(rng):
    """Be it NaN: the same bits, and a gradient of exactly zero."""
    x, mask, ids, said = batch_of(rng)
    model = transcriber_of(0)
    found = []
    for value in (0.0, np.nan):
        sound = tm.tensor(np.where(mask[..., None], x, np.float32(value)), requires_grad=True)
        loss, _ = page.transcription_loss(model, (sound, mask, np.where(said, ids, PAD), said), 0.3)
        slope, = tm.grad(loss, [sound])
        assert not slope.data[~mask].any() and slope.data[mask].any(-1).all()
        found.append((loss.item(), slope.data))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_every_parameter_is_trained(rng):
    loss, _ = page.transcription_loss(model := transcriber_of(0), batch_of(rng), 0.3)
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_a_clip_too_short_for_its_characters_counts_as_no_loss_of_ctc(rng):
    tokens = CharTokenizer.fit([" ".join(WORDS)])
    loss, parts = page.transcription_loss(
        transcriber_of(0, len(tokens), 24), batch_of(rng, tokens, (12, 90, 80), ((3, 3, 3), (1, 2), (4,))), 0.3)
    assert np.isfinite(loss.item()) and parts["ctc"] > 0


class Numbers:
    """In place of a tokenizer: the numbers of the units themselves."""

    decode = staticmethod(tuple)


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_no_short_transcript_has_a_better_combined_score_than_the_one_found(rng, share):
    """By brute force over all of up to two units."""
    model, V = transcriber_of(3, 7), 7
    sound = rng.standard_normal(4000).astype(np.float32)
    encoded = model.encode(spectrogram(sound, page.HOP)[None])
    log_q = model.label_log_probs(encoded).data
    units = range(UNK + 1, V)

    def total(step, text):
        given, state, found = BOS, None, 0.0
        for unit in (*text, EOS)[:7]:                                    # with <bos> that fills the eight positions
            log_p, state = step(np.array([given]), np.array([0]), state)
            found += float(log_p[0, unit])
            given = unit
        return found

    def score(text):
        parts = ((1 - share, next_word_of(model, encoded)), (share, ctc_next_label(log_q, [len(log_q)], EOS, PAD)))
        return sum(weight * total(step, text) for weight, step in parts if weight)

    [best], = page.transcripts(model, Numbers, [sound], [share], beam=150)   # all that are begun
    assert set(best) <= set(units)
    others = [score(text) for text in [(), *((a,) for a in units), *((a, b) for a in units for b in units)]]
    assert score(best) >= max(others) - 1e-4 * abs(max(others))


def test_kinds_of_errors_are_counted():
    said = ["one two three", "four", "five six", "seven"]
    heard = ["one three", "four four", "five nine", "seven"]
    scores = page.scored(heard, said)
    found = scores.metrics
    assert found["word_error_rate"] == pytest.approx(3 / 7) and found["string_error_rate"] == 0.75
    assert [found[name] for name in ("substitutions", "deletions", "insertions")] == pytest.approx([1 / 7] * 3)
    assert scores.each["loops"].tolist() == [False, True, False, False]
    assert page.scored(["four five"], ["four"]).each["loops"].tolist() == [False]
    assert page.scored(["six six"], ["six six"]).each["loops"].tolist() == [False]


def test_the_decoders_looks_belong_to_the_units_that_they_wrote(rng):
    """The first unit is written by <bos>: as many rows as units, each a share of all places."""
    model, sound = transcriber_of(0), rng.standard_normal(4000).astype(np.float32)
    shares = page._looks(model, TOKENS, sound, "one two three")
    assert shares.shape == (3, -(-len(spectrogram(sound, page.HOP)) // 2))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(page._looks(model, TOKENS, sound, "one two"), shares[:2], rtol=1e-4, atol=1e-6)
