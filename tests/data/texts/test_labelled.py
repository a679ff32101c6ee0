"""Folders of labelled texts: one set of classes for all tables; what is wrong has a file and a row."""

import json

import numpy as np
import pytest

from tinymm.data.texts.labelled import read_labelled_texts, read_text_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.csv").write_text('text,category\n"a, b",y\nc,x\nd,y\n', "utf-8")
    return tmp_path


def test_tables_share_the_classes_of_train(folder):
    (folder / "test.jsonl").write_text('{"category": "y", "text": "e", "id": 7}\n', "utf-8")
    parts = read_text_folder(folder)
    assert list(parts) == ["train", "test"]
    assert parts["train"].texts == ["a, b", "c", "d"] and parts["train"].labels.tolist() == [1, 0, 1]
    assert parts["test"].classes == parts["train"].classes == ("x", "y") and parts["test"].labels.tolist() == [1]


def test_categories_give_the_order(folder):
    (folder / "categories.json").write_text(json.dumps(["y", "z", "x"]))
    train = read_text_folder(folder)["train"]
    assert train.classes == ("y", "z", "x") and train.labels.tolist() == [0, 2, 0]


def test_other_columns(folder):
    (folder / "train.csv").write_text("intent,question\nx,a\n")
    assert read_text_folder(folder, ("question", "intent"))["train"].texts == ["a"]


def test_rows(folder):
    part = read_text_folder(folder)["train"].rows(np.array([2, 0]))
    assert part.texts == ["d", "a, b"] and part.labels.tolist() == [1, 1] and len(part) == 2


@pytest.mark.parametrize(("name", "content", "message"), [
    ("test.csv", "text,category\na,x\nb,w\n",
     r"test.csv, row 2 \(line 3\): 'category' must be one of the 2 classes known; got 'w'"),
    ("categories.json", '["x"]',
     r"train.csv, row 1 \(line 2\): 'category' must be one of the 1 classes known; got 'y'"),
    ("categories.json", '["x", "x"]', "categories.json: must be a list of distinct texts"),
    ("categories.json", "[", "categories.json: must be JSON"),
    ("train.csv", "text,category\na,x\n  ,x\n", r"train.csv, row 2 \(line 3\): 'text' must be text; got '  '"),
    ("train.csv", "text,category\na,\n", r"row 1 \(line 2\): 'category' must be text; got ''"),
    ("train.csv", "text,category\n", "train.csv: must have a row; got none"),
    ("train.csv", "text,intent\na,x\n", "train.csv: must have the column 'category'; its header is 'text', 'intent'"),
    ("train.tsv", "text\tcategory\na\tx\n", "must hold one table train; got 'train.csv' and 'train.tsv'"),
])
def test_what_is_wrong_is_told(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_text_folder(folder)


def test_a_number_is_no_text(tmp_path):
    (tmp_path / "train.json").write_text('[{"text": "a", "category": 3}]')
    with pytest.raises(ValueError, match=r"train.json, row 1 \(line 1\): 'category' must be text; got 3"):
        read_text_folder(tmp_path)


def test_folders_without_a_table(tmp_path):
    with pytest.raises(ValueError, match="must hold a table train.csv .*; it is not there"):
        read_text_folder(tmp_path)
    with pytest.raises(ValueError, match="nowhere: the folder is not there"):
        read_text_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file: must be a folder that can be read; Not a directory"):
        read_text_folder(tmp_path / "file")


def test_banking77(shared_data):
    data = read_labelled_texts(shared_data("banking77", "train.csv"))
    assert len(data) == 10_003 and len(data.classes) == 77
    assert sum("\n" in text for text in data.texts) > 0  # line breaks inside quoted fields
    assert read_text_folder(shared_data("banking77"))["train"].classes != data.classes  # the order of categories.json
