"""`tinymm run claims --data`: which folders are recognised, which claims learn from them, who is new in the test."""

import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.cli import main
from tinymm.data import draw_digit_pairs
from tinymm.data.speech import oracle_limit, read_emodb
from tinymm.recipes.shared.claiming import complementarity, digit_trial, emotion_trial, noise, noisy_digits, trials
from tinymm.recipes.shared.claiming.folders import KINDS, folder_kind
from tinymm.recipes.shared.claiming.new_speakers import each_left_out, groups_left_out
from tinymm.recipes.shared.claiming.noise_contenders import FUSIONS, model_of
from tinymm.recipes.shared.claiming.noisy_digits import MODALITIES, SWEEPS, SpokenPairs, snr_at

from .claiming import Begun

seeds = st.integers(0, 2**32 - 1)
KINDS_OF_CONTENDERS = (*trials.SINGLES, *trials.FUSIONS, "product")


class OnFolder(Begun):
    """With a folder of recordings, and one of pictures."""

    data = "a folder"
    options = {"images": "pictures"}


# Folders ----------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "digits": ("7_ann_0.wav", "recordings/7_ann_0.WAV"),
    "emotions": ("03a01Fa.wav", "wav/03a01Fa.wav"),
    "questions": ("questions.json", "train/questions.json", "data/train/questions.json"),
    "captions": ("captions.json",),
}


def made(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in LAYOUTS.items() for name in names])
def test_a_folder_is_known_by_what_is_in_it(kind, name, tmp_path):
    assert folder_kind(made(tmp_path, name, "LICENSE", "other/notes.txt", "._7_bob_0.wav")) == kind


def test_every_kind_has_a_layout_and_claims(tmp_path):
    assert set(LAYOUTS) == set(KINDS)
    assert all(kind.claims and kind.layout for kind in KINDS.values())


@pytest.mark.parametrize("names, got", [
    ((), "an empty folder"), (("b.txt", "a.txt"), "a.txt, b.txt"), (("hello.wav",), "hello.wav"),
    (("1", "2", "3", "4"), "1, 2, 3, …"), (("x\ny",), r"x\ny"), (("._7_ann_0.wav",), "an empty folder"),
])
def test_a_folder_of_no_kind_is_refused_by_all_layouts(names, got, tmp_path):
    with pytest.raises(ValueError) as told:
        folder_kind(made(tmp_path, *names))
    assert str(told.value).endswith(f"; got {got}") and "\n" not in str(told.value)
    assert all(kind.layout in str(told.value) for kind in KINDS.values())


@pytest.mark.parametrize("kind, words, rule", [
    ("digits", [], "--images: must name pictures of the digits that are said in --data; got none"),
    ("emotions", ["--images", "x"], "--images: goes with --data of spoken digits only"),
    ("captions", ["--images", "x"], "--images: goes with --data of spoken digits only"),
    ("digits", ["--images", "x", "--claims", "noise,gap,labels"], "only complementarity,noise learns from"),
    ("emotions", ["--claims", "noise"], "only complementarity learns from"),
    ("questions", ["--claims", "heterogeneity"], "only generalisation learns from"),
    ("captions", ["--claims", "complementarity"], "only gap,labels learns from"),
])
def test_options_that_do_not_go_with_a_folder_are_refused(kind, words, rule, tmp_path, refused):
    folder = made(tmp_path / "data", LAYOUTS[kind][0])
    message = refused("run", "claims", "--data", folder, "--out", tmp_path / "o", *words)
    assert rule in message and not (tmp_path / "o").exists()
    if "gap" in rule or "noise,gap" in " ".join(words):
        assert message.endswith("got gap,labels" if kind == "digits" else "got complementarity")


def test_real_folders_are_recognised(shared_data):
    for parts, kind in ((("fsdd",), "digits"), (("emodb",), "emotions"), (("easy_vqa",), "questions"),
                        (("emoji",), "captions")):
        assert folder_kind(shared_data(*parts)) == kind


