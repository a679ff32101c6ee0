"""`tinymm run clip` as a user meets it: what it leaves, resume, the loss at its start, bad input."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import ShapesWorld, WordTokenizer
from tinymm.data.texts.tokenizer import UNK
from tinymm.metrics import bootstrap_interval
from tinymm.recipes import captioning, clip, image_recognition
from tinymm.recipes.shared import load, paired, results
from tinymm.recipes.shared.paired import drawn_items
from tinymm.recipes.shared.retrieving import zero_shot
from tinymm.recipes.shared.retrieving.training import Objective

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")
SMALL = {"stages": [4, 8], "colours": 4, "patch": 8, "vision_width": 8, "vision_layers": 1, "text_width": 8,
         "text_layers": 1, "heads": 2, "width": 6}


@pytest.fixture(scope="module", autouse=True)
def small_towers():
    """What is tested here does not need good ones, nor many resamples."""
    with pytest.MonkeyPatch.context() as patch:
        plan = replace(clip.SETTING["plan"], batch_size=16, steps=6)
        patch.setattr(clip, "SETTING", clip.SETTING | SMALL | {"plan": plan})
        patch.setattr(paired, "SCENES", {"train": 48, "held": 12})
        patch.setattr(paired, "SINGLE", 8)
        patch.setattr(zero_shot, "PICTURES", {"train": 48, "val": 48, "test": 12})
        patch.setattr(results, "bootstrap_interval", partial(bootstrap_interval, resamples=10))
        yield


@pytest.fixture
def pictures(tmp_path):
    """A small folder in COCO-captions layout: 30 scenes, a caption each."""
    world, rng = ShapesWorld(size=16), np.random.default_rng(0)
    scenes = world.sample(30, rng)
    (tmp_path / "pictures" / "images").mkdir(parents=True)
    for i, pixels in enumerate(world.render(scenes, rng)):
        image = image_module.fromarray((pixels.transpose(1, 2, 0) * 255).astype(np.uint8))
        image.save(tmp_path / "pictures" / "images" / f"{i}.png")
    content = {"images": [{"id": i, "file_name": f"{i}.png"} for i in range(30)],
               "annotations": [{"image_id": i, "caption": world.captions([scene], rng, 1)[0][0]}
                               for i, scene in enumerate(scenes)]}
    (tmp_path / "pictures" / "captions.json").write_text(json.dumps(content))
    return tmp_path / "pictures"


@pytest.fixture(scope="module")
def shapes_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes") / "out"
    assert main(["run", "clip", "--out", str(folder), "--epochs", "1"]) == 0
    return folder


def test_a_run_leaves_its_files_and_figures(shapes_run):
    out = shapes_run
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/image_to_text/recall_at_1", "test/held_out/text_to_image/recall_at_5",
                 "test/zero_shot/held_out/accuracy", "baseline/linear_probe/zero_shot/held_out/accuracy",
                 "test/space/modality_gap", "baseline/chance/image_to_text/recall_at_1"):
        assert 0 <= metrics[name], name
    assert "CLIP with a ResNet" in (out / "report.html").read_text()


def test_its_checkpoint_searches_a_folder(shapes_run, pictures, tmp_path, capsys, refused):
    words = ("search", "a red circle", "--checkpoint", shapes_run / "checkpoint.npz", "--gallery", pictures / "images",
             "--out", tmp_path / "sheet.html", "--top", 2)
    assert main([*map(str, words)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert "'circel'" in refused("search", "a red circel", *words[2:])


@pytest.mark.parametrize("model", clip.MODELS)
def test_an_interrupted_run_resumes_to_the_same_bits(pictures, check_resume, model, capsys, tmp_path):
    check_resume(1, "run", "clip", "--data", pictures, "--epochs", 2, "--seed", 5, "--model", model)
    capsys.readouterr()
    checkpoint = tmp_path / "whole" / "checkpoint.npz"
    assert main(["predict", str(checkpoint), str(pictures / "images" / "0.png")]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("model", clip.MODELS)
def test_the_loss_begins_where_chance_does(model, monkeypatch):
    """Within a tenth of ln B with the paper's starting values; of SigLIP near 10; towers of full size."""
    monkeypatch.setattr(paired, "SCENES", {"train": 120, "held": 12})
    items, _ = drawn_items(np.random.default_rng(0), ("image", "text"))
    train = items["train"]
    tokens = WordTokenizer.fit(text for own in train.captions for text in own)
    sizes = {"stages": [16, 32, 64], "colours": 32, "patch": 4, "vision_width": 96, "vision_layers": 4,
             "text_width": 96, "text_layers": 2, "heads": 4, "width": 96}
    towers = clip.build(clip.config_of(sizes, model, 32, len(tokens), 24, 1), np.random.default_rng(0))
    batch = clip.training_set(train, tokens).batch(np.arange(len(train)), np.random.default_rng(0))
    value = Objective()(towers, batch, None)[0].item()
    assert value == pytest.approx(math.log(len(train)), rel=0.1) if model != "siglip" else 8.5 < value < 12


