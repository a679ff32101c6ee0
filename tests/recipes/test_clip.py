"""`tinymm run clip` as a user meets it: what it leaves, resume, the loss at its start, bad input."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import ShapesWorld, WordTokenizer
from tinymm.metrics import bootstrap_interval
from tinymm.recipes import clip
from tinymm.recipes.shared import paired, results
from tinymm.recipes.shared.paired import drawn_items
from tinymm.recipes.shared.retrieving import zero_shot
from tinymm.recipes.shared.retrieving.training import Objective, PairBatches

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")
SMALL = {"stages": [4, 8], "patch": 8, "vision_width": 8, "vision_layers": 1, "text_width": 8, "text_layers": 1,
         "heads": 2, "width": 6}


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


def test_a_run_leaves_its_files_and_figures(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "clip", "--out", str(out), "--epochs", "1"]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/image_to_text/recall_at_1", "test/held_out/text_to_image/recall_at_5",
                 "test/zero_shot/held_out/accuracy", "baseline/linear_probe/zero_shot/held_out/accuracy",
                 "test/space/modality_gap", "baseline/chance/image_to_text/recall_at_1"):
        assert 0 <= metrics[name], name
    assert "CLIP with a ResNet" in (out / "report.html").read_text()


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
    sizes = {"stages": [16, 32, 64], "patch": 4, "vision_width": 96, "vision_layers": 4, "text_width": 96,
             "text_layers": 2, "heads": 4, "width": 96}
    towers = clip.build(clip.config_of(sizes, model, 32, len(tokens), 24, 1), np.random.default_rng(0))
    batch = PairBatches(train, tokens)(np.arange(len(train)), np.random.default_rng(0))
    value = Objective()(towers, batch, None)[0].item()
    assert value == pytest.approx(math.log(len(train)), rel=0.1) if model != "siglip" else 8.5 < value < 12


def test_what_stands_after_a_text_has_no_influence():
    """Batches pad texts; CLIP reads to the end, SigLIP's texts are filled up to one length whoever padded them."""
    for model in clip.MODELS:
        towers = clip.build(clip.config_of(clip.SETTING, model, 16, 9, 7, 1), np.random.default_rng(0)).eval()
        short = np.array([[1, 5, 6, 2]])
        np.testing.assert_allclose(towers("text", np.pad(short, ((0, 0), (0, 3)))).data, towers("text", short).data,
                                   atol=1e-6)


def test_bad_input_is_answered_in_one_line(pictures, tmp_path, refused):
    run = ("run", "clip", "--out", tmp_path / "o")
    assert "--image-size: needs --data" in refused(*run, "--image-size", 32)
    assert "--hold-out: needs --data" in refused(*run, "--hold-out", "base")
    assert "captions.json" in refused(*run, "--data", tmp_path)
    assert not (tmp_path / "o").exists()
    towers = clip.build(clip.config_of(clip.SETTING, "clip", 16, 9, 5, 1), np.random.default_rng(0))
    with pytest.raises(ValueError, match="ClipText: a text may have 5 words, one for each position; got 6"):
        towers("text", np.array([[1, 4, 4, 4, 4, 2]]))
