"""The COCO captions reader: what it reads, and that every kind of broken folder is named."""

import json
import sys

import numpy as np
import pytest

from tinymm.data.images.coco import read_coco_captions

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path):
    """Two red-ish 4×4 images with three captions, as changed by the test through `write`."""
    (tmp_path / "images").mkdir()
    for name, colour in (("a.png", (255, 0, 0)), ("b.png", (0, 51, 0))):
        Image.new("RGB", (4, 4), colour).save(tmp_path / "images" / name)
    write(tmp_path, content())
    return tmp_path


def content():
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "base": "x", "tones": ["light"]},
            {"id": 3, "file_name": "b.png"},
        ],
        "annotations": [
            {"image_id": 7, "caption": "a red square"},
            {"image_id": 3, "caption": "a green square "},
            {"image_id": 7, "caption": "red"},
        ],
    }


def write(folder, value):
    (folder / "captions.json").write_text(json.dumps(value), encoding="utf-8")


def change(*path):
    """A function that sets `content[path[0]][path[1]]... = path[-1]`."""
    *keys, last, value = path

    def apply(value_of):
        for key in keys:
            value_of = value_of[key]
        value_of[last] = value

    return apply


def without(*path):
    *keys, last = path

    def apply(value_of):
        for key in keys:
            value_of = value_of[key]
        del value_of[last]

    return apply


def test_reads_captions_fields_and_pixels(folder):
    data = read_coco_captions(folder)
    assert (data.ids, data.file_names, len(data)) == ([7, 3], ["a.png", "b.png"], 2)
    assert data.captions == [["a red square", "red"], ["a green square"]]
    assert data.fields == [{"base": "x", "tones": ["light"]}, {}]
    assert data.split is None
    assert data.skipped == {"images without caption": 0, "empty captions": 0}
    images = data.load_images([1, 0, 1])
    assert images.shape == (3, 3, 4, 4) and images.dtype == np.float32
    np.testing.assert_allclose(images[:, :, 0, 0], [[0, 0.2, 0], [1, 0, 0], [0, 0.2, 0]], atol=1e-7)
    assert data.load_images([]).shape == (0, 3, 0, 0)


def test_splits(folder):
    value = content()
    value["images"][0]["split"], value["images"][1]["split"] = "train", "test"
    write(folder, value)
    assert read_coco_captions(folder).split == ["train", "test"]


def test_skips_with_a_count(folder):
    value = content()
    value["images"].append({"id": 9, "file_name": "gone.png"})
    value["annotations"].append({"image_id": 9, "caption": "  "})
    write(folder, value)
    data = read_coco_captions(folder)
    assert data.ids == [7, 3]
    assert data.skipped == {"images without caption": 1, "empty captions": 1}


def test_other_sizes_are_resized_and_counted(folder):
    Image.new("RGB", (8, 2), (255, 0, 0)).save(folder / "images" / "a.png")
    data = read_coco_captions(folder, size=(4, 4))
    images = data.load_images([0, 1])
    assert images.shape == (2, 3, 4, 4) and data.resized == {0}
    np.testing.assert_array_equal(images[0], np.broadcast_to(np.array([1, 0, 0])[:, None, None], (3, 4, 4)))
    with pytest.raises(ValueError, match=r"b\.png: images must share one size.*got 4×4 after 2×8"):
        read_coco_captions(folder).load_images([0, 1])


def test_downscaling_is_antialiased(folder):
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(folder / "images" / "a.png")
    image = read_coco_captions(folder, size=(4, 4)).load_images([0])
    assert np.all(np.abs(image - 0.5) < 0.02)  # picking single pixels would give 0 or 1


