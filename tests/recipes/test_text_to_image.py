"""`tinymm run text-to-image` and `tinymm draw` as a user meets them: what they leave behind, resume, bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import ShapesWorld
from tinymm.recipes import captioning, text_to_image
from tinymm.recipes.shared.captioned import drawn_scenes, nearest_images
from tinymm.recipes.shared.painting.judging import distances, grid, judged, own_is_nearer, strip

image_module = pytest.importorskip("PIL.Image", reason="pictures need pillow (extra media)")


@pytest.fixture(autouse=True)
def a_small_painter(monkeypatch):
    """What is tested here does not need a good one."""
    plans = {"plan": 4, "codec": 3}
    small = {path: setting | {"widths": [8, 8], "width": 8}
             | {name: replace(setting[name], batch_size=16, steps=steps)
                for name, steps in plans.items() if name in setting}
             | ({"codes": 8, "layers": 1} if path == "tokens" else {})
             for path, setting in text_to_image.SHAPES.items()}
    for name, value in {"SHAPES": small, "FOLDER": small, "VALIDATED": 4, "CHOOSING": 4, "TESTED": 5, "TOGETHER": 4,
                        "GUIDANCES": (1.0, 2.0), "STEPS": (1, 2), "USUAL": {"guidance": 2.0, "steps": 2}}.items():
        monkeypatch.setattr(text_to_image, name, value)
    monkeypatch.setattr(text_to_image, "drawn_scenes", lambda rng: drawn_scenes(rng, train=48, held=12))


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


def size_of(path):
    with image_module.open(path) as image:
        return image.size


def trained(path, folder, *words):
    out = folder / path
    assert main(["run", "text-to-image", "--path", path, "--epochs", "1", "--out", str(out), *map(str, words)]) == 0
    return out


@pytest.mark.parametrize("path", ["flow", "tokens"])
def test_a_run_leaves_its_files_and_can_draw(path, tmp_path, capsys):
    out = trained(path, tmp_path)
    left = {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json", "report.html", "samples.png"}
    assert left | ({"codec"} if path == "tokens" else set()) == {p.name for p in out.iterdir()}
    assert size_of(out / "samples.png") == (2 * 34 * 4 - 8,) * 2         # four pictures, enlarged
    metrics = json.loads((out / "metrics.json").read_text())
    names = ["test/attributes", "test/held_out/pair", "test/held_out/exact/low", "baseline/shuffled_text/attributes",
             "baseline/unconditional/held_out/shape", "baseline/nearest_caption/held_out/pair",
             "ceiling/real_pictures/attributes", "nearest_training_picture/painted", "nearest_training_picture/real",
             "chosen/guidance", "val/guidance/2"]
    names += ["chosen/steps", "val/steps/1"] if path == "flow" else [
        "codebook/perplexity", "ceiling/through_the_codec/held_out/attributes"]
    for name in names:
        assert isinstance(metrics[name], (int, float)), name
    assert metrics["ceiling/real_pictures/attributes"] >= 0.98
    html = (out / "report.html").read_text()
    assert ("From noise to picture" in html) == (path == "flow") and ("The codebook" in html) == (path == "tokens")
    assert "nearest training picture" in html

    drawn = tmp_path / "mine.png"
    command = ["draw", "a red circle above a blue square", "--checkpoint", out / "checkpoint.npz", "--n", 3]
    capsys.readouterr()
    assert main([*map(str, command), "--out", str(drawn), "--seed", "1"]) == 0
    assert size_of(drawn) == (2 * 34 * 4 - 8,) * 2
    steps = tmp_path / "mine-steps.png"
    assert steps.exists() == (path == "flow") and str(drawn) in capsys.readouterr().out
    if path == "flow":                                                   # three rows of the sketch and 2 + 1 levels
        assert size_of(steps) == ((4 * 34 - 2) * 4, (3 * 34 - 2) * 4)
    before = drawn.read_bytes()
    for seed, same in ((1, True), (2, False)):
        assert main([*map(str, command), "--out", str(drawn), "--seed", str(seed)]) == 0
        assert (drawn.read_bytes() == before) == same


@pytest.mark.parametrize("path, steps", [("flow", 4), ("tokens", 2), ("tokens", 5)])
def test_an_interrupted_run_resumes_to_the_same_bits(path, steps, check_resume):
    """Of the path by tokens, broken off inside the codec's training and after it."""
    check_resume(steps, "run", "text-to-image", "--path", path, "--epochs", 2, "--seed", 5)


def test_a_folder_is_judged_by_its_real_pictures(pictures, tmp_path):
    out = trained("flow", tmp_path, "--data", pictures, "--guidance", 1.5)
    metrics = json.loads((out / "metrics.json").read_text())
    assert 0 <= metrics["test/own_is_nearer"] <= 1 and metrics["test/distance"] > 0
    assert "baseline/unconditional/own_is_nearer" in metrics and "test/attributes" not in metrics
    assert "chosen/guidance" in metrics and metrics["chosen/guidance"] == 1.5


