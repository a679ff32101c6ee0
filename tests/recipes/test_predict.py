"""`tinymm predict` and `load`: every recipe's checkpoint answers about inputs of one's own, good and bad."""

import json

import numpy as np
import pytest
from scipy.io import wavfile

import tinymm as tm
from tinymm import recipes
from tinymm.cli import main
from tinymm.data import CharTokenizer, WordTokenizer
from tinymm.recipes import captioning, retrieval
from tinymm.recipes.shared import load
from tinymm.recipes.shared.checkpoints import about
from tinymm.training import save_checkpoint

WORDS = WordTokenizer.fit(["a red circle above a blue square"])
SPOKEN = WordTokenizer.fit(["one two three"])
LETTERS = CharTokenizer.fit(["good music", "bad plot"])
SOUND = {"encoder": "gru", "width": 8, "channels": [2, 2, 2], "dropout": 0.0}
CASES = {  # one small untrained checkpoint a recipe: its config, tokenizer, classes
    "captioning": (captioning.config_of(captioning.FOLDER | {"widths": [[4], [8]], "width": 16}, 16, len(WORDS)),
                   WORDS, None),
    "image-recognition": ({"encoder": "cnn", "classes": 3, "size": 16, "channels": 1, "dropout": 0.0}, None,
                          ["cat", "dog", "owl"]),
    "clip": ({"model": "clip-vit", "size": 16, "vocabulary": len(WORDS), "positions": 9, "classes": 2, "stages": [4, 8],
              "colours": 4, "patch": 8, "vision_width": 8, "vision_layers": 1, "text_width": 8, "text_layers": 1,
              "heads": 2, "width": 6}, WORDS, ["a red circle", "a blue square"]),
    "retrieval": (retrieval.config_of(retrieval.SHAPES | {
        "image": [[4], [8]], "text_width": 8, "speech_width": 8, "width": 6}, 16, len(WORDS), 2, True),
        WORDS, ["a red circle", "a blue square"]),
    "sound-classification": (SOUND | {"classes": 10}, None, [str(digit) for digit in range(10)]),
    "speech-recognition": (SOUND, None, None),
    "speech-to-text": ({"vocabulary": len(SPOKEN), "places": 40, "positions": 6, "ctc_weight": 0.3, "dropout": 0.0,
                        "width": 8, "encoder_layers": 1, "decoder_layers": 1, "heads": 2}, SPOKEN, None),
    "text-classification": ({"encoder": "cnn", "vocabulary": len(LETTERS), "classes": 2, "width": 12, "embedding": 8,
                             "dropout": 0.0, "head_dropout": 0.0, "members": 2}, LETTERS, ["bad", "good"]),
}
FUSED = {"fusion": "mlb", "fused_width": 6, "classes": 2, "dropout": 0.0, "drop": 0.0}
CASES |= {
    "audio-visual-digits": (FUSED | {"size": 32, "width": 8, "channels": [2, 4, 4], "widths": [[2], [4], [4]],
                                     "classes": 10, "drop": 0.1}, None, [str(digit) for digit in range(10)]),
    "speech-emotion": (FUSED | {"hears": "both", "vocabulary": len(WORDS), "width": 8, "channels": [2, 4, 4]}, WORDS,
                       ["sincere", "sarcastic"]),
    "video-question-answering": (FUSED | {"vocabulary": len(WORDS), "size": 16, "frames": 3, "states": 4,
                                          "glance": 2, "widths": [[4], [4], [4]], "width": 8, "embedding": 4}, WORDS,
                                 ["yes", "no"]),
    "vilbert": ({"streams": "two", "regions": "objects", "size": 16, "vocabulary": len(WORDS), "classes": 6,
                 "questions": [3, 2], "features": 8, "sizes": [[8, 1, 2, 16], [8, 1, 2, 16], [8, 1, 2]],
                 "positions": 20, "dropout": 0.1}, WORDS, [f"{colour} {shape}" for colour in "abc" for shape in "xy"]),
    "visual-question-answering": (FUSED | {"fusion": "attention", "fused_width": 8, "vocabulary": len(WORDS),
                                           "size": 16, "widths": [[4], [4]], "width": 8, "embedding": 4}, WORDS,
                                  ["yes", "no"]),
}
PAGES = {name: page for name, page in recipes.available().items() if hasattr(page, "predict")}