def test_what_stands_after_a_text_has_no_influence():
    """Batches pad texts; CLIP reads to the end, SigLIP's texts are filled up to one length whoever padded them."""
    for model in clip.MODELS:
        towers = clip.build(clip.config_of(clip.SETTING, model, 16, 9, 7, 1), np.random.default_rng(0)).eval()
        short = np.array([[1, 5, 6, 2]])
        np.testing.assert_allclose(towers("text", np.pad(short, ((0, 0), (0, 3)))).data, towers("text", short).data,
                                   atol=1e-6)


@pytest.mark.parametrize("model", clip.MODELS)
def test_a_hidden_word_is_read_as_an_unknown_one(model):
    """Which word it was has no influence; padding and both ends stay, hidden or not."""
    towers = clip.build(clip.config_of(clip.SETTING, model, 16, 9, 7, 1), np.random.default_rng(0)).eval()
    ids = np.array([[1, 5, 6, 2, 0], [1, 7, 5, 8, 2]])
    shown = np.array([[True, False, True, False, False], [False, True, False, False, False]])
    parts = towers("text", ids, shown).data
    np.testing.assert_array_equal(parts, towers("text", np.array([[1, UNK, 6, 2, 0], [1, 7, UNK, UNK, 2]])).data)
    assert not np.allclose(parts, towers("text", ids).data)
    np.testing.assert_array_equal(towers("text", ids, ids > 0).data, towers("text", ids).data)


def test_pairs_come_in_groups_that_are_alike_with_parts_of_captions():
    items, _ = drawn_items(np.random.default_rng(0), ("image", "text"))
    train = items["train"]
    tokens = WordTokenizer.fit(text for own in train.captions for text in own)
    data = clip.training_set(train, tokens)
    assert sorted(data.arrange(np.random.default_rng(1))) == [*range(len(train))]
    chunk = data.batch(np.arange(len(train)), np.random.default_rng(1)).chunks[0]
    (ids, mask), shown = chunk.texts, chunk.shown
    assert ids.shape == shown.shape and not (shown & ~mask).any()
    assert 0.5 < shown[mask].mean() < 0.75                               # of ten words six are left, and all beginnings


# What starts from it ----------------------------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    """Few pictures, few steps."""
    monkeypatch.setattr(image_recognition, "drawn_parts", partial(image_recognition.drawn_parts, train=80, val=20,
                                                                  test=20))
    plan = replace(image_recognition.FINE_TUNING, batch_size=16, steps=4)
    monkeypatch.setattr(image_recognition, "FINE_TUNING", plan)