def test_wrong_input_is_refused(refused, tmp_path, monkeypatch):
    out = trained("tokens", tmp_path)
    checkpoint = ["--checkpoint", out / "checkpoint.npz", "--out", tmp_path / "x.png"]
    told = refused("draw", "a red cirle", *checkpoint)
    assert "got 'cirle' in 'a red cirle' (known words near it: circle" in told
    assert "got 'zebra' in 'a zebra' (no known word is near it)" in refused("draw", "a zebra", *checkpoint)
    assert "a text must have words" in refused("draw", " ", *checkpoint)
    for words, option in ((("--n", 0), "--n"), (("--seed", -1), "--seed"), (("--guidance", "nan"), "--guidance"),
                          (("--guidance", -1), "--guidance"), (("--steps", 0), "--steps"),
                          (("--steps", 5), "--path flow")):
        assert option in refused("draw", "a red circle", *checkpoint, *words)
    assert not (tmp_path / "x.png").exists()
    assert "--out: must be a .png" in refused("draw", "a red circle", *checkpoint[:2], "--out", tmp_path / "x.jpg")
    assert "No such file" in refused("draw", "a red circle", "--checkpoint", tmp_path / "none.npz")
    assert "tinymm draw" in refused("predict", out / "checkpoint.npz", "--text", "a red circle")

    run = ["run", "text-to-image", "--out", tmp_path / "never"]
    assert "--guidance" in refused(*run, "--guidance", -2)
    assert "--steps" in refused(*run, "--steps", 0)
    assert "--path flow" in refused(*run, "--path", "tokens", "--steps", 5)
    assert "--data" in refused(*run, "--hold-out", "base") and "--data" in refused(*run, "--image-size", 32)
    assert not (tmp_path / "never").exists()


def test_a_checkpoint_of_another_recipe_is_refused(refused, pictures, tmp_path, monkeypatch):
    short = replace(captioning.FOLDER["plan"], batch_size=16, steps=1)
    monkeypatch.setattr(captioning, "FOLDER", captioning.FOLDER | {"widths": [[4], [8]], "width": 16, "plan": short})
    out = tmp_path / "captioner"
    assert main(["run", "captioning", "--data", str(pictures), "--epochs", "1", "--out", str(out)]) == 0
    told = refused("draw", "a red circle", "--checkpoint", out / "checkpoint.npz", "--out", tmp_path / "x.png")
    assert "text-to-image" in told and "captioning" in told


def test_how_pictures_are_laid_out():
    pictures = np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1) * np.ones((3, 3, 2, 2), np.float32) / 4
    laid = grid(pictures, 2)
    assert laid.shape == (3, 6, 6)
    np.testing.assert_array_equal(laid[0], [[0, 0, 1, 1, .25, .25], [0, 0, 1, 1, .25, .25], [1] * 6, [1] * 6,
                                            [.5, .5, 1, 1, 1, 1], [.5, .5, 1, 1, 1, 1]])
    path = [pictures + k for k in range(9)]
    laid = strip(pictures - 1, path, 3)                                  # the sketch, then steps 0, 4 and 8
    assert laid.shape == (3, 3 * 4 - 2, 4 * 4 - 2)
    np.testing.assert_array_equal(laid[0, ::4, ::4], pictures[:, 0, :1, 0] + [-1, 0, 4, 8])


def test_the_judge_tells_real_pictures_from_those_of_another_caption():
    parts, _ = drawn_scenes(np.random.default_rng(3), train=2, held=60)
    for name in ("test", "test/held_out"):
        part = parts[name]
        captions, images = [group[0] for group in part.captions], part.all_images()
        pairs = [next(iter(scene.compositions)) for scene in part.scenes]
        own, others = (judged(captions, of, pairs).metrics for of in (images, np.roll(images, 1, 0)))
        assert own["attributes"] >= 0.98 and own["exact"] >= 0.95 and own["pair"] >= 0.95
        assert others["attributes"] < 0.6 and others["exact"] == 0


def test_distances_and_whose_picture_is_nearer():
    parts, _ = drawn_scenes(np.random.default_rng(4), train=30, held=6)
    train, images = parts["train"], parts["test"].all_images()
    all_distances = np.sqrt(((images[:, None] - train.all_images()) ** 2).mean((2, 3, 4)))
    found = distances(images, train.images(nearest_images(train, images)))
    np.testing.assert_allclose(found, all_distances.min(1), rtol=1e-5)
    assert own_is_nearer(images, images).metrics == {"own_is_nearer": 1.0, "distance": 0.0}
    same = np.repeat(images[:1], len(images), 0)
    assert own_is_nearer(same, images).metrics["own_is_nearer"] == pytest.approx(0.5)
