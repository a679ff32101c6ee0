"""`tinymm run image-recognition` as a user meets it: what it leaves behind, its readers, resume, bad input."""

import gzip
import json
import struct

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import draw_shapes
from tinymm.recipes import image_recognition as page
from tinymm.recipes.image_recognition import (
    Augmentation, class_token_rollout, drawn_parts, probabilities, read_parts,
)
from tinymm.recipes.shared import Plan, load

image_module = pytest.importorskip("PIL.Image",
                                   reason="the folder reader and the report's pictures need pillow (extra media)")


@pytest.fixture(autouse=True)
def a_short_training(monkeypatch):
    """What is tested here does not need a good classifier."""
    short = Plan(batch_size=64, steps=3, peak_rate=3e-3, weight_decay=0.05, ema_decay=0.9)
    monkeypatch.setattr(page, "PLANS", dict.fromkeys(("cnn", "resnet", "vit"), short))


def rng_of(seed):
    return lambda *key: np.random.default_rng([seed, *key])


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def digits(tmp_path):
    """In MNIST's layout, bright squares whose column is their class; 14 × 10 pixels, 90 to train, 12 to test."""
    rng, folder = np.random.default_rng(0), tmp_path / "digits"
    folder.mkdir()
    for prefix, n in (("train", 90), ("t10k", 12)):
        labels = np.arange(n) % 3
        images = rng.integers(0, 60, (n, 14, 10))
        for image, label in zip(images, labels):
            image[5:9, 3 * label:3 * label + 3] = 250
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


@pytest.fixture
def pictures(tmp_path):
    """Folders of two classes of 20 pictures, and one of a single picture."""
    data = draw_shapes(200, np.random.default_rng(0), size=12)
    for name, number, n in (("circle", 0, 20), ("cross", 3, 20), ("diamond", 4, 1)):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for i, pixels in enumerate(data.load(np.flatnonzero(data.labels == number)[:n])):
            image_module.fromarray(np.rint(pixels.transpose(1, 2, 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("model", ["cnn", "resnet", "vit"])
def test_a_run_leaves_its_files(model, digits, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "image-recognition", "--data", str(digits), "--out", str(out), "--model", model]) == 0
    assert {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json",
            "report.html"} == {p.name for p in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/accuracy", "test/macro_f1", "baseline/majority/accuracy", "baseline/nearest_neighbour/accuracy",
                 "baseline/logistic_regression/accuracy", "seconds/train", "parameters"):
        assert isinstance(metrics[name], (int, float)), name
    assert metrics["baseline/nearest_neighbour/accuracy"] == 1 \
        and metrics["baseline/majority/accuracy"] == pytest.approx(1 / 3)
    html = (out / "report.html").read_text()
    assert "BLAS of NumPy" in html
    for words in ("nearest neighbour", "What was taken for what", "saliency", "integrated gradients",
                  "What it looks for first"):
        assert words in html, words
    assert ("Attention rollout" in html) == (model == "vit")
    assert "http" not in html.replace("http-equiv", "")
    assert "logistic regression" in capsys.readouterr().out

    loaded = load(out / "checkpoint.npz")
    assert loaded.classes == ["0", "1", "2"] and loaded.config["size"] == 16  # padded from 14 × 10
    test = read_parts(digits, rng_of(0))[0]["test"]
    p = probabilities(loaded.model, test, batch=5)
    assert (p.argmax(1) == test.labels).mean() == pytest.approx(metrics["test/accuracy"])
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


def test_an_interrupted_run_resumes_to_the_same_bits(digits, check_resume):
    check_resume(3, "run", "image-recognition", "--data", digits, "--epochs", 3, "--seed", 5)


def test_folders_of_classes_and_a_class_of_one_picture(pictures, tmp_path, capsys):
    parts, notes = read_parts(pictures, rng_of(0))
    counts = {name: np.bincount(part.labels, minlength=3).tolist() for name, part in parts.items()}
    assert counts["train"][2] == 1 and counts["val"][2] == counts["test"][2] == 0
    assert sum(map(sum, counts.values())) == 41
    assert notes["classes trained on but not tested, for want of images"] == "diamond"
    larger, _ = read_parts(pictures, rng_of(0), size=16)
    assert parts["train"].size == (3, 12, 12) and larger["train"].size == (3, 16, 16)
    assert main(["run", "image-recognition", "--data", str(pictures), "--out", str(tmp_path / "o"), "--flip"]) == 0
    assert "diamond" in (tmp_path / "o" / "report.html").read_text()


def test_the_parts_of_a_task_share_no_image(digits):
    parts, notes = read_parts(digits, rng_of(1))
    assert notes["test split"] == "the folder's own" and len(parts["test"]) == 12
    images = np.concatenate([part.load(np.arange(len(part))) for part in parts.values()])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images) == 102
    drawn = [part.load(np.arange(len(part)))
             for part in drawn_parts(np.random.default_rng(0), train=30, val=10, test=20).values()]
    assert len(np.unique(np.concatenate(drawn).reshape(60, -1), axis=0)) == 60


def test_padding_puts_the_image_in_the_middle(digits):
    whole = read_parts(digits, rng_of(0))[0]["test"].load(np.array([0]))[0, 0]
    assert whole.shape == (16, 16) and not whole[:, :3].any() and not whole[:, 13:].any() and not whole[[0, 15]].any()
    assert whole[6:10, 3:6].min() > 0.9


def test_a_folder_too_large_to_keep_is_read_from_its_files(pictures, monkeypatch):
    kept = read_parts(pictures, rng_of(0))[0]["train"]
    monkeypatch.setattr("tinymm.recipes.image_recognition.KEPT", 0)
    streamed = read_parts(pictures, rng_of(0))[0]["train"]
    rows = np.arange(len(kept))
    np.testing.assert_allclose(streamed.load(rows), kept.load(rows), atol=1e-6)
    (pictures / "cross" / "3.png").write_bytes(b"no picture")
    again, _ = read_parts(pictures, rng_of(0))  # a file that is not asked for yet
    with pytest.raises(ValueError, match=r"3\.png: must be an image"):
        for part in again.values():
            part.load(np.arange(len(part)))


def test_augmentation_is_what_it_says(rng):
    images = rng.random((4, 1, 8, 8), dtype=np.float32)
    assert Augmentation()(images, rng) is images
    changed = Augmentation(shift=2, degrees=10.0, stretch=0.1, flip=True)(images, rng)
    assert changed.shape == images.shape and changed.dtype == np.float32 and not np.array_equal(changed, images)


def test_the_rollout_of_the_class_token(digits, tmp_path):
    assert main(["run", "image-recognition", "--data", str(digits), "--out", str(tmp_path / "o"),
                 "--model", "vit"]) == 0
    model = load(tmp_path / "o" / "checkpoint.npz").model
    rolled = class_token_rollout(model, np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32))
    assert rolled.shape == (2, 4, 4)
    np.testing.assert_allclose(rolled.sum((1, 2)), 1, rtol=1e-5)


