"""Documents out of files: sentences by line, rows of tables; what is wrong is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data import read_document_folder, read_documents

SENTENCE = st.text("abc ,.ä", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.lists(st.lists(SENTENCE, min_size=1, max_size=4), min_size=1, max_size=5), st.integers(1, 3))
@settings(max_examples=30)
def test_documents_come_back(tmp_path_factory, documents, gap):
    path = tmp_path_factory.mktemp("texts") / "train.TXT"
    path.write_text(("\n" * (gap + 1)).join("\n".join(document) for document in documents) + "\n", "utf-8")
    assert read_documents(path) == documents


def test_a_folder_of_texts_and_tables(tmp_path):
    (tmp_path / "train.txt").write_text("One.\nTwo.\n\nThree.\n")
    (tmp_path / "test.csv").write_text("text,category\nfour,x\n")
    assert read_document_folder(tmp_path) == {"train": [["One.", "Two."], ["Three."]], "test": [["four"]]}
    (tmp_path / "test.txt").write_text("Five.\n")
    with pytest.raises(ValueError, match="must hold one file test; got 'test.csv' and 'test.txt'"):
        read_document_folder(tmp_path)


@pytest.mark.parametrize(("name", "content", "rule"), [
    ("train.txt", "\n \n", "train.txt: must have a sentence; got none"),
    ("train.txt", "a" * 100_001, "at most 100,000 characters; line 1 has 100,001"),
    ("train.csv", "text\n  \n", "row 1 .*'text' must be text; got '  '"),
    ("train.csv", "words\na\n", "text"),
    ("other.txt", "a", "must hold a file train.txt"),
])
def test_what_is_wrong_is_named(tmp_path, name, content, rule):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=rule):
        read_document_folder(tmp_path)
