"""`tinymm run vilbert` as a user meets it, what it is asked, and what starts from its checkpoint."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.cli import main
from tinymm.data import UNCHOSEN, QuestionsWorld, ShapesWorld, WordTokenizer, grid_boxes, judge, normalise
from tinymm.data.shapes.question_language import all_questions
from tinymm.pretraining.vilbert import MATCHED, MISMATCHED
from tinymm.recipes import vilbert, visual_question_answering
from tinymm.recipes.shared import load
from tinymm.recipes.shared.captioned import drawn_scenes
from tinymm.recipes.shared.pretraining_pairs.asking import (
    colours_hidden, match_probabilities, region_answers, word_answers,
)
from tinymm.recipes.shared.pretraining_pairs.eyes import drawn_crops
from tinymm.recipes.shared.pretraining_pairs.inside import follow
from tinymm.recipes.shared.pretraining_pairs.model import build_encoder, build_pairs, encoder_sizes
from tinymm.recipes.shared.pretraining_pairs.pairs import PairBatches, mismatched_caption, pairs_loss, shown
from tinymm.recipes.shared.pretraining_pairs.region_classifier import Regions, read_regions
from tinymm.recipes.shared.pretraining_pairs.testing import divergences

image_module = pytest.importorskip("PIL.Image", reason="pictures need pillow (extra media)")
SIZES = [[16, 2, 2, 32], [8, 1, 2, 16], [16, 1, 2]]
REPORT = "tinymm.recipes.shared.pretraining_pairs.report.add_inside"  # takes time to draw
CONFIG = {"streams": "two", "regions": "objects", "size": 32, "vocabulary": 40, "classes": 30, "questions": [6, 5],
          "features": 8, "sizes": SIZES, "positions": 40, "dropout": 0.0}


@cache
def one_world():
    """Listing all that may be asked takes a second."""
    return QuestionsWorld(kinds=("colour",))


@pytest.fixture(autouse=True)
def a_small_model(monkeypatch):
    """What is tested here does not need a good one."""
    for name in ("SHAPES", "FOLDER"):
        setting = getattr(vilbert, name)
        plans = {plan: replace(setting[plan], batch_size=16, steps=4) for plan in ("plan", "eye")}
        monkeypatch.setattr(vilbert, name, setting | plans | {"sizes": SIZES, "features": 8, "scenes": 48})
    monkeypatch.setattr(vilbert, "drawn_scenes", lambda rng, train: drawn_scenes(rng, train, held=16))
    monkeypatch.setattr("tinymm.recipes.shared.pretraining_pairs.eyes.DRAWN", 64)
    monkeypatch.setattr("tinymm.recipes.shared.pretraining_pairs.eyes.CHECKED", 20)
    monkeypatch.setattr(visual_question_answering, "QuestionsWorld", one_world)
    monkeypatch.setattr(visual_question_answering, "DRAWN", {"train": 24, "val": 10, "test": 16, "test/held_out": 10})
    monkeypatch.setattr(visual_question_answering, "FINE_TUNING",
                        replace(visual_question_answering.FINE_TUNING, batch_size=32, steps=4))


@pytest.fixture
def pictures(tmp_path):
    """A small folder in COCO-captions layout."""
    world, rng = ShapesWorld(size=16), np.random.default_rng(0)
    scenes = world.sample(30, rng)
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    for i, pixels in enumerate(world.render(scenes, rng)):
        image_module.fromarray((pixels.transpose(1, 2, 0) * 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
    captions = [{"image_id": i, "caption": c} for i, group in enumerate(world.captions(scenes, rng, 2)) for c in group]
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(len(scenes))]
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": captions}))
    return folder


def few_regions(rng, pictures=5, most=3, features=8, classes=30):
    """Regions of some pictures, at least one each."""
    mask = np.arange(most) < rng.integers(1, most + 1, pictures)[:, None]
    boxes = np.where(mask[..., None], grid_boxes(1, most), 0)
    q = rng.dirichlet(np.ones(classes), (pictures, most)) * mask[..., None]
    return Regions(rng.standard_normal((pictures, most, features)).astype(np.float32) * mask[..., None], boxes,
                   q.astype(np.float32), mask)


# The command --------------------------------------------------------------------------------------------------------


def test_a_run_answers_and_can_be_started_from(tmp_path, capsys, refused):
    out = tmp_path / "v"
    assert main(["run", "vilbert", "--epochs", "1", "--out", str(out)]) == 0
    assert {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json", "region-classifier",
            "report.html"} == {p.name for p in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/colours/accuracy", "test/held_out/colours/accuracy/low", "test/words/perplexity",
                 "baseline/another_picture/colours/accuracy", "baseline/no_picture/held_out/words/accuracy",
                 "ceiling/text_only/colours/accuracy", "ceiling/text_only/held_out/colours/accuracy",
                 "test/alignment/accuracy/high", "baseline/bag_of_words/alignment/accuracy", "test/regions/kl",
                 "baseline/prior/regions/kl", "baseline/always_matched/alignment/accuracy",
                 "test/foils/colours_exchanged/accuracy", "parameters/trained"):
        assert isinstance(metrics[name], (int, float)), name
    assert metrics["baseline/always_matched/alignment/accuracy"] == 0.5
    html = (out / "report.html").read_text()
    for title in ("Inside: one text beside", "head 2: 0", "attention rollout", "Vectors of words", "Filled in"):
        assert title in html, title

    image = tmp_path / "one.png"
    image_module.fromarray((np.random.default_rng(0).random((32, 32, 3)) * 60).astype(np.uint8)).save(image)
    capsys.readouterr()
    assert main(["predict", str(out / "checkpoint.npz"), "--image", str(image), "--text", "a red circle"]) == 0
    assert "belong together" in capsys.readouterr().out

    start = ["run", "visual-question-answering", "--init", str(out / "checkpoint.npz"), "--epochs", "1"]
    assert main([*start, "--labels", "0.5", "--out", str(tmp_path / "q")]) == 0
    metrics = json.loads((tmp_path / "q" / "metrics.json").read_text())
    assert metrics["questions/train"] == 96 and 0 <= metrics["baseline/from_scratch/held_out/accuracy"] <= 1
    assert main(["predict", str(tmp_path / "q" / "checkpoint.npz"), "--image", str(image), "--text",
                 "what colour is the circle?"]) == 0

    other = ("run", "visual-question-answering", "--out", tmp_path / "o", "--init")
    assert "must be a checkpoint of `tinymm run vilbert`; it is of visual-question-answering" in refused(
        *other, tmp_path / "q" / "checkpoint.npz")
    assert "--init: takes the fusion that was pre-trained; got --fusion film" in refused(
        *other, out / "checkpoint.npz", "--fusion", "film")
    assert "--labels: must lie in (0, 1]; got 0" in refused(*other, out / "checkpoint.npz", "--labels", 0)
    assert not (tmp_path / "o").exists()


def test_a_checkpoint_that_does_not_fit_is_refused_by_name(tmp_path, refused, monkeypatch):
    """Of other words, of fewer positions, of pictures of another size."""
    out = tmp_path / "v"
    monkeypatch.setattr(vilbert, "all_questions", list)
    assert main(["run", "vilbert", "--epochs", "1", "--streams", "one", "--out", str(out)]) == 0
    command = ("run", "visual-question-answering", "--out", tmp_path / "o", "--init", out / "checkpoint.npz")
    assert "--init: must know the words of the questions; got" in refused(*command)
    monkeypatch.setattr(visual_question_answering, "_drawn", drawn_at_64)
    assert "--init: must be of pictures of the same size, 64; got" in refused(*command)


def drawn_at_64(run):
    world = QuestionsWorld(size=64, kinds=("colour",))
    parts, kinds = visual_question_answering.drawn_questions(world, visual_question_answering.DRAWN, run, 2)
    return parts, {}, kinds


def test_an_interrupted_run_resumes_to_the_same_bits(check_resume, monkeypatch):
    monkeypatch.setattr(REPORT, lambda *_: None)
    check_resume(6, "run", "vilbert", "--epochs", 2, "--seed", 3)


def test_a_fine_tuning_resumes_to_the_same_bits(tmp_path, check_resume, monkeypatch):
    monkeypatch.setattr(REPORT, lambda *_: None)
    assert main(["run", "vilbert", "--epochs", "1", "--out", str(tmp_path / "v")]) == 0
    check_resume(3, "run", "visual-question-answering", "--init", tmp_path / "v" / "checkpoint.npz", "--epochs", 2,
                 "--labels", 0.2)


def test_a_folder_of_captioned_pictures(pictures, tmp_path, refused):
    out = tmp_path / "f"
    assert main(["run", "vilbert", "--data", str(pictures), "--epochs", "1", "--out", str(out)]) == 0
    loaded = load(out / "checkpoint.npz")
    assert loaded.config["regions"] == "grid" and 1 < len(loaded.classes) == loaded.config["classes"] <= 32
    assert "a" not in loaded.classes                                     # it is in every caption
    assert "--image-size: needs --data" in refused("run", "vilbert", "--image-size", 32)
    for entry in (content := json.loads((pictures / "captions.json").read_text()))["annotations"]:
        entry["caption"] = "the same"
    (pictures / "captions.json").write_text(json.dumps(content))
    assert "--data: must have captions of different words" in refused("run", "vilbert", "--data", pictures)


def test_nothing_of_the_test_or_of_the_questions_is_learned_before():
    """No scene is in two parts, none of fine-tuning in pre-training; held-out pairs are met in the test alone."""
    held_out = set(ShapesWorld().held_out)
    parts, _ = drawn_scenes(np.random.default_rng([0, 1]), train=200, held=60)
    asked = [a.scene for a in one_world().sample(200, np.random.default_rng([0, 1, 0]))]
    scenes = {name: set(map(repr, part.scenes)) for name, part in parts.items()} | {"asked": set(map(repr, asked))}
    for name, own in scenes.items():
        assert not any(own & other for others, other in scenes.items() if others != name), name
    for part in (parts["train"].scenes, parts["val"].scenes, parts["test"].scenes, asked):
        assert not any(scene.compositions & held_out for scene in part)
    assert all(len(scene.compositions & held_out) == 1 for scene in parts["test/held_out"].scenes)
    captions = {normalise(caption) for own in parts["train"].captions for caption in own}
    questions = {normalise(question) for question in all_questions()}
    assert not captions & questions
    crops = drawn_crops(np.random.default_rng(0))
    colour, shape = crops.batch(np.arange(64), np.random.default_rng(1))[1]
    assert (colour[:32] == 0).all() and (colour[32:].sum(1) == 1).all() and (shape.sum(1) == 1).all()
    classes = {(crops.names[5 * c + s]) for c, s in zip(colour[32:].argmax(1), shape[32:].argmax(1))}
    assert not classes & {f"{c} {s}" for c, s in held_out}


# What is asked ------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_a_mismatched_caption_is_never_right(seed):
    """Few shapes, so that captions of others are often true."""
    rng = np.random.default_rng(seed)
    world = ShapesWorld(held_out=(), objects=(2,))
    scenes = world.sample(6, rng)
    scenes += scenes[:2]                                                 # the same scene, described otherwise
    captions = world.captions(scenes, rng, 3)
    for known in (scenes, None):
        for i in range(len(scenes)):
            found = mismatched_caption(i, captions, known, rng)
            j, k = found
            assert j != i and normalise(captions[j][k]) not in map(normalise, captions[i])
            assert known is None or not judge(captions[j][k], scenes[i]).true


def test_where_all_captions_are_right_pairs_stay_matched():
    rng = np.random.default_rng(0)
    captions = [["A cat."], ["a cat."]]
    assert mismatched_caption(0, captions, None, rng) is None
    tokens = WordTokenizer.fit(["a cat ."])
    batch = PairBatches(few_regions(rng, 2), captions, None, tokens, 0.5)(np.array([0, 1]), rng)
    assert (batch.mismatched == MATCHED).all()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_what_a_batch_hides_and_asks(seed):
    rng = np.random.default_rng(seed)
    words = [f"w{k}" for k in range(30)]
    captions = [[" ".join(rng.choice(words, 8))] for _ in range(40)]
    regions = few_regions(rng, 40)
    tokens = WordTokenizer.fit(words)
    batches = PairBatches(regions, captions, None, tokens, 0.15)
    batch = batches(np.arange(40), rng)
    asked, hidden = batch.labels != UNCHOSEN, batch.shown.ids == len(tokens)
    wrong = batch.mismatched == MISMATCHED
    assert 0 < wrong.sum() < 40
    assert not asked[wrong].any() and not batch.chosen[wrong].any()      # masked losses of matched pairs alone
    emptied = (batch.shown.features[:, 1:] == 0).all(2) & regions.mask
    assert not (hidden.any(1) & emptied.any(1)).any()                    # words or regions, never both
    assert hidden[wrong].any() or emptied[wrong].any()                   # a hole does not tell that they match
    assert not batch.chosen[:, 0].any()                                  # the whole picture is never asked
    assert not batch.chosen[:, 1:][~regions.mask].any()
    still = regions.mask & ~emptied
    for i in range(40):                                                  # nor does it tell of what is hidden
        expected = regions.features[i, still[i]].mean(0) if still[i].any() else 0
        np.testing.assert_allclose(batch.shown.features[i, 0], expected, atol=1e-5)
    ids = batch.shown.ids
    assert (ids[:, 0] == 1).all() and not hidden[:, 0].any() and not asked[:, 0].any()


def test_a_hidden_region_cannot_be_seen_through_the_whole_picture():
    """Whatever stood there, the model is given the same."""
    rng = np.random.default_rng(0)
    regions = few_regions(rng, 3)
    model = build_pairs(CONFIG, rng).pairs.eval()
    texts = [[1, 5, 6, 2]] * 3
    p, q = region_answers(model, regions, texts)
    regions.features[:, 0] = rng.standard_normal(regions.features[:, 0].shape)
    again, _ = region_answers(model, regions, texts)
    first = np.nonzero(regions.mask)[1] == 0
    np.testing.assert_array_equal(p[first], again[first])
    assert (p[~first] != again[~first]).any()
    np.testing.assert_allclose(q, regions.classes[regions.mask])


def test_logits_of_what_is_not_asked_have_no_gradient():
    rng = np.random.default_rng(1)
    model = build_pairs(CONFIG, rng)
    tokens = WordTokenizer([f"w{k}" for k in range(36)])
    captions = [[" ".join(rng.choice(tokens.words[4:], 6))] for _ in range(12)]
    batch = PairBatches(few_regions(rng, 12), captions, None, tokens, 0.3)(np.arange(12), rng)
    found = model.pairs.encoder(*batch.shown)
    text, image = (tm.tensor(own.sequence.data, requires_grad=True) for own in (found.text, found.image))
    leaves = found._replace(text=found.text._replace(sequence=text), image=found.image._replace(sequence=image))
    model.pairs.loss(leaves, batch.labels, batch.classes, batch.chosen).backward()
    assert (text.grad[batch.labels == UNCHOSEN] == 0).all() and (text.grad[batch.labels != UNCHOSEN] != 0).any()
    assert (image.grad[~batch.chosen] == 0).all() and (image.grad[batch.chosen] != 0).any()


def test_the_frozen_classifier_learns_nothing_and_the_rest_does():
    rng = np.random.default_rng(2)
    model = build_pairs(CONFIG, rng)
    tokens = WordTokenizer([f"w{k}" for k in range(36)])
    captions = [[" ".join(rng.choice(tokens.words[4:], 6))] for _ in range(40)]
    batches = PairBatches(few_regions(rng, 40), captions, None, tokens, 0.3)
    pairs_loss(model, batches(np.arange(40), rng), rng).backward()
    assert all(p.grad is None for p in model.eye.parameters())
    assert all(p.grad is not None for p in model.pairs.parameters())


def test_one_colour_is_hidden_at_a_time():
    texts = ["an orange cross is left of a red square", "nothing", "a red cross"]
    tokens = WordTokenizer.fit(texts)
    asked = colours_hidden([tokens.encode(text) for text in texts], tokens)
    assert asked.pictures.tolist() == [0, 0, 2]
    assert [tokens.words[k] for k in asked.answers] == ["orange", "red", "red"]
    for ids, labels in zip(asked.ids, asked.labels):
        np.testing.assert_array_equal(ids == len(tokens), labels != UNCHOSEN)


def test_answers_do_not_depend_on_who_else_is_asked():
    """Texts of other lengths, pictures with other numbers of regions: padding changes nothing."""
    rng = np.random.default_rng(3)
    regions, model = few_regions(rng, 6), build_pairs(CONFIG, rng).pairs.eval()
    texts = [[1, *rng.integers(4, 40, n).tolist(), 2] for n in (2, 7, 4, 3, 9, 5)]
    together = match_probabilities(model, regions, texts)
    alone = [match_probabilities(model, regions, [text], np.array([i]))[0] for i, text in enumerate(texts)]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    tokens = WordTokenizer(["red", *(f"w{k}" for k in range(35))])
    asked = colours_hidden([[1, 4, 9, 2], [1, 8, 7, 4, 2]], tokens)
    guesses, log_p = word_answers(model, regions, asked)
    assert len(guesses) == len(log_p) == 2 and (log_p <= 0).all()
    _, other = word_answers(model, regions, asked, pictures=np.array([2, 3]))
    _, none = word_answers(model, regions, asked, absent=True)
    assert (log_p != other).all() and np.isfinite(none).all()


# The model ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [SIZES, [[96, 4, 4, 384], [64, 2, 4, 128], [96, 2, 4]]])
def test_one_stream_has_as_many_parameters(sizes):
    config = CONFIG | {"streams": "one"}
    one = build_encoder(config | {"sizes": encoder_sizes(config, sizes)}, np.random.default_rng(0))
    two = build_encoder(CONFIG | {"sizes": sizes}, np.random.default_rng(0))
    assert 0.85 < one.num_parameters() / two.num_parameters() <= 1


@pytest.mark.parametrize("streams", ["two", "one"])
def test_what_is_followed_is_what_the_model_did(streams):
    """Rows are shares; the gradient × attention of a later layer's own output is found by a perturbation of it."""
    rng = np.random.default_rng(4)
    config = CONFIG | {"streams": streams}
    encoder = build_encoder(config | {"sizes": encoder_sizes(config, SIZES)}, rng).eval()
    given = shown(few_regions(rng, 1), [[1, 5, 6, 7, 2]])
    found = follow(encoder, given, lambda streams: streams.text.pooled.sum())
    T, N = found.lengths
    assert (T, N) == (5, given.features.shape[1])
    np.testing.assert_allclose(found.rollout.sum(-1), 1, rtol=1e-5)
    assert (found.relevance >= 0).all() and (np.einsum("bii->bi", found.relevance) >= 1 - 1e-6).all()
    for over_regions, over_words in found.across:
        assert over_regions.shape[2:] == (T, N) and over_words.shape[2:] == (N, T)
    if streams == "two":
        assert found.kinds == ["first", "between", "second", "first"]
        hidden = ~given.masks[1][0]
        assert (found.across[0][0][..., hidden] == 0).all()              # no one looks at padding
        np.testing.assert_allclose(found.across[0][0].sum(-1), 1, rtol=1e-5)
    nothing = follow(encoder, given, lambda streams: streams.text.pooled.sum() * 0)
    np.testing.assert_allclose(nothing.relevance[0], np.eye(T + N))


def test_divergence_is_zero_of_the_same_and_as_scipy_says():
    from scipy.stats import entropy

    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(6), 4), rng.dirichlet(np.ones(6), 4)
    np.testing.assert_allclose(divergences(p, q), entropy(q, p, axis=1))
    np.testing.assert_allclose(divergences(q, q), 0, atol=1e-12)


def test_regions_of_pictures_without_any(monkeypatch):
    eye = build_pairs(CONFIG, np.random.default_rng(0)).eye
    plain = np.full((3, 3, 32, 32), 0.2, np.float32)
    plain[1, :, 5:15, 5:15] = 0.9
    regions = read_regions(eye, lambda rows: plain[rows], 3, vilbert.BOXES["objects"])
    assert regions.mask.tolist() == [[False], [True], [False]] and (regions.features[[0, 2]] == 0).all()
    model = build_pairs(CONFIG, np.random.default_rng(0)).pairs
    assert np.isfinite(match_probabilities(model, regions, [[1, 5, 2]] * 3)).all()
