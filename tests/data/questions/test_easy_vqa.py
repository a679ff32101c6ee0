"""The easy-VQA reader: what it reads, and that every kind of broken folder is named."""

import json
from collections import Counter

import numpy as np
import pytest

from tinymm.data.questions import Questions, answer_vocabulary, read_easy_vqa
from tinymm.data.splits import group_split

Image = pytest.importorskip("PIL.Image")
ROWS = [["what colour is it?", "red", 7], ["is it red?", "yes", 7], ["is it red? ", "no", 12]]
COLOURS = {7: (255, 0, 0), 12: (0, 0, 255)}


def write(folder, rows=ROWS, part="train"):
    (folder / part / "images").mkdir(parents=True, exist_ok=True)
    for number, colour in COLOURS.items():
        Image.new("RGB", (10, 6), colour).save(folder / part / "images" / f"{number}.png")
    (folder / part / "questions.json").write_text(json.dumps(rows), "utf-8")


@pytest.mark.parametrize("place", ["data/train", "train", "."])
def test_reads_questions_and_pictures_wherever_the_part_is(tmp_path, place):
    write(tmp_path, part=place)
    (data,) = read_easy_vqa(tmp_path).values()
    assert data.texts == ["what colour is it?", "is it red?", "is it red?"] and data.answers == ["red", "yes", "no"]
    assert data.images.tolist() == [0, 0, 1] and data.vocabulary == ("no", "red", "yes")
    assert data.size == (3, 12, 12) and len(data) == 3 and data.humans is None
    pictures = data.load(np.array([1, 0]))
    assert pictures.dtype == np.float32 and pictures.shape == (2, 3, 12, 12)
    np.testing.assert_array_equal(pictures[:, :, 5, 5], [[0, 0, 1], [1, 0, 0]])


def test_parts_and_the_list_of_answers(tmp_path):
    write(tmp_path)
    write(tmp_path, ROWS[1:], "test")
    (tmp_path / "answers.txt").write_text("yes\nno\nred\nblue\n")
    parts = read_easy_vqa(tmp_path, size=4)
    assert {name: len(part) for name, part in parts.items()} == {"train": 3, "test": 2}
    assert parts["test"].vocabulary == ("yes", "no", "red", "blue") and parts["test"].size == (3, 4, 4)
    assert parts["train"].labels(parts["train"].vocabulary).tolist() == [2, 0, 1]


def test_splitting_by_picture_keeps_its_questions_together(tmp_path):
    write(tmp_path)
    data = read_easy_vqa(tmp_path)["train"]
    rows = group_split(data.images.tolist(), (0.5, 0.5), np.random.default_rng(0))
    parts = [data.part(part) for part in rows]
    assert sorted(len(part) for part in parts) == [1, 2]
    assert not set(parts[0].images.tolist()) & set(parts[1].images.tolist())
    assert all(isinstance(part, Questions) and part.load(part.images).shape == (len(part), 3, 12, 12) for part in parts)


@pytest.mark.parametrize("rows, message", [
    ({}, "must hold rows"),
    ([], "must hold rows"),
    ([["what?", "red"]], r"\[0\]: must be \[question, answer, image\]; got \['what\?', 'red'\]"),
    ([*ROWS, {"q": 1}], r"\[3\]: must be \[question, answer, image\]"),
    ([["", "red", 7]], r"\[0\]: the question must be text .*; got ''"),
    ([["what?", 3, 7]], r"\[0\]: the answer must be text .*; got 3"),
    ([["what?", "red", "7"]], r"\[0\]: the image must be a number; got '7'"),
    ([["what?", "red", True]], r"\[0\]: the image must be a number; got True"),
    ([["what?", "red", 7.0]], r"\[0\]: the image must be a number; got 7\.0"),
    ([["what?", "red", -1]], r"\[0\]: the image must be a number; got -1"),
    ([*ROWS, ["what?", "red", 8]], r"\[3\] must ask about a picture; .*8\.png: the file is not there"),
    ([*ROWS, ["what?", "pink", 7]], r"\[3\]: the answer must be one of the 3 known; got 'pink'"),
])
def test_broken_questions_are_named(tmp_path, rows, message):
    write(tmp_path, rows)
    (tmp_path / "answers.txt").write_text("yes\nno\nred\n")
    with pytest.raises(ValueError, match=message) as caught:
        read_easy_vqa(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "train" / "questions.json"))


def test_other_broken_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"questions\.json: the file is not there"):
        read_easy_vqa(tmp_path)
    write(tmp_path)
    (tmp_path / "answers.txt").write_text("yes\nyes\n")
    with pytest.raises(ValueError, match=r"answers\.txt: must hold distinct answers"):
        read_easy_vqa(tmp_path)
    (tmp_path / "answers.txt").unlink()
    write(tmp_path, [["what?", "pink", 7]], "test")
    with pytest.raises(ValueError, match=r"test.questions\.json, \[0\]: the answer must be one of the 3 known"):
        read_easy_vqa(tmp_path)
    (tmp_path / "train" / "images" / "7.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"7\.png: must be an image that can be decoded"):
        read_easy_vqa(tmp_path)


def test_the_most_frequent_answers():
    assert answer_vocabulary(["b", "a", "c", "c"]) == ("c", "a", "b")
    assert answer_vocabulary(["b", "a", "c", "c"], most=1) == ("c",)


def test_real_easy_vqa(shared_data):
    parts = read_easy_vqa(shared_data("easy_vqa"))
    data = parts["train"]
    assert len(data) == 38575 and len(data.vocabulary) == 13 and data.size == (3, 64, 64)
    assert data.images.max() == 3999 and (data.labels(data.vocabulary) >= 0).all()
    assert data.load(np.array([0, 3999])).shape == (2, 3, 64, 64)
    most = Counter(data.answers).most_common(1)[0][1]
    assert most / len(data) == pytest.approx(0.37, abs=0.01)
