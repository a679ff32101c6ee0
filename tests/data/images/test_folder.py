"""Folders of classes: what is a class, what is left out, what is named when it is wrong; splits class by class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import read_image_folder, stratified_split

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")
COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0)}


def paint(path, colour=(255, 0, 0), size=(10, 9)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image_module.new("RGB", size, colour).save(path)


@pytest.fixture
def folder(tmp_path):
    for name, colour in COLOURS.items():
        for i, suffix in enumerate(("png", "jpg", "PNG")):
            paint(tmp_path / name / f"{i}.{suffix}", colour)
    return tmp_path


def test_each_folder_is_a_class(folder):
    data = read_image_folder(folder)["train"]
    assert data.names == ["blue", "red"] and data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.size == (3, 12, 12)  # the larger side, 10, in steps of 4
    pixels = data.load(np.array([5, 0]))
    assert pixels.shape == (2, 3, 12, 12) and pixels.dtype == np.float32
    np.testing.assert_allclose(pixels.mean((2, 3)), [[1, 0, 0], [0, 0, 1]], atol=0.02)
    assert read_image_folder(folder, size=6)["train"].load(np.array([1])).shape == (1, 3, 6, 6)
    assert read_image_folder(folder, largest=8)["train"].size == (3, 8, 8)


def test_images_are_read_when_asked_for(folder):
    """A file damaged after the listing is met by `load`, and only by a load of its row."""
    data = read_image_folder(folder)["train"]
    broken = folder / "red" / "1.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    data.load(np.array([0, 1, 2, 3]))
    with pytest.raises(ValueError, match=r"1\.jpg: must be an image that can be decoded"):
        data.load(np.array([3, 4]))


def test_other_files_are_left_out_and_counted(folder):
    (folder / "red" / "notes.txt").write_text("no image")
    (folder / "red" / ".hidden.png").write_text("no image")
    (folder / ".cache").mkdir()
    (folder / "README").write_text("no class")
    data = read_image_folder(folder)["train"]
    assert len(data) == 6 and data.notes == {"other files left out": 2}


def test_parts_of_their_own(folder):
    for part, n in (("train", 2), ("test", 1)):
        for name in COLOURS:
            for i in range(n):
                paint(folder / "whole" / part / name / f"{i}.png", COLOURS[name])
    parts = read_image_folder(folder / "whole")
    assert list(parts) == ["train", "test"] and len(parts["train"]) == 4 and parts["test"].labels.tolist() == [0, 1]
    paint(folder / "whole" / "test" / "green" / "0.png")
    with pytest.raises(ValueError,
                       match="test/green: each class must occur in training; got one that does not: 'green'"):
        read_image_folder(folder / "whole")


def test_folders_that_do_not_fit_are_named(folder, tmp_path):
    def refuse(directory, message):
        with pytest.raises(ValueError, match=message):
            read_image_folder(directory)

    refuse(tmp_path / "nowhere", "nowhere: the folder is not there")
    refuse(folder / "red", "red: must hold a folder for each of at least two classes; got 0")
    (folder / "empty").mkdir()
    refuse(folder, "empty: each class must hold an image; got 0 files")
    (folder / "empty" / "a.txt").touch()
    refuse(folder, "empty: each class must hold an image; got 1 files, none of them one")


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.sampled_from([(0.8, 0.2), (0.7, 0.2, 0.1)]),
       st.integers(0, 2**32 - 1))
def test_each_class_is_split_by_itself(counts, fractions, seed):
    labels = [name for name, n in zip("abcde", counts) for _ in range(n)]
    try:
        parts = stratified_split(labels, fractions, np.random.default_rng(seed))
    except ValueError as error:
        assert "every part needs a row" in str(error) and sum(counts) - len(counts) < 20
        return
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for name, n in zip("abcde", counts):
        held = [sum(labels[i] == name for i in part) for part in parts]
        assert held[0] >= 1 and all(abs(h - n * share) < 2 for h, share in zip(held, fractions))
    if min(counts) > 1:
        assert all(abs(len(part) - len(labels) * share) < 2 for part, share in zip(parts, fractions))


def test_many_small_classes_fill_every_part():
    """Of 7 pictures 5 % are none, of 20 times 7 they are seven."""
    labels = np.arange(20).repeat(7)
    train, val = stratified_split(labels, (0.95, 0.05), np.random.default_rng(0))
    assert len(train) == 133 and len(val) == 7 and np.bincount(labels[val]).max() == 1


def test_a_split_without_enough_rows_is_refused():
    with pytest.raises(ValueError, match="stratified_split: every part needs a row; got 2 rows of 2 classes"):
        stratified_split("ab", (0.8, 0.2), np.random.default_rng(0))
    with pytest.raises(ValueError, match="stratified_split: fractions must be positive"):
        stratified_split("ab", (0.8, 0.3), np.random.default_rng(0))