# Speakers ---------------------------------------------------------------------------------------------------------


@given(seeds, st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=60).filter(lambda some: len(set(some)) > 2))
def test_each_speaker_is_left_out_once(seed, speakers):
    folds, speakers = each_left_out(speakers, np.random.default_rng(seed)), np.array(speakers)
    assert sorted(np.concatenate([fold.new for fold in folds])) == list(range(len(speakers)))
    assert sorted(np.concatenate([fold.val for fold in folds])) == list(range(len(speakers)))
    aside = np.concatenate([fold.known for fold in folds])
    assert len(set(aside)) == len(aside)                                 # a clip is put aside once at most
    for fold in folds:
        everyone = [set(speakers[rows]) for rows in (fold.train, fold.val, fold.new)]
        assert len(set.union(*everyone)) == sum(map(len, everyone))      # nobody is on two sides
        assert len(everyone[2]) == 1 and not set(fold.train) & set(fold.known)
        assert set(speakers[fold.known]).isdisjoint(speakers[fold.new])


@given(seeds, st.integers(2, 4), st.data())
def test_groups_of_speakers_are_left_out_in_turn(seed, count, data):
    names = st.lists(st.sampled_from("abcdef"), max_size=40)
    speakers = {part: np.array(data.draw(names), "U1") for part in ("train", "val", "test")}
    folds = groups_left_out(speakers, count, np.random.default_rng(seed))
    learned_from = set(speakers["train"])
    if len(learned_from) < count:
        (fold,) = folds
        assert [len(rows) for rows in fold] == [*map(len, speakers.values()), 0]
        return
    asked = [i for i, name in enumerate(speakers["test"]) if name in learned_from]
    assert sorted(np.concatenate([fold.new for fold in folds])) == asked
    times = np.bincount(np.concatenate([fold.known for fold in folds]).astype(int), minlength=len(speakers["test"]))
    assert all(times[asked] == count - 1)                                # and so the same clips are known and new
    for fold in folds:
        new = set(speakers["test"][fold.new])
        assert len(fold.train) and new.isdisjoint(speakers["train"][fold.train])
        assert new.isdisjoint(speakers["val"][fold.val]) and new.isdisjoint(speakers["test"][fold.known])


def test_two_speakers_are_too_few_to_leave_one_out():
    with pytest.raises(ValueError, match="needs three speakers"):
        each_left_out(["ann", "bob"], np.random.default_rng(0))


# Digits -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def digits(monkeypatch):
    """Digits of the embedded voice by three speakers, in place of recordings."""
    few = {"train": 60, "val": 20, "test": 30}
    parts = draw_digit_pairs(np.random.default_rng(0), few, few)
    for part in parts.values():
        part.speakers = [("ann", "bob", "cem")[i % 3] for i in range(len(part))]
    for file in (digit_trial, noisy_digits):
        monkeypatch.setattr(file, "read_digit_pairs", lambda *_: (parts, {}))
    return parts


def test_digits_are_paired_by_class_and_their_controls_are_not(digits):
    clean, noisy = digit_trial.digit_trials(OnFolder, 1.0)
    for kind in KINDS_OF_CONTENDERS:
        model = clean.model(kind, np.random.default_rng(0))
        assert 0.97 * clean.parameters <= model.num_parameters() <= clean.parameters, kind
    rows = clean.folds[0].train
    same, other, shuffled = (clean.training(change, np.random.default_rng(1), rows)
                             for change in (None, trials.REPLACED, trials.SHUFFLED))
    assert same.inputs[0].shape == (len(rows), 72, 40) and same.inputs[1].shape == (len(rows), 1, 32, 32)
    assert (same.labels == digits["train"].labels[rows]).all()
    assert (other.inputs[0] == same.inputs[0]).all() and (other.labels == same.labels).all()
    assert sorted(map(bytes, other.inputs[1])) == sorted(map(bytes, same.inputs[1]))
    assert (other.inputs[1] != same.inputs[1]).any(axis=(1, 2, 3)).mean() > 0.9
    assert all((a == b).all() for a, b in zip(shuffled.inputs, same.inputs)) and (shuffled.labels != same.labels).any()
    assert np.abs(noisy.parts["test"].inputs[0] - clean.parts["test"].inputs[0]).max() > 1
    told = complementarity.claim_about([clean, noisy])
    assert not told.ceilings and {test.where for test in told.tests} == {"digits", "digits, noisy"}


