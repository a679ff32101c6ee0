"""Recipes that answer from several modalities, as a user meets them: files, controls, resume, fusions, bad input."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.cli import main
from tinymm.data import MovingWorld, QuestionsWorld, WordTokenizer
from tinymm.data.questions import Questions
from tinymm.encoders import BagOfWords
from tinymm.fusion import AttentionFusion, FusedClassifier
from tinymm.recipes import audio_visual_digits, speech_emotion, video_question_answering, visual_question_answering
from tinymm.recipes.shared.answering import (
    Examples,
    Single,
    _batches,
    _loss,
    _single_loss,
    _times,
    probabilities,
    product,
)
from tinymm.recipes.shared.asked import asked_examples, drawn_questions
from tinymm.recipes.shared.fusions import CAUSAL, FUSIONS, width_for
from tinymm.training import load_checkpoint

FILES = {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json", "report.html"}
SINGLE = {"audio-visual-digits": ("audio", "image"), "speech-emotion": ("text", "audio"),
          "visual-question-answering": ("question", "image"), "video-question-answering": ("question", "video")}
CEILINGS = {"audio-visual-digits": (), "speech-emotion": ("text_only",),
            "visual-question-answering": ("question_only", "image_only"),
            "video-question-answering": ("blind", "random_frame", "single_frame", "shuffled_frames")}
every_recipe = pytest.mark.parametrize("name", SINGLE)
# What `--fusion NAME` has to show of itself; the others have nothing.
TO_IMAGE, TO_QUESTION = "The question looking at the image", "The image looking at the question"
SHOWN = {"attention": {TO_IMAGE}, **dict.fromkeys(("gating", "gated-unit", "weighted"), {"Gates"}), "film": {"Scales"},
         **dict.fromkeys(("co-attention", "alternating", "early", "intermediate"), {TO_IMAGE, TO_QUESTION}),
         **dict.fromkeys(("bottleneck", "glimpses"), {"Learned queries looking at the image",
                                                      "Learned queries looking at the question"})}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What is tested here needs neither a good model nor much data."""
    few = {"train": 24, "val": 12, "test": 12}
    for page, name, small in (
            (visual_question_answering, "DRAWN", few | {"test/held_out": 8}),
            (video_question_answering, "DRAWN", few | {"test/held_out": 8}),
            (audio_visual_digits, "CLIPS", few), (audio_visual_digits, "PICTURES", few),
            (speech_emotion, "CLIPS", few), (speech_emotion, "SPEAKERS", dict.fromkeys(few, 2)),
            (video_question_answering, "PLAN", replace(video_question_answering.PLAN, steps=2)),
            (video_question_answering, "SETTING",
             {"widths": [[4], [4], [4]], "width": 8, "embedding": 4, "glance": 2}),
            (audio_visual_digits, "PLAN", replace(audio_visual_digits.PLAN, steps=2))):
        monkeypatch.setattr(page, name, small)
    for page, name in ((visual_question_answering, "SCENES"), (speech_emotion, "VOICE")):
        setting = getattr(page, name)
        tiny = {"widths": [[2], [4]], "width": 8, "embedding": 4, "parameters": 2000, "steps": 2}
        monkeypatch.setattr(page, name, setting | {"plan": replace(setting["plan"], steps=2)}
                            | {key: value for key, value in tiny.items() if key in setting})


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@every_recipe
def test_a_run_leaves_its_files_and_prints_the_controls(name, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", name, "--out", str(out), "--epochs", "1"]) == 0
    assert FILES <= {path.name for path in out.iterdir()}
    metrics = metrics_of(out)
    for control in (*(f"{single}_only" for single in SINGLE[name]), "product", "majority"):
        assert 0 <= metrics[f"baseline/{control}/accuracy"] <= 1
    for single in SINGLE[name]:
        assert 0 <= metrics[f"ablation/{single}/accuracy"] <= 1
    assert {f"ceiling/{what}/accuracy" for what in CEILINGS[name]} == {key for key in metrics if "ceiling" in key}
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert all(row[f"train/gradient/{single}"] >= 0 for row in rows for single in SINGLE[name])
    said = capsys.readouterr().out
    assert "product" in said and f"{SINGLE[name][0]} only" in said
    page = (out / "report.html").read_text()
    assert "What each modality is used for" in page and "Does one modality starve another?" in page
    assert "norm of the encoder&#x27;s gradient" in page and page.count("<figcaption>train/") == 0
    for single in SINGLE[name]:
        assert 0 <= metrics[f"probe/{single}/accuracy"] <= 1 and 0 <= metrics[f"probe/{single}_only/accuracy"] <= 1


@pytest.mark.parametrize("name", ["audio-visual-digits", "speech-emotion", "video-question-answering"])
def test_sounds_and_clips_can_be_looked_at_as_pictures_can(name, tmp_path):
    assert main(["run", name, "--out", str(tmp_path / "out"), "--epochs", "1", "--fusion", "intermediate"]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    first, second = SINGLE[name]
    assert f"The {first} looking at the {second}" in page and f"The {second} looking at the {first}" in page


def test_frames_in_no_order_and_one_frame_are_controls_of_clips(tmp_path):
    assert main(["run", "video-question-answering", "--out", str(tmp_path / "out"), "--epochs", "1"]) == 0
    metrics = metrics_of(tmp_path / "out")
    assert {"baseline/single_frame/accuracy", "baseline/shuffled_frames/accuracy"} <= metrics.keys()


@every_recipe
def test_broken_off_and_resumed_it_ends_with_the_same_bits(name, check_resume):
    check_resume(1, "run", name, "--seed", 3, "--epochs", 2)


def test_broken_off_in_a_control_it_goes_on_from_there(check_resume):
    """The fused model takes two steps, the second control is in its first."""
    check_resume(3, "run", "visual-question-answering", "--epochs", 2)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_answers_and_the_gradient_can_be_modulated(fusion, tmp_path):
    out = tmp_path / "out"
    assert main(["run", "visual-question-answering", "--out", str(out), "--epochs", "1", "--fusion", fusion,
                 "--modulate"]) == 0
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert all(0 < row["train/modulation/image"] <= 1 and 0 <= row["train/confidence/image"] <= 1 for row in rows)
    page = (out / "report.html").read_text()
    told = {"Gates", "Scales"} & set(re.findall("<h2>(.*?)</h2>", page))
    told |= set(re.findall(r"(?:The \w+|Learned queries) looking at the \w+", page))
    assert told == SHOWN.get(fusion, set())
    assert "confidence, this modality alone" in page and "factor of the encoder" in page


def test_all_fusions_stand_in_one_table_and_go_on_after_a_stop(tmp_path, monkeypatch, interrupted, capsys):
    monkeypatch.setattr("tinymm.recipes.shared.fusions.FUSIONS", {name: FUSIONS[name] for name in ("mlb", "product")})
    out = tmp_path / "out"
    words = ("run", "visual-question-answering", "--fusion", "all", "--epochs", "1", "--out", out)
    interrupted(1, *words)
    assert main([*map(str, words), "--resume"]) == 0
    metrics = metrics_of(out)
    assert {"test/mlb/accuracy", "test/product/accuracy", "baseline/question_only/accuracy"} <= metrics.keys()
    assert "mlb" in capsys.readouterr().out and (out / "mlb" / "report.html").exists()


@every_recipe
def test_wrong_options_are_refused_by_name(name, refused, tmp_path):
    assert "--fusion: is all, or one or more of concatenation, " in refused("run", name, "--fusion", "sum")
    assert not list(tmp_path.iterdir())


def test_options_that_need_a_folder_are_refused_without_one(refused, tmp_path):
    assert "--images: and --data must be given together" in refused("run", "audio-visual-digits", "--images", tmp_path)
    assert "--images: and --data must be given together" in refused("run", "audio-visual-digits", "--data", tmp_path)
    assert "--leave-out: needs --data" in refused("run", "speech-emotion", "--leave-out", "03")
    assert "--split: needs --data" in refused("run", "speech-emotion", "--split", "random")
    assert "--frames: needs --data" in refused("run", "video-question-answering", "--frames", 4)
    assert "--image-size: needs --data" in refused("run", "visual-question-answering", "--image-size", 32)


@pytest.mark.parametrize("choices", [FUSIONS, CAUSAL], ids=["answers", "captions"])
def test_fusions_are_as_large_as_the_budget_allows(choices):
    widths = {"text": 24, "image": 16}
    for name, choice in choices.items():
        if name in ("mean", "product", "weighted", "stacking"):              # decisions have no width to choose
            continue
        width = width_for(choice, widths, 30_000, 10)
        made = [choice.make(widths, w, np.random.default_rng(0)) for w in (width, width + choice.multiple)]
        if not made[0].num_parameters():                                     # a sketch is as wide as one likes
            continue
        sizes = [f.num_parameters() + 10 * (1 + int(np.sum(f.width))) for f in made]
        assert sizes[0] <= 30_000 < sizes[1], name


@pytest.mark.parametrize("layout", ["VQA", "easy-VQA"])
def test_questions_of_a_folder(layout, tmp_path, monkeypatch, refused):
    """Scores of VQA are the consensus of ten people: an answer that eight of them give is right."""
    pil = pytest.importorskip("PIL.Image", reason="pictures need pillow (extra media)")
    monkeypatch.setattr(visual_question_answering, "FOLDER", visual_question_answering.FOLDER | {
        "widths": [[2], [2], [2], [4]], "width": 8, "embedding": 4, "parameters": 2000})
    (tmp_path / "images").mkdir()
    told = ["red" if i % 2 else "blue" for i in range(40)]
    for i, colour in enumerate(told):
        pil.new("RGB", (20, 24), colour).save(tmp_path / "images" / f"{i}.png")
    if layout == "VQA":
        questions = [{"question_id": i, "image_id": i, "question": "what colour is it?"} for i in range(40)]
        annotations = [{"question_id": i, "image_id": i, "answers": [{"answer": colour}] * 8 + [{"answer": "pink"}] * 2}
                       for i, colour in enumerate(told)]
        (tmp_path / "x_questions.json").write_text(json.dumps({"questions": questions}))
        (tmp_path / "x_annotations.json").write_text(json.dumps({"annotations": annotations}))
    else:
        rows = [["what colour?", colour, i] for i, colour in enumerate(told)]
        (tmp_path / "questions.json").write_text(json.dumps(rows))
    words = ("run", "visual-question-answering", "--data", tmp_path, "--epochs", 1, "--out", tmp_path / "out")
    for size in (0, 8, 40):
        assert "--image-size: must be a positive multiple of 16" in refused(*words, "--image-size", size)
    assert main([*map(str, words), "--image-size", "32"]) == 0
    metrics = metrics_of(tmp_path / "out")
    assert ("test/consensus" in metrics) == (layout == "VQA")
    if layout == "VQA":
        assert metrics["test/consensus"] == pytest.approx(metrics["test/accuracy"])
        assert "baseline/question_only/consensus" in metrics


def test_the_product_is_bayes_rule():
    rng = np.random.default_rng(0)
    prior = rng.random(3) + 0.1
    likelihoods = rng.random((2, 5, 3)) + 0.01
    posteriors = [p * prior / (p * prior).sum(1, keepdims=True) for p in likelihoods]
    both = likelihoods.prod(0) * prior
    np.testing.assert_allclose(product(posteriors, prior), both / both.sum(1, keepdims=True))


def test_what_is_absent_is_told_to_the_model():
    class Model:
        def eval(self):
            return self

        def __call__(self, inputs, masks, present):
            return tm.tensor(np.where(present, inputs[0][:, None], -50.0)), None

    examples = Examples(lambda rows, _: ((np.ones(len(rows)),), (None,)), np.zeros(2, int),
                        np.array([[True, False], [False, True]]))
    np.testing.assert_allclose(probabilities(Model(), examples), np.eye(2), atol=1e-6)


def test_the_checkpoint_holds_the_fused_model_alone(tmp_path):
    assert main(["run", "visual-question-answering", "--out", str(tmp_path / "out"), "--epochs", "1"]) == 0
    arrays, _ = load_checkpoint(tmp_path / "out" / "checkpoint.npz")
    assert any(key.startswith("model/fusion.") for key in arrays)
    assert (tmp_path / "out" / "question-only" / "checkpoint.npz").exists()


# Several examples about the same thing -----------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.lists(st.integers(0, 4), min_size=1, max_size=10), st.integers(2, 4))
def test_batches_have_so_many_examples_of_each_shared_thing(seed, shared, together):
    """All different where the thing has enough; and every one of them comes up."""
    rng, shared = np.random.default_rng(seed), np.array(shared)
    labels = rng.integers(0, 9, len(shared))
    data = _batches(Examples(lambda rows, _: ((rows,), (None,)), labels, shared=shared), together)
    things = np.unique(shared)
    assert data.num_examples == len(things)
    come = set()
    for _ in range(60):
        numbers = rng.permutation(len(things))
        (rows,), _, told = data.batch(numbers, rng)
        assert rows.shape == (len(things), together)
        np.testing.assert_array_equal(shared[rows], np.repeat(things[numbers][:, None], together, 1))
        np.testing.assert_array_equal(told, labels[rows].ravel())
        for some, thing in zip(rows, things[numbers]):
            assert len(set(some)) == together or (shared == thing).sum() < together
        come |= set(rows.ravel().tolist())
    assert come == set(range(len(shared)))     # of n ≤ 10 one is missed with probability (1 − 2/10)⁶⁰ < 2·10⁻⁶


def test_one_at_a_time_examples_are_batched_as_they_are():
    labels = np.array([3, 1, 2])
    data = _batches(Examples(lambda rows, rng: ((rows, rng), (None, None)), labels))
    (rows, rng), masks, told = data.batch(np.array([2, 0]), "a generator")
    assert data.num_examples == 3 and rows.tolist() == [2, 0] and rng == "a generator" and told.tolist() == [2, 3]


def test_times_are_what_is_missing_to_the_number_of_labels():
    assert _times((np.zeros((6, 3)), np.zeros((2, 5))), np.zeros(6)) == (1, 3)


def test_losses_with_shared_things_are_those_with_each_thing_repeated(rng):
    encoders = {name: BagOfWords(10, 4, rng=rng) for name in ("text", "image")}
    model = FusedClassifier(encoders, AttentionFusion({"text": 4, "image": 4}, 4, rng=rng), 3, rng=rng).to(np.float64)
    single = Single(encoders["image"], 3, rng=rng).to(np.float64)
    ids, seen, labels = rng.integers(0, 10, (6, 2)), rng.integers(0, 10, (2, 3)), rng.integers(0, 3, 6)
    shared = (ids, seen), (None, None), labels
    repeated = (ids, np.repeat(seen, 3, 0)), (None, None), labels
    for loss, about in ((_loss(), model), (_loss(alone=0.5), model), (_single_loss(1), single),
                        (_single_loss(0), Single(encoders["text"], 3, rng=rng).to(np.float64))):
        found = []
        for batch in (shared, repeated):
            value = loss(about, batch, rng)
            g = tm.grad(value, list(about.parameters()), allow_unused=True)
            found.append([value.data, *(x.data for x in g if x is not None)])
        for one, other in zip(*found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3))
def test_pictures_of_several_questions_are_given_once(seed, things, each):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (9, 1, 2, 2)) / np.float32(255)
    images = rng.choice(9, things, replace=False).repeat(each)           # some of the 9 are not asked about
    texts = [" ".join(rng.choice(["what", "is", "it"], rng.integers(1, 4))) for _ in images]
    asked = Questions(texts, ["yes"] * len(texts), images, (1, 2, 2), lambda numbers: pixels[numbers])
    examples = asked_examples(asked, WordTokenizer.fit(texts), ["yes"])
    rows = np.arange(len(texts)).reshape(things, each)
    np.testing.assert_array_equal(examples.shared[rows], examples.shared[rows[:, :1]].repeat(each, 1))
    assert len(np.unique(examples.shared)) == things
    (text, seen), (mask, hidden) = examples.inputs(rows, None)
    (all_text, all_seen), (all_mask, _) = examples.inputs(rows.ravel(), None)
    assert len(seen) == things and hidden is None
    np.testing.assert_array_equal(text, all_text)
    np.testing.assert_array_equal(mask, all_mask)
    np.testing.assert_array_equal(seen.repeat(each, 0), all_seen)
    np.testing.assert_allclose(seen, pixels[images[rows[:, 0]]], atol=1e-7)


@pytest.mark.parametrize("world", [QuestionsWorld(), MovingWorld()], ids=["pictures", "clips"])
def test_only_training_asks_several_questions_about_a_thing(world):
    class Run:
        def rng(self, *numbers):
            return np.random.default_rng(numbers)

    parts, kinds = drawn_questions(world, {"train": 3, "val": 2, "test": 4, "test/held_out": 2}, Run(), each=2)
    assert parts["train"].images.tolist() == [0, 0, 1, 1, 2, 2] and parts["val"].images.tolist() == [0, 1]
    assert [len(parts[name]) for name in ("test", "test/held_out")] == [4, 2] and len(kinds) == 4
    assert parts["train"].load(np.arange(3)).shape == (3, *parts["train"].size)