def test_every_recipe_that_answers_in_words_has_a_case():
    assert CASES.keys() == PAGES.keys()


@pytest.fixture
def inputs(tmp_path):
    """Inputs of each kind: two files in a folder."""
    pil = pytest.importorskip("PIL.Image", reason="pictures need pillow (extra media)")
    rng = np.random.default_rng(0)
    for folder in ("image", "audio", "video"):
        (tmp_path / folder).mkdir()
    for name in ("a.png", "b.PNG"):
        pil.fromarray(rng.integers(0, 255, (20, 24, 3)).astype(np.uint8)).save(tmp_path / "image" / name)
    for name in ("a.wav", "b.wav"):
        wavfile.write(tmp_path / "audio" / name, 16000, (rng.standard_normal(9000) * 3000).astype(np.int16))
    for name in ("a.gif", "b.gif"):
        first, *others = (pil.fromarray(rng.integers(0, 255, (20, 24, 3)).astype(np.uint8)) for _ in range(4))
        first.save(tmp_path / "video" / name, save_all=True, append_images=others)
    (tmp_path / "text.txt").write_text("good music\n\nbad plot\n", "utf-8")
    return {"text": tmp_path / "text.txt", **{kind: tmp_path / kind for kind in ("image", "audio", "video")}}


@pytest.fixture
def checkpoint(tmp_path):
    """checkpoint(name): a file with an untrained model of a recipe."""
    def written(name):
        config, tokenizer, classes = CASES[name]
        model = PAGES[name].build(config, np.random.default_rng(1))
        arrays = {f"model/{key}": array for key, array in model.state_dict().items()}
        save_checkpoint(tmp_path / f"{name}.npz", arrays, {"about": about(name, config, tokenizer, classes)})
        return tmp_path / f"{name}.npz"

    return written


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_alone_answers(name, checkpoint, inputs, capsys):
    path, kinds = checkpoint(name), PAGES[name].INPUTS
    named = [part for kind in kinds for part in (f"--{kind}", str(inputs[kind]))]
    assert main(["predict", str(path), *(named if len(kinds) > 1 else named[1:])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(line.endswith("%)") for line in lines)
    assert main(["predict", str(path), *named, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    for row in rows:
        assert 0 <= row["confidence"] <= 1 and isinstance(row["answer"], str)
        if row["others"]:
            assert row["confidence"] == max(row["others"].values()) and sum(row["others"].values()) == pytest.approx(1)
            assert row["others"].keys() == set(CASES[name][2])


@pytest.mark.parametrize("name", CASES)
def test_answers_do_not_depend_on_their_company(name, checkpoint, inputs):
    loaded, kinds = load(checkpoint(name)), PAGES[name].INPUTS
    columns = [["good music", "bad plot, bad bad bad plot"] if kind == "text" else sorted(inputs[kind].iterdir())
               for kind in kinds]
    items = [dict(zip(kinds, row)) for row in zip(*columns)]
    alone = [loaded.recipe.predict(loaded, [item])[0] for item in items]
    together = loaded.recipe.predict(loaded, items)
    assert [answer.answer for answer in alone] == [answer.answer for answer in together]
    np.testing.assert_allclose([a.confidence for a in alone], [a.confidence for a in together], rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_load_gives_the_model_in_eval_mode(name, checkpoint):
    loaded = load(checkpoint(name))
    config, tokenizer, classes = CASES[name]
    assert loaded.recipe is PAGES[name] and not loaded.model.training and loaded.classes == classes
    assert loaded.config == config and type(loaded.tokenizer) is type(tokenizer)
    one, other = (PAGES[name].build(config, np.random.default_rng(1)), loaded.model)
    for key, array in one.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[key], array)


def test_checkpoints_that_cannot_answer_are_refused(checkpoint, inputs, tmp_path, refused):
    (tmp_path / "no.npz").write_text("no checkpoint")
    assert "no.npz is damaged or no checkpoint" in refused("predict", tmp_path / "no.npz", "x")
    assert "missing.npz" in refused("predict", tmp_path / "missing.npz", "x")
    for told in ({}, {"about": {"recipe": "os", "config": {}}}, {"about": {"recipe": "captioning", "model": {}}}):
        other = tmp_path / "other.npz"
        save_checkpoint(other, {"model/weight": np.zeros(1)}, told)
        assert "other.npz must be a checkpoint of a recipe of this version" in refused("predict", other)
    assert "must be a checkpoint of `tinymm run captioning`; it is of text-classification" in refused(
        "caption", inputs["image"] / "a.png", "--checkpoint", checkpoint("text-classification"))


def test_inputs_that_cannot_be_read_are_refused(checkpoint, inputs, tmp_path, refused):
    images, sounds = checkpoint("image-recognition"), checkpoint("sound-classification")
    (inputs["image"] / "c.png").write_text("no picture")
    assert "c.png: must be an image that can be decoded" in refused("predict", images, inputs["image"])
    assert "nowhere.png must be a file or a folder" in refused("predict", images, "nowhere.png")
    assert "must hold files of a kind" in refused("predict", images, inputs["audio"])
    assert "this checkpoint takes audio; got image" in refused("predict", sounds, "--image", "a.png")
    (tmp_path / "empty.wav").write_bytes(b"")
    assert "empty.wav: must be a WAV file" in refused("predict", sounds, tmp_path / "empty.wav")
    (tmp_path / "none.txt").write_text("\n")
    assert "at least one; got 0 text" in refused("predict", checkpoint("text-classification"), tmp_path / "none.txt")


@pytest.mark.parametrize("name, kind", [(name, kind) for name in CASES for kind in PAGES[name].INPUTS])
def test_every_file_goes_through_the_door(name, kind, checkpoint, inputs, tmp_path, refused):
    """Of several inputs the bad one is named, wherever it stands, and whatever stands beside it."""
    path, others = checkpoint(name), [other for other in PAGES[name].INPUTS if other != kind]
    beside = {other: "good" if other == "text" else str(sorted(inputs[other].iterdir())[0]) for other in others}
    asked = [part for other, value in beside.items() for part in (f"--{other}", *[value] * 3)]
    good = inputs[kind] if kind == "text" else sorted(inputs[kind].iterdir())[0]
    suffix = good.suffix.lower()
    for name, target in (("circle", f"circle{suffix}"), ("device", "/dev/zero")):
        (tmp_path / f"{name}{suffix}").symlink_to(target)
    (tmp_path / f"latin{suffix}").write_bytes(b"caf\xe9")
    (tmp_path / f"zeros{suffix}").write_bytes(bytes(99) + b"\xff")
    for bad in (f"{name}{suffix}" for name in ("circle", "device", "latin", "zeros", "x" * 300)):
        line = refused("predict", path, *asked, *[f"--{kind}"] * bool(others), good, tmp_path / bad, good)
        assert bad[-50:] in line, bad
        (tmp_path / "table.jsonl").write_text(json.dumps(beside | {kind: bad}) + "\n")
        if kind != "text":
            assert bad[-50:] in refused("predict", path, "--table", tmp_path / "table.jsonl")
    for value in (1, None, [], "", {"a": 1}):
        (tmp_path / "table.json").write_text(json.dumps([beside | {kind: value}]))
        assert f"table.json, row 1 (line 1): needs a text as its {kind}; got" in refused(
            "predict", path, "--table", tmp_path / "table.json")
    assert "nowhere.csv: the file is not there" in refused("predict", path, "--table", "nowhere.csv")


def test_nothing_is_recorded_while_predicting(checkpoint, inputs):
    loaded = load(checkpoint("text-classification"))
    loaded.recipe.predict(loaded, [{"text": "good"}])
    assert all(p.grad is None for p in loaded.model.parameters()) and tm.is_grad_enabled()