def _transparent(mode):
    rgba = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    rgba.putpixel((0, 0), (255, 0, 0, 255))
    rgba.putpixel((1, 0), (255, 0, 0, 51))
    if mode == "P":
        return rgba.quantize(16)
    return rgba.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparency_shows_white(folder, mode):
    _transparent(mode).save(folder / "images" / "a.png")
    image = read_coco_captions(folder).load_images([0])[0]
    np.testing.assert_allclose(image[:, 0, 0], [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(image[:, 0, 1], [1, 0.8, 0.8], atol=0.01)
    np.testing.assert_array_equal(image[:, 3, 3], 1)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("L", (4, 4), 51), 0.2),
        (Image.new("1", (4, 4), 1), 1),
        (Image.fromarray(np.full((4, 4), 13107, np.uint16)), 0.2),
        (Image.new("RGB", (4, 4), (51, 51, 51)).convert("P"), 0.2),
        (Image.new("LA", (4, 4), (0, 204)), 0.2),
    ],
)
def test_every_mode_becomes_rgb(folder, picture, expected):
    picture.save(folder / "images" / "a.png")
    np.testing.assert_allclose(read_coco_captions(folder).load_images([0]), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without("images"), '"images" must be a list; got nothing'),
        (change("annotations", {}), '"annotations" must be a list; got dict'),
        (change("images", 0, "a.png"), r"images\[0\] must have \"id\"; got 'a.png'"),
        (without("images", 1, "file_name"), r'images\[1\] must have "file_name"'),
        (without("images", 1, "id"), r'images\[1\] must have "id"'),
        (without("annotations", 2, "image_id"), r'annotations\[2\] must have "image_id"'),
        (without("annotations", 0, "caption"), r'annotations\[0\] must have "caption"'),
        (change("annotations", 1, "image_id", 99), r"annotations\[1\] must belong to an image; got image_id 99"),
        (change("annotations", 1, "image_id", [3]), r"annotations\[1\] must belong to an image; got image_id \[3\]"),
        (change("annotations", 1, "caption", 5), r"annotations\[1\] must have text as caption; got 5"),
        (change("annotations", 1, "caption", None), r"annotations\[1\] must have text as caption; got None"),
        (change("images", 1, "id", 7), r"images\[1\] repeats 7"),
        (change("images", 1, "id", [7]), r"images\[1\] must have a number or text as id; got \[7\]"),
        (change("images", 1, "id", None), r"images\[1\] must have a number or text as id; got None"),
        (change("images", 0, "split", "dev"), "one of train, val, test; got 'dev' for image 7"),
        (change("images", 0, "split", "train"), "one of train, val, test; got None for image 3"),
        (change("images", 0, "file_name", "../captions.json"), "must stay inside the folder images"),
        (change("images", 0, "file_name", "x/../../captions.json"), "must stay inside the folder images"),
        (change("images", 0, "file_name", "..\\captions.json"), "must stay inside the folder images"),
        (change("images", 0, "file_name", "/etc/hostname"), "must stay inside the folder images"),
        (change("images", 0, "file_name", "C:\\x.png"), "must stay inside the folder images"),
        (change("images", 0, "file_name", 5), "must be the name of an image file; got 5"),
        (change("images", 0, "file_name", ""), "must be the name of an image file; got ''"),
        (change("annotations", []), "at least one image needs a caption; got none in 2 images"),
    ],
)
def test_broken_content_is_named(folder, edit, message):
    value = content()
    edit(value)
    write(folder, value)
    with pytest.raises(ValueError, match=message) as caught:
        read_coco_captions(folder)
    assert str(caught.value).startswith(str(folder / "captions.json"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"images": [],\n "annotations": [}', "line 2, column 18"),
        (b"", "line 1, column 1"),
        (b"[1, 2]", "must hold an object .* got list"),
        (b'{"images": "\xff"}', r"must be UTF-8 text; line 1, byte 12 of the file \(0xff\) is not"),
    ],
)
def test_broken_json_is_located(folder, text, message):
    (folder / "captions.json").write_bytes(text)
    with pytest.raises(ValueError, match=rf"captions\.json: must .*{message}" if "must" not in message else message):
        read_coco_captions(folder)


def test_missing_files_are_named(folder):
    (folder / "images" / "b.png").unlink()
    with pytest.raises(ValueError, match=r"captions\.json: file_name must be .*b\.png: the file is not there"):
        read_coco_captions(folder)
    with pytest.raises(ValueError, match=r"nowhere.captions\.json: the file is not there"):
        read_coco_captions(folder / "nowhere")


@pytest.mark.parametrize("damage", ["truncated", "no image", "empty", "flipped"])
def test_damaged_images_are_named(folder, damage):
    path = folder / "images" / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    sound = path.read_bytes()
    flipped = sound[:2000] + bytes(255 - byte for byte in sound[2000:2100]) + sound[2100:]
    path.write_bytes({"truncated": sound[:4000], "no image": b"hello", "empty": b"", "flipped": flipped}[damage])
    data = read_coco_captions(folder, size=(4, 4))
    with pytest.raises(ValueError, match=r"a\.png: must be an image that can be decoded"):
        data.load_images([1, 0])


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    data = read_coco_captions(folder)
    with pytest.raises(ImportError, match=r"read images: needs pillow; .*tinymm\[media\]"):
        data.load_images([0])


def test_real_emoji(shared_data):
    data = read_coco_captions(shared_data("emoji"), size=(32, 32))
    assert len(data) == 2683 and data.split is None
    assert all({"base", "tones"} <= fields.keys() for fields in data.fields)
    images = data.load_images(range(0, 2683, 50))
    assert images.shape[1:] == (3, 32, 32) and images.min() == 0 and images.max() == 1
    assert not data.resized
