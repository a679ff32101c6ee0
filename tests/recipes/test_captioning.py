"""`tinymm run captioning` and `tinymm caption` as a user meets them: what they leave behind, resume, bad input."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.data import ShapesWorld, read_image
from tinymm.recipes import captioning
from tinymm.recipes.shared import load
from tinymm.recipes.shared.looks import words_and_maps
from tinymm.recipes.shared.captioned import drawn_scenes, nearest_images, read_captioned

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")


@pytest.fixture(autouse=True)
def a_small_captioner(monkeypatch):
    """What is tested here does not need a good one."""
    short = replace(captioning.FOLDER["plan"], batch_size=16, steps=4)
    small = {"widths": [[4], [8]], "width": 16, "shift": 1, "plan": short}
    monkeypatch.setattr(captioning, "FOLDER", captioning.FOLDER | small)


@pytest.fixture
def pictures(tmp_path):
    """A small folder in COCO-captions layout: 40 scenes with fields colour and shape."""
    world, rng = ShapesWorld(size=16), np.random.default_rng(0)
    scenes = world.sample(40, rng)
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    for i, pixels in enumerate(world.render(scenes, rng)):
        image_module.fromarray((pixels.transpose(1, 2, 0) * 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
    entries = [{"id": i, "file_name": f"{i}.png", "colour": s.things[0].colour, "shape": s.things[0].shape}
               for i, s in enumerate(scenes)]
    captions = [{"image_id": i, "caption": c} for i, group in enumerate(world.captions(scenes, rng, 2)) for c in group]
    write(folder, entries, captions)
    return folder


def rng_of(seed):
    return lambda *key: np.random.default_rng([seed, *key])


def write(folder, images, annotations):
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations}))


def change(folder, edit):
    content = json.loads((folder / "captions.json").read_text())
    edit(content)
    (folder / "captions.json").write_text(json.dumps(content))


def test_a_run_leaves_its_five_files_and_can_caption(pictures, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "captioning", "--data", str(pictures), "--out", str(out), "--epochs", "2"]) == 0
    assert {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json",
            "report.html"} == {p.name for p in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/exact_match", "test/bleu4", "baseline/nearest_neighbour/exact_match",
                 "baseline/modal_caption/cider_d", "baseline/shuffled_images/rouge_l", "seconds/train"):
        assert isinstance(metrics[name], (int, float)), name
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in rows if r["kind"] == "epoch"] == [1, 2]
    html = (out / "report.html").read_text()
    assert "BLAS of NumPy" in html
    assert "nearest neighbour" in html and "http" not in html.replace("http-equiv", "")
    printed = capsys.readouterr().out
    assert "modal caption" in printed and "report.html" in printed

    page = tmp_path / "map.html"
    for decode in (["--decode", "greedy"], ["--decode", "beam", "--beam", "3"],
                   ["--decode", "sample", "--top-p", "0.9", "--min-p", "0.1", "--seed", "3"],
                   ["--decode", "beam", "--length-penalty", "0", "--n-best", "3", "--no-repeat-ngram", "3"],
                   ["--decode", "diverse", "--groups", "2", "--repetition-penalty", "1.2", "--min-length", "2"]):
        command = ["caption", str(pictures / "images" / "3.png"), "--checkpoint", str(out / "checkpoint.npz"),
                   "--out", str(page)]
        capsys.readouterr()
        assert main([*command, *decode]) == 0
        assert page.exists()
        lines = capsys.readouterr().out.splitlines()
        if "--n-best" in decode:
            scores, captions = zip(*(line.split(maxsplit=1) for line in lines[:3]))
            assert sorted(map(float, scores), reverse=True) == list(map(float, scores))
            assert lines[3] == captions[0] and len(set(captions)) == 3


def test_an_interrupted_run_resumes_to_the_same_bits(pictures, check_resume):
    check_resume(2, "run", "captioning", "--data", pictures, "--epochs", 3, "--seed", 5, "--scheduled-sampling", 0.5)


def test_a_transformer_decoder_looks_at_the_image_in_every_layer(pictures, tmp_path, refused, monkeypatch):
    """In place of a reader and a fusion; the page of `tinymm caption` shows where."""
    out, image = tmp_path / "d", pictures / "images" / "3.png"
    command = ["run", "captioning", "--data", str(pictures), "--out", str(out), "--epochs", "1", "--text", "decoder"]
    assert "--fusion: needs --text lstm or transformer; got early" in refused(*command, "--fusion", "early")
    with monkeypatch.context() as patch:
        patch.setattr(captioning, "POSITIONS", 6)
        assert "--text: decoder takes captions of up to 4 words; got" in refused(*command)
    assert main(command) == 0
    assert "Image captioning, a Transformer decoder" in (out / "report.html").read_text()
    assert main(["predict", str(out / "checkpoint.npz"), str(image)]) == 0
    model = load(out / "checkpoint.npz").model
    tokens = load(out / "checkpoint.npz").tokenizer
    words, maps = words_and_maps(model, tokens, read_image(image, (16, 16)), [5, 4, 6])
    assert len(words) == 3 and maps.shape[0] == 3
    np.testing.assert_allclose(maps.sum((1, 2)), 1, rtol=1e-5)


def test_a_transformer_reads_the_prefix_as_well(pictures, tmp_path):
    assert main(["run", "captioning", "--data", str(pictures), "--out", str(tmp_path / "t"), "--epochs", "1", "--text",
                 "transformer", "--scheduled-sampling", "1"]) == 0


def test_bad_input_is_answered_in_one_line(pictures, tmp_path, refused):
    run = ("run", "captioning", "--out", tmp_path / "o", "--data")
    assert "captions.json" in refused(*run, tmp_path / "nowhere")
    assert "--epochs: must be at least 1; got 0" in refused(*run, pictures, "--epochs", 0)
    assert "--beam: must be at least 1; got 0" in refused(*run, pictures, "--decode", "beam", "--beam", 0)
    assert "has no field 'tone'" in refused(*run, pictures, "--hold-out", "colour,tone")
    assert "holds no run" in refused(*run, pictures, "--resume")
    (pictures / "images" / "7.png").write_bytes((pictures / "images" / "7.png").read_bytes()[:60])
    assert "7.png" in refused(*run, pictures, "--epochs", 1)
    (pictures / "images" / "7.png").unlink()
    assert "7.png" in refused(*run, pictures, "--epochs", 1)
    (pictures / "captions.json").write_text('{"images": [')
    assert "captions.json" in refused(*run, pictures)
    assert not (tmp_path / "o").exists()  # nothing half-written stays behind


def test_a_folder_that_holds_a_run_is_not_overwritten(pictures, tmp_path, refused):
    out = tmp_path / "o"
    options = ("run", "captioning", "--data", pictures, "--out", out, "--epochs", 1)
    assert main([*map(str, options)]) == 0
    before = (out / "checkpoint.npz").read_bytes()
    assert "already holds a run; add --resume" in refused(*options)
    assert "another configuration (seed was 0, now 1)" in refused(*options, "--resume", "--seed", 1)
    assert (out / "checkpoint.npz").read_bytes() == before


def test_bad_pictures_and_checkpoints_for_caption(pictures, tmp_path, refused):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "no.npz").write_text("no checkpoint")
    picture = pictures / "images" / "0.png"
    assert "no.npz is damaged or no checkpoint" in refused("caption", picture, "--checkpoint", tmp_path / "no.npz")
    assert "missing.npz" in refused("caption", picture, "--checkpoint", tmp_path / "missing.npz")


def test_wrong_usage_exits_with_2_and_help_with_0(capsys):
    for words, status in ((["run", "nothing"], 2), (["--help"], 0), (["run", "captioning", "--help"], 0), ([], 2)):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == status


def test_python_m_tinymm_is_the_command():
    done = subprocess.run([sys.executable, "-m", "tinymm", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tinymm ")


def test_the_files_own_split_is_kept(pictures):
    def edit(content):
        for i, entry in enumerate(content["images"]):
            entry["split"] = ("train", "train", "val", "test")[i % 4]

    change(pictures, edit)
    parts, _ = read_captioned(pictures, rng_of(0))
    assert [len(parts[name]) for name in ("train", "val", "test")] == [20, 10, 10]


def test_held_out_combinations_are_new_and_their_values_are_not(pictures):
    parts, _ = read_captioned(pictures, rng_of(0), hold_out=["colour", "shape"])
    content = json.loads((pictures / "captions.json").read_text())
    captions = {}
    for row in content["annotations"]:
        captions.setdefault(row["image_id"], []).append(row["caption"])
    pair = {tuple(captions[e["id"]]): (e["colour"], e["shape"]) for e in content["images"]}
    pairs = {name: {pair[tuple(group)] for group in part.captions} for name, part in parts.items()}
    seen = pairs["train"] | pairs["val"]
    assert pairs["test"] and not pairs["test"] & seen
    assert {c for c, _ in pairs["test"]} <= {c for c, _ in seen} \
        and {s for _, s in pairs["test"]} <= {s for _, s in seen}


def test_parts_of_the_shapes_world_share_no_scene():
    parts, _ = drawn_scenes(np.random.default_rng(3), train=200, held=60)
    held_out = set(ShapesWorld().held_out)
    for name, part in parts.items():
        touched = [bool(scene.compositions & held_out) for scene in part.scenes]
        assert all(touched) if name == "test/held_out" else not any(touched)
    scenes = [scene for part in parts.values() for scene in part.scenes]
    assert len(set(map(repr, scenes))) == len(scenes)


def test_nearest_images_against_a_loop():
    parts, _ = drawn_scenes(np.random.default_rng(4), train=50, held=10)
    train, images = parts["train"], parts["test"].all_images()
    expected = [np.argmin([((a - b) ** 2).sum() for b in train.all_images()]) for a in images]
    np.testing.assert_array_equal(nearest_images(train, images, block=7), expected)