def test_the_score_of_a_clip_is_the_mean_of_the_trainings_that_are_asked(digits, monkeypatch):
    """Trainings that are right where the speaker is known and wrong where he is new."""
    clean, _ = digit_trial.digit_trials(OnFolder, 1.0)
    asked = []

    def learned(run, plan, model, data, seed, report):
        report(0.5)
        asked.append(len(data))
        return model

    def is_right(model, examples):
        fold = clean.folds[len(asked) - 1]
        who = {bytes(row): speaker for row, speaker in zip(clean.parts["test"].inputs[0], digits["test"].speakers)}
        taught = {digits["train"].speakers[row] for row in fold.train}
        return np.array([float(who.get(bytes(row)) in taught) for row in examples.inputs[0]])

    monkeypatch.setattr("tinymm.recipes.shared.claiming.new_speakers.learned", learned)
    monkeypatch.setattr("tinymm.recipes.shared.claiming.new_speakers.is_right", is_right)
    shares = []
    found = clean.fit("first", None, 1e-2, 0, shares.append)
    assert found["test"].shape == found["new speakers"].shape == (30,)
    assert (found["test"] == 1).all() and (found["new speakers"] == 0).all()
    assert asked == [len(fold.train) for fold in clean.folds] and shares == pytest.approx([1 / 6, 3 / 6, 5 / 6])