def test_pictures_are_recognised_from_its_tower(shapes_run, short, check_resume, refused, tmp_path, capsys, pictures):
    start = shapes_run / "checkpoint.npz"
    check_resume(2, "run", "image-recognition", "--init", start, "--labels", 0.5, "--seed", 3)
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    for name in ("test/accuracy", "baseline/from_scratch/accuracy", "test/linear_probe/accuracy"):
        assert 0 <= metrics[name] <= 1
    assert main(["predict", str(tmp_path / "whole" / "checkpoint.npz"), str(pictures / "images" / "0.png")]) == 0
    run = ("run", "image-recognition", "--out", tmp_path / "o", "--init")
    assert "--model: is that of the checkpoint" in refused(*run, start, "--model", "vit")
    assert "--labels: must lie in (0, 1]" in refused(*run, start, "--labels", 0)
    assert "must be a checkpoint of `tinymm run clip`; it is of image-recognition" in refused(
        *run, tmp_path / "whole" / "checkpoint.npz")
    assert not (tmp_path / "o").exists()


def test_captions_are_learned_with_its_tower(shapes_run, check_resume, refused, tmp_path, monkeypatch, pictures):
    monkeypatch.setattr(captioning, "drawn_scenes", partial(captioning.drawn_scenes, train=40, held=12))
    plan = replace(captioning.SHAPES["plan"], steps=4)
    monkeypatch.setattr(captioning, "SHAPES", captioning.SHAPES | {"plan": plan, "width": 16})
    start = shapes_run / "checkpoint.npz"
    check_resume(1, "run", "captioning", "--init", start, "--labels", 0.8, "--epochs", 1, "--seed", 3)
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert 0 <= metrics["baseline/from_scratch/truth_accuracy"] <= 1
    trained = tmp_path / "whole" / "checkpoint.npz"
    page = tmp_path / "map.html"
    assert main(["caption", str(pictures / "images" / "0.png"), "--checkpoint", str(trained), "--out", str(page)]) == 0
    run = ("run", "captioning", "--out", tmp_path / "o", "--init")
    assert "must be a checkpoint of `tinymm run clip`; it is of captioning" in refused(*run, trained)
    assert "must be of pictures as these, 16 × 16" in refused(*run, start, "--data", pictures)
    assert "--labels: must lie in (0, 1]" in refused(*run, start, "--labels", 2)
    assert "--labels: needs --objective likelihood" in refused(*run, trained, "--labels", 0.5, "--objective", "reward")
    assert main(["run", "captioning", "--text", "decoder", "--init", str(start), "--out", str(tmp_path / "d"),
                 "--epochs", "1"]) == 0
    assert not (tmp_path / "o").exists()


def test_the_pre_trained_tower_is_where_training_begins(shapes_run, short, monkeypatch, tmp_path):
    """After no step the encoder has the checkpoint's weights, and that from scratch has not."""
    seen = []
    monkeypatch.setattr(image_recognition, "probabilities", lambda model, images: (
        seen.append(model.encoder.state_dict()), np.full((len(images), 5), 0.2))[1])
    plan = replace(image_recognition.FINE_TUNING, batch_size=16, steps=4, peak_rate=1e-12, weight_decay=0.0)
    monkeypatch.setattr(image_recognition, "FINE_TUNING", plan)
    main(["run", "image-recognition", "--init", str(shapes_run / "checkpoint.npz"), "--out", str(tmp_path / "o"),
          "--epochs", "1"])
    tower = load(shapes_run / "checkpoint.npz").model.model.vision
    for name, parameter in tower.named_parameters():
        np.testing.assert_allclose(seen[0][name], parameter.data, atol=1e-6)
    assert any(not np.allclose(seen[-1][name], parameter.data, atol=1e-3)
               for name, parameter in tower.named_parameters())


def test_bad_input_is_answered_in_one_line(pictures, tmp_path, refused):
    run = ("run", "clip", "--out", tmp_path / "o")
    assert "--image-size: needs --data" in refused(*run, "--image-size", 32)
    assert "--hold-out: needs --data" in refused(*run, "--hold-out", "base")
    assert "captions.json" in refused(*run, "--data", tmp_path)
    assert not (tmp_path / "o").exists()
    towers = clip.build(clip.config_of(clip.SETTING, "clip", 16, 9, 5, 1), np.random.default_rng(0))
    with pytest.raises(ValueError, match="ClipText: a text may have 5 words, one for each position; got 6"):
        towers("text", np.array([[1, 4, 4, 4, 4, 2]]))