def test_bad_input_is_answered_in_one_line(digits, pictures, tmp_path, refused):
    run = ("run", "image-recognition", "--out", tmp_path / "o")
    assert "--epochs: must be at least 1; got 0" in refused(*run, "--epochs", 0)
    assert "--image-size: is for folders of classes" in refused(*run, "--image-size", 32)
    assert "--image-size is for folders of classes" in refused(*run, "--data", digits, "--image-size", 32)
    for size in (-4, 0, 3, 4, 14):
        assert f"--image-size: must be a multiple of 4, at least 8; got {size}" in refused(
            *run, "--data", pictures, "--image-size", size)
    assert "nowhere" in refused(*run, "--data", tmp_path / "nowhere")
    assert "holds no run" in refused(*run, "--data", digits, "--resume")
    assert "at least two classes; got 0" in refused(*run, "--data", pictures / "cross")
    images = digits / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:-40])
    assert "train-images-idx3-ubyte.gz: must be a whole gzip file" in refused(*run, "--data", digits)
    images.write_bytes(b"P5 10 10 255")
    assert "train-images-idx3-ubyte.gz: must be an IDX file" in refused(*run, "--data", digits)
    (pictures / "cross" / "3.png").write_bytes(b"no picture")
    assert "3.png: must be an image that can be decoded" in refused(*run, "--data", pictures)
    for path in sorted((pictures / "circle").iterdir())[1:]:
        path.unlink()
    for path in sorted((pictures / "cross").iterdir())[1:]:
        path.unlink()
    assert "pictures has too few images to split some off; got 3 of 3 classes" in refused(*run,
                                                                                                   "--data", pictures)
    (pictures / "circle" / "0.png").unlink()
    assert "circle: each class must hold an image; got 0 files" in refused(*run, "--data", pictures)
    assert not (tmp_path / "o").exists()  # nothing half-written stays behind


def test_drawn_shapes_tell_their_class_by_the_outline_alone():
    """Colour, size and place are independent of the class: the mean picture of each class is about the same."""
    data = draw_shapes(1500, np.random.default_rng(0), size=16)
    assert np.bincount(data.labels, minlength=5).min() > 240
    images = data.load(np.arange(len(data)))
    means = np.stack([images[data.labels == k].mean((0, 2, 3)) for k in range(5)])  # (5, 3): mean colour of each class
    assert images.min() >= 0 and images.max() <= 1 and np.abs(means[:, 0] - means[:, 2]).max() < 0.1
    places = np.stack([(images[data.labels == k].max(1) > 0.5).mean(0) for k in range(5)])
    assert (np.abs(places - places[:, ::-1]) < 0.12).all() and (np.abs(places - places[:, :, ::-1]) < 0.12).all()