def test_digits_of_two_speakers_are_tested_without_new_ones(digits):
    for part in digits.values():
        part.speakers = ["ann", "bob"] * (len(part) // 2)
    clean, _ = digit_trial.digit_trials(OnFolder, 1.0)
    assert clean.speakers is None and len(clean.folds) == 1 and "new speakers" not in clean.parts
    assert not [one for one in complementarity.claim_about([clean]).beside if "speakers" in one.where]


def test_comparisons_on_new_speakers_find_their_scores(digits):
    trial = replaced_plan(digit_trial.digit_trials(OnFolder, 1.0)[0], steps=1)
    claim = complementarity.claim_about([trial])
    parts = set(trial.fit("first", None, 1e-2, 0, lambda share: None))
    assert all({one.part, one.than_part or one.part} <= parts for one in (*claim.tests, *claim.beside, *claim.controls))
    assert [one.where for one in claim.beside if "new speakers" in one.where] == [
        "digits, first alone, known over new speakers", "digits, fusion, known over new speakers",
        "digits, new speakers, over the first", "digits, new speakers, over the second"]


def replaced_plan(trial, steps):
    trial.plan = replace(trial.plan, steps=steps)
    return trial


# Noise in digits --------------------------------------------------------------------------------------------------


def some_pairs(rng, n=4):
    return SpokenPairs([rng.standard_normal(800).astype(np.float32) for _ in range(n)],
                       rng.random((n, 1, 28, 28), dtype=np.float32), np.arange(n))


@given(seeds, st.sampled_from(sorted(SWEEPS)), st.floats(0.05, 1))
def test_a_sweep_changes_what_it_says_and_nothing_at_0(seed, sweep, severity):
    pairs = some_pairs(np.random.default_rng(seed))
    for own, changes in ((0.0, False), (severity, True)):
        rng, worse = np.random.default_rng(seed), pairs
        for change in SWEEPS[sweep]:
            worse = change(worse, own, rng)
        same_sounds = all(np.array_equal(a, b) for a, b in zip(worse.sounds, pairs.sounds))
        assert same_sounds == (not changes or sweep in ("blur", "occlusion"))
        assert np.array_equal(worse.pictures, pairs.pictures) == (not changes or sweep.endswith("noise"))
        assert worse.sounds[0].dtype == np.float32 and worse.pictures.dtype == np.float32


@given(seeds, st.sampled_from(["white noise", "pink noise"]), st.lists(st.floats(0.1, 1), min_size=2, max_size=2))
def test_noise_is_the_same_at_each_severity_but_louder(seed, sweep, severities):
    pairs = some_pairs(np.random.default_rng(seed))
    added = []
    for severity in severities:
        (change,) = SWEEPS[sweep]
        noisy = change(pairs, severity, np.random.default_rng(seed))
        noise = noisy.sounds[1].astype(float) - pairs.sounds[1]
        snr = 10 * np.log10((pairs.sounds[1].astype(float) ** 2).mean() / (noise**2).mean())
        assert snr == pytest.approx(snr_at(severity), abs=0.01)
        added.append(noise / np.sqrt((noise**2).mean()))
    np.testing.assert_allclose(*added, atol=1e-2)


def test_severities_may_differ_from_pair_to_pair(rng):
    pairs = some_pairs(rng)
    (change,) = SWEEPS["white noise"]
    noisy = change(pairs, np.array([0.0, 1.0, 0.0, 0.5]), rng)
    assert [np.array_equal(a, b) for a, b in zip(noisy.sounds, pairs.sounds)] == [True, False, True, False]


def test_contenders_on_noisy_digits_are_equally_large_and_do_not_see_what_is_missing(digits):
    own, rng = noisy_digits.spoken_digits(OnFolder), np.random.default_rng(0)
    sounds, pictures, present = own.draw("test", rng).examples("sound").inputs
    assert sounds.shape == (30, 72, 40) and pictures.shape == (30, 1, 32, 32) and not present[:, 0].any()
    for kind in (*MODALITIES, *FUSIONS):
        model = model_of(own, kind, rng)
        assert 0.97 * own.parameters <= model.num_parameters() <= own.parameters, kind
        if kind in FUSIONS:
            model.eval()
            one, other = (model((x, pictures, present)).data for x in (sounds, np.full_like(sounds, np.nan)))
            np.testing.assert_array_equal(one, other)


def test_the_claim_on_noisy_digits_finds_its_scores(digits):
    own = noisy_digits.spoken_digits(OnFolder)
    claim = noise.claim_about(OnFolder, replace(own, plan=replace(own.plan, steps=1)))
    parts = {one.name: set(one.fit(1e-2, 0, lambda share: None)) for one in claim.contenders
             if one.name in ("clean/sound", "clean/picture", "noisy/gated")}
    assert {test.where.split(" (")[0] for test in claim.tests if not test.where.startswith("naive")} == {
        "example", "both seen", "both new", "white noise", "new in sound", "blur", "new in picture"}
    for one in (*claim.tests, *claim.beside):
        for name in {*one.ours, *one.than} & set(parts):
            assert {one.part, one.than_part or one.part} <= parts[name]
    assert not claim.ceilings


# Emotions ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emodb(tmp_path_factory):
    """Four speakers, two sentences, three emotions that are as high as they are loud."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("emodb")
    for name in ("03", "08", "09", "10"):
        for sentence in ("a01", "b03"):
            for pitch, emotion in enumerate("WTN", 1):
                sound = np.sin(2 * np.pi * 150 * pitch * np.arange(4000) / 8000) + 0.1 * rng.standard_normal(4000)
                wavfile.write(folder / f"{name}{sentence}{emotion}a.wav", 8000, (sound * 9000).astype(np.int16))
    return folder


class Recorded(OnFolder):
    options = {"images": None}


def test_emotions_are_read_by_voice_and_sentence(emodb, monkeypatch):
    monkeypatch.setattr(Recorded, "data", str(emodb))
    (trial,) = emotion_trial.emotion_trials(Recorded, 1.0)
    voices, ids = trial.examples.inputs
    assert voices.shape == (24, emotion_trial.STATISTICS) and len(np.unique(ids, axis=0)) == 2
    for kind in KINDS_OF_CONTENDERS:
        assert 0.97 * trial.parameters <= trial.model(kind, np.random.default_rng(0)).num_parameters() \
            <= trial.parameters, kind
    found = replaced_plan(trial, 20).fit("first", None, 1e-2, 0, lambda share: None)
    assert found["test"].shape == (24,) and found["known speakers"].shape == found["new speakers"].shape
    assert found["test"].mean() > 0.8                                    # the pitch tells all
    told = complementarity.claim_about([trial])
    assert [one.where for one in told.beside if "speakers" in one.where] == [
        "emotions, first alone, known over new speakers", "emotions, fusion, known over new speakers"]


@pytest.mark.parametrize("speakers, rule", [
    (("03", "08"), "complementarity needs three speakers, to learn from, to choose by and to test on; got 03, 08"),
    (("03", "08", "09"), "complementarity needs more recordings of each speaker"),
])
def test_too_few_acted_recordings_are_refused_by_name(speakers, rule, tmp_path, refused):
    for speaker in speakers:
        wavfile.write(tmp_path / f"{speaker}a01Wa.wav", 8000, np.ones(800, np.int16))
    assert rule in refused("run", "claims", "--data", tmp_path, "--out", tmp_path / "o")


def test_a_run_on_emotions_leaves_what_is_lost_on_new_speakers(emodb, tmp_path):
    out = tmp_path / "o"
    assert main(["run", "claims", "--data", str(emodb), "--quick", "--epochs", "1", "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert any(name.startswith("gain/complementarity/emotions, first alone, known over new speakers/")
               for name in metrics)
    assert "complementarity/synergistic/first/test" not in metrics       # the embedded worlds are left out
    assert "trainings that know the speaker" in (out / "report.html").read_text()


# Real folders -----------------------------------------------------------------------------------------------------


def test_real_sentences_say_nothing_of_the_emotion(shared_data):
    data = read_emodb(shared_data("emodb"))
    assert oracle_limit(data.transcripts, data.labels) == np.bincount(data.labels).max() / len(data)


def test_real_speakers_are_divided(shared_data, monkeypatch):
    class Real(OnFolder):
        data, options = str(shared_data("fsdd")), {"images": str(shared_data("mnist"))}

    clean, _ = digit_trial.digit_trials(Real, 1.0)
    assert len(clean.folds) == digit_trial.GROUPS and clean.speakers == ("test", "new speakers")
    assert sum(len(fold.new) for fold in clean.folds) == len(clean.parts["test"])


def write_idx(folder, n):
    """Pictures with a bright row for each digit."""
    folder.mkdir()
    labels = (np.arange(n) % 10).astype(np.uint8)
    pixels = np.zeros((n, 28, 28), np.uint8)
    pixels[np.arange(n), 2 + 2 * labels] = 255
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4I", 0x803, n, 28, 28) + pixels.tobytes())
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">2I", 0x801, n) + labels.tobytes())
    return folder


def test_a_run_on_digits_tests_both_claims_that_learn_from_them(tmp_path):
    sounds = tmp_path / "fsdd"
    sounds.mkdir()
    for digit in range(10):
        for take in range(8):
            wavfile.write(sounds / f"{digit}_{'abc'[take % 3]}_{5 + take}.wav", 8000,
                          (9000 * np.sin(0.1 * (1 + digit) * np.arange(1600))).astype(np.int16))
    out = tmp_path / "o"
    words = ["--data", str(sounds), "--images", str(write_idx(tmp_path / "mnist", 300)), "--seeds", "2"]
    assert main(["run", "claims", *words, "--quick", "--epochs", "1", "--out", str(out)]) == 0
    assert set(json.loads((out / "claims.json").read_text())) == {"complementarity", "noise"}
