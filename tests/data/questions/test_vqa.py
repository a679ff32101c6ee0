"""The VQA reader: what it reads, and that every kind of broken folder is named."""

import json

import numpy as np
import pytest

from tinymm.data.questions import read_vqa
from tinymm.metrics import vqa_accuracy

Image = pytest.importorskip("PIL.Image")
QUESTIONS, ANNOTATIONS = "v2_OpenEnded_mscoco_{}2014_questions.json", "v2_mscoco_{}2014_annotations.json"


def questions():
    return [{"image_id": 42, "question": "what is it?", "question_id": 42000},
            {"image_id": 42, "question": "is it red?", "question_id": 42001},
            {"image_id": 9, "question": "is it red?", "question_id": 9000}]


def annotations():
    return [{"question_id": 42001, "image_id": 42, "multiple_choice_answer": "yes", "answer_type": "yes/no",
             "answers": [{"answer": "yes", "answer_id": i, "answer_confidence": "maybe"} for i in range(1, 11)]},
            {"question_id": 42000, "answers": [{"answer": "cat"}] * 4 + [{"answer": "a dog"}] * 6},
            {"question_id": 9000, "answers": [{"answer": "no"}] * 10}]


def write(folder, asked=None, answered=None, part="train"):
    info = {"info": {"year": 2014}, "license": {"url": "x"}, "data_subtype": f"{part}2014"}
    for name, kind, entries in ((QUESTIONS, "questions", asked), (ANNOTATIONS, "annotations", answered)):
        if entries is not None:
            (folder / name.format(part)).write_text(json.dumps({**info, kind: entries}), "utf-8")


def pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        Image.new("RGB", (8, 5), (255 * (k == 0), 0, 0)).save(folder / name)


@pytest.mark.parametrize("place", [".", "images", "train2014", "images/train2014"])
@pytest.mark.parametrize("names", [("COCO_train2014_000000000042.jpg", "COCO_train2014_000000000009.png"),
                                   ("42.png", "9.png"), ("000000000042.JPG", "000000000009.jpeg")])
def test_reads_questions_answers_and_pictures(tmp_path, place, names):
    write(tmp_path, questions(), annotations())
    pictures(tmp_path / place, *names)
    (data,) = read_vqa(tmp_path, size=6).values()
    assert data.texts == ["what is it?", "is it red?", "is it red?"]
    assert data.answers == ["a dog", "yes", "no"] and data.images.tolist() == [0, 0, 1]
    assert data.humans[0] == ("cat",) * 4 + ("a dog",) * 6 and data.size == (3, 6, 6)
    shown = data.load(data.images)
    assert shown.shape == (3, 3, 6, 6) and (shown[:, 0].min((1, 2)) > 0.9).tolist() == [True, True, False]
    assert vqa_accuracy(["Cat", "yes", "no"], data.humans)[1].tolist() == [1, 1, 1]
    assert data.part([2]).humans == [("no",) * 10]


def test_parts_of_the_publisher_and_questions_without_annotations(tmp_path):
    write(tmp_path, questions(), annotations())
    (tmp_path / "validation").mkdir()
    write(tmp_path / "validation", questions()[2:], annotations()[2:], "val")
    write(tmp_path, questions(), None, "test")
    for part in ("train", "val"):
        pictures(tmp_path / "images" / f"{part}2014",
                 *(f"COCO_{part}2014_{number:012d}.jpg" for number in ((42, 9) if part == "train" else (9,))))
    parts = read_vqa(tmp_path)
    assert {name: len(part) for name, part in parts.items()} == {"train": 3, "val": 1}
    assert parts["val"].load([0])[0, 0].min() > 0.9  # of two pictures 9 the one of its own subset
    assert parts["train"].notes == {"questions without annotations left out": QUESTIONS.format("test")}


def test_a_pair_without_a_part_is_for_training_and_ids_may_be_texts(tmp_path):
    (tmp_path / "questions.json").write_text(json.dumps({"questions": [
        {"question_id": "q", "image_id": "abstract_1", "question": "what?"}]}))
    (tmp_path / "annotations.json").write_text(json.dumps({"annotations": [
        {"question_id": "q", "answers": ["x"] * 10}]}))
    pictures(tmp_path, "abstract_1.png")
    assert read_vqa(tmp_path)["train"].answers == ["x"]


def changed(entries, number, **values):
    entries[number].update(values)
    return entries


def without(entries, number, key):
    del entries[number][key]
    return entries


@pytest.mark.parametrize("asked, answered, message", [
    (changed(questions(), 1, question_id=42000), annotations(), r"questions\[1\].*id of its own; 42000 is there twice"),
    (changed(questions(), 1, question_id=None), annotations(), r"questions\[1\].*question_id must be a number or text"),
    (changed(questions(), 1, image_id=True), annotations(), r"questions\[1\].*image_id must be a number .*; got True"),
    (changed(questions(), 1, image_id=[3]), annotations(), r"questions\[1\].*image_id must be a number or text"),
    (changed(questions(), 2, image_id=10), annotations()[:2] + [
        {"question_id": 9000, "answers": ["no"] * 10}], r"questions\[2\].*image_id must be that of a picture.*10"),
    (changed(questions(), 0, question=" "), annotations(), r"questions\[0\].*question must be text"),
    (without(questions(), 0, "image_id"), annotations(), r"questions\[0\].*must have 'image_id'"),
    ([], annotations(), "must have a question; got none"),
    (questions(), annotations()[:2], r"questions\[2\].*question 9000 has none in 'v2_mscoco_train2014_annotations"),
    (questions(), annotations() + annotations()[:1], r"annotations\[3\].*42001 has two"),
    (questions()[:2], annotations(), r"annotations\[2\].*question_id must be that of a question; got 9000"),
    (questions(), changed(annotations(), 0, image_id=9), r"annotations\[0\].*must be that of the question, 42"),
    (questions(), changed(annotations(), 1, answers=["x"] * 9), r"annotations\[1\].*must be a list of 10; got 9"),
    (questions(), changed(annotations(), 1, answers="x"), r"answers must be a list of 10; got 'x'"),
    (questions(), changed(annotations(), 1, answers=["x"] * 9 + [{}]), "an answer must be text .*; got None"),
    (questions(), changed(annotations(), 1, multiple_choice_answer=2), "multiple_choice_answer must be text .*; got 2"),
])
def test_broken_content_is_named(tmp_path, asked, answered, message):
    write(tmp_path, asked, answered)
    pictures(tmp_path, "42.png", "9.png")
    with pytest.raises(ValueError, match=message) as caught:
        read_vqa(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"must hold \*train\*_questions\.json"):
        read_vqa(tmp_path)
    write(tmp_path, questions())
    with pytest.raises(ValueError, match="train2014_questions.json: must have annotations beside it"):
        read_vqa(tmp_path)
    write(tmp_path, None, annotations())
    with pytest.raises(ValueError, match="image_id must be that of a picture; there is none of 42"):
        read_vqa(tmp_path)
    (tmp_path / "OpenEnded_train2014_questions.json").write_text("{}")
    with pytest.raises(ValueError, match="must be the one file of questions of train, val or test"):
        read_vqa(tmp_path)


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path):
    write(tmp_path, questions(), annotations())
    pictures(tmp_path, "42.png", "9.png")
    (tmp_path / "9.png").write_text("no picture")
    data = read_vqa(tmp_path)["train"]
    with pytest.raises(ValueError, match=r"9\.png: must be an image that can be decoded"):
        data.load(np.array([0, 1]))
