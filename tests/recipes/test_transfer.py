"""`tinymm run transfer`: what is disjoint, where each start begins, resuming, the tables, bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import ShapesWorld, normalise
from tinymm.recipes import transfer
from tinymm.recipes.shared import Plan, paired
from tinymm.recipes.shared.captioned import Captioned
from tinymm.recipes.shared.fine_tuning import FineTuning
from tinymm.recipes.shared.pretraining_pairs import eyes
from tinymm.recipes.shared.kept_jobs import FOUND
from tinymm.recipes.shared.transferring import starts, tasks
from tinymm.recipes.shared.transferring.pictures import (
    apart, captioned_scenes, labelled_shapes, questioned_scenes, scenes_to_pre_train_on,
)
from tinymm.recipes.shared.transferring.tables import gains, verdict

from .claiming import Begun


@pytest.fixture(scope="module", autouse=True)
def small():
    """What is tested here needs no good models."""
    with pytest.MonkeyPatch.context() as patch:
        setting = {name: {part: max(12, count // 200) for part, count in value.items()} if isinstance(value, dict)
                   else replace(value, steps=2, batch_size=8) for name, value in transfer.DEFAULT.items()}
        patch.setattr(transfer, "DEFAULT", setting)
        patch.setattr(transfer, "SHARES", (0.5,))
        patch.setattr(tasks, "ROUND", 1)
        patch.setattr(eyes, "DRAWN", 60)
        patch.setattr(paired, "SCENES", {"train": 40, "held": 24})
        patch.setattr(paired, "SINGLE", 8)
        patch.setattr(eyes, "CHECKED", 12)
        yield


def test_what_the_tasks_see_is_apart_from_what_was_pre_trained_on():
    known = scenes_to_pre_train_on(Begun, 40)
    told = captioned_scenes(Begun, {"train": 200, "val": 30, "test": 60, "test/held_out": 60}, known)
    asked = questioned_scenes(Begun, {"train": 40, "val": 10, "test": 30, "test/held_out": 30}, 4)
    shapes = labelled_shapes(Begun, {"train": 60, "val": 10, "test": 30})

    captions = {normalise(text) for part in known.values() for own in part.captions for text in own}
    assert captions.isdisjoint(normalise(text) for part in told.values() for own in part.captions for text in own)
    assert captions.isdisjoint(normalise(text) for part in asked.values() for text in part.texts)
    scenes = {scene for part in known.values() for scene in part.scenes}
    assert scenes.isdisjoint(scene for part in told.values() for scene in part.scenes)

    def pictures(arrays):
        return [np.rint(image * 255).astype(np.uint8).tobytes() for images in arrays for image in images]

    before = set(pictures(part.all_images() for part in known.values()))
    later = [*pictures(part.all_images() for part in told.values()),
             *pictures(part.load(np.unique(part.images)) for part in asked.values()),
             *pictures(part.load(np.arange(len(part))) for part in shapes.values())]
    assert before.isdisjoint(later) and len(set(later)) == len(later)

    held_out = set(ShapesWorld().held_out)
    seen = {pair for part in known.values() for scene in part.scenes for pair in scene.compositions}
    assert held_out.isdisjoint(seen)
    assert all(held_out & set(scene.compositions) for scene in told["test/held_out"].scenes)


def test_a_picture_with_a_known_caption_is_left_out():
    part = Captioned(lambda rows: np.zeros((len(rows), 3, 2, 2)), [["A cat.", "a dog"], ["two birds"]])
    assert apart(part, {normalise("a cat.")}).captions == [["two birds"]]
    assert len(apart(part, set())) == 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer") / "out"
    assert main(["run", "transfer", "--out", str(folder), "--seeds", "1"]) == 0
    return folder


def test_a_run_leaves_a_table_for_every_task(whole):
    metrics = json.loads((whole / "metrics.json").read_text())
    for task, ways in (("vqa", ("texts", "multimodal")), ("captioning", ("texts", "multimodal")),
                       ("classification", ("multimodal",))):
        assert 0 <= metrics[f"test/{task}/scratch/0.5/right"] <= 1
        for way in ways:
            name = f"test/{task}/{way}/0.5/gain"
            assert metrics[f"{name}/low"] <= metrics[name] <= metrics[f"{name}/high"]
    assert 0 < metrics["colours/most_that_text_alone_can_tell"] < 1
    assert {f"seconds/pre-training/{name}" for name in ("pairs", "texts", "clip", "writer")} <= metrics.keys()
    html = (whole / "report.html").read_text()
    for words in ("vqa: unseen pictures", "captioning: combinations never seen together", "Hidden colour words"):
        assert words in html


def test_a_run_that_was_broken_off_ends_with_the_same_table(tmp_path, monkeypatch):
    """Broken off while a training goes on; what was whole is not trained again."""
    whole, broken, real = tmp_path / "whole", tmp_path / "broken", tasks.trained
    words = ["run", "transfer", "--seeds", "2", "--tasks", "classification", "--out"]
    assert main([*words, str(whole)]) == 0
    last = "classification/multimodal/0.5/1"

    def stop_in_the_last(run, name, *rest):
        if name == last:
            raise KeyboardInterrupt
        return real(run, name, *rest)

    def note(run, name, *rest):
        (tmp_path / name.replace("/", "-")).touch()                      # it runs in a process of its own
        return real(run, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "trained", stop_in_the_last)
        assert main([*words, str(broken)]) == 130
    done = {path.parent for path in broken.rglob(FOUND)}
    assert done and broken / last not in done and not (broken / "metrics.json").exists()
    monkeypatch.setattr(tasks, "trained", note)
    assert main([*words, str(broken), "--resume"]) == 0
    again = {path.name for path in tmp_path.glob("classification-*")}
    assert last.replace("/", "-") in again
    assert again.isdisjoint(str(path.relative_to(broken)).replace("/", "-") for path in done)
    one, other = (json.loads((folder / "metrics.json").read_text()) for folder in (whole, broken))
    assert {k: v for k, v in one.items() if "seconds" not in k} == {k: v for k, v in other.items()
                                                                    if "seconds" not in k}


def test_each_start_begins_where_it_says(monkeypatch):
    """Before the first step, the parts that were learned have the learned values, and no others."""
    begun = {}

    def not_trained(run, name, training, *rest):
        begun[name] = {key: value.copy() for key, value in training.model.state_dict().items()}, training.plan
        return training.model, 0.0

    monkeypatch.setattr(tasks, "trained", not_trained)
    known = scenes_to_pre_train_on(Begun, 12)
    config = transfer.DEFAULT
    tower = starts.TowerStart(starts.clip.config_of(starts.clip.SETTING, "clip", 32, 9, 20, 1), {})
    shapes = labelled_shapes(Begun, {"train": 20, "val": 10, "test": 10})
    model = tasks.image_recognition.build(tasks.Classification(config["classification"], shapes, tower).config,
                                          np.random.default_rng(5))
    learned = {name: value + 1 for name, value in model.encoder.state_dict().items()}
    task = tasks.Classification(config["classification"], shapes, tower._replace(state=learned))
    for start in task.starts:
        task.fit(None, start, start, 0.5, 3)
    for name, value in learned.items():
        np.testing.assert_array_equal(begun["multimodal"][0][f"encoder.{name}"], value)
    scratch, other = begun["scratch"][0], begun["multimodal"][0]
    for name in scratch:                                                 # the head is the same: a paired comparison
        if name.startswith("output."):
            np.testing.assert_array_equal(scratch[name], other[name])
    assert begun["scratch"][1].steps == 1.5 * begun["multimodal"][1].steps
    assert begun["scratch"][1].lower == 1 and begun["multimodal"][1].lower < 1

    parts = captioned_scenes(Begun, {"train": 40, "val": 12, "test": 12}, known)
    task = tasks.Captioning(config["captioning"], parts, tower.config, starts.words_of(known))
    writer = tasks.captioning.build(task.config, np.random.default_rng(6))
    writer.load_state_dict({name: value + 1 for name, value in writer.state_dict().items()})
    task.take(writer, learned)
    for start in task.starts:
        task.fit(None, f"c-{start}", start, 0.5, 3)
    scratch = begun["c-scratch"][0]
    for name, value in begun["c-texts"][0].items():
        np.testing.assert_array_equal(value, task.writer[name] if name.startswith(tasks.WRITER) else scratch[name])
    for name, value in begun["c-multimodal"][0].items():
        wanted = learned[name[14:]] if name.startswith("image_encoder.") else scratch[name]
        np.testing.assert_array_equal(value, wanted)
    new = {name.split(".")[0] for name in scratch if not name.startswith((*tasks.EYE, *tasks.WRITER))}
    assert new == {"fusion"} and set(task.writer) == {name for name in scratch if name.startswith(tasks.WRITER)}


def test_of_an_answerer_only_what_was_learned_learns_slowly(monkeypatch):
    plans, rng = {}, np.random.default_rng(0)

    def not_trained(run, name, training, *rest):
        plans[name] = training.plan, training.model
        return training.model, 0.0

    monkeypatch.setattr(tasks, "trained", not_trained)
    asked = questioned_scenes(Begun, {"train": 4, "val": 2, "test": 2}, 2)
    tokens = starts.words_of(scenes_to_pre_train_on(Begun, 12))
    config = {"streams": "two", "regions": "objects", "size": 32, "vocabulary": len(tokens), "classes": 3,
              "questions": [8, 5], "features": 6, "sizes": [[8, 1, 2, 16], [8, 1, 2, 16], [8, 1, 2]], "positions": 40,
              "dropout": 0.0}
    model = tasks.build_answerer(config, rng)
    learned = {name: value + 1 for name, value in model.encoder.state_dict().items()}
    words = {name: value for name, value in learned.items() if name.startswith(("words.", "text."))}
    task = tasks.Questions(transfer.DEFAULT["vqa"], asked, starts.PairStarts(
        config, tokens, model.eye, learned, words, {}))
    for start, known in (("scratch", {}), ("texts", words), ("multimodal", learned)):
        task.fit(None, start, start, 1.0, 0)
        plan, model = plans[start]
        fast, slow = plan.groups(model)
        rates = {id(p): group.get("lr", plan.peak_rate) for group in (fast, slow) for p in group["params"]}
        for name, parameter in model.named_parameters():
            was_learned = name.removeprefix("encoder.") in known and name.startswith("encoder.")
            assert rates[id(parameter)] == plan.peak_rate * (0.25 if was_learned else 1.0), name


def test_gains_of_a_start_that_is_better_for_every_seed():
    rng = np.random.default_rng(0)
    scratch = rng.random((5, 400)) < 0.5
    better = scratch | (rng.random((5, 400)) < 0.3)
    found = gains("vqa", "test", {("scratch", 0.1): scratch, ("texts", 0.1): scratch, ("multimodal", 0.1): better})
    assert found["test/vqa/texts/0.1/gain"] == found["test/vqa/texts/0.1/gain/low"] == 0
    low = found["test/vqa/multimodal/0.1/gain/low"]
    assert 0.1 < low < found["test/vqa/multimodal/0.1/gain"] < found["test/vqa/multimodal/0.1/gain/high"] < 0.2
    assert verdict(0.1, 0.05, 0.2) == "better" and verdict(-0.1, -0.2, -0.05) == "worse"
    assert verdict(0.1, -0.1, 0.2) == "no difference beyond chance"


def test_the_lower_rate_is_for_what_was_learned_before():
    plan = FineTuning.of(Plan(batch_size=4, steps=2, peak_rate=0.1, weight_decay=0.0), ("encoder.",), 0.5)
    model = tasks.image_recognition.build({"encoder": "cnn", "classes": 2, "size": 8, "channels": 3, "dropout": 0.0},
                                          np.random.default_rng(0))
    new, old = plan.groups(model)
    assert {id(p) for p in old["params"]} == {id(p) for p in model.encoder.parameters()} and old["lr"] == 0.05
    assert {id(p) for p in new["params"]} == {id(p) for p in model.output.parameters()} and "lr" not in new


def test_bad_input_is_answered_in_one_line(tmp_path, capsys):
    for words, told in ((("--tasks", "vqa,flying"), "--tasks: must be among vqa,captioning,classification"),
                        (("--seeds", "0"), "--seeds: must be at least 1"),
                        (("--data", str(tmp_path)), "--data: must be left out")):
        assert main(["run", "transfer", "--out", str(tmp_path / "o"), *words]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
