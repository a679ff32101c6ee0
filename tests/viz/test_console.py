"""Tables for the terminal keep their columns straight, whatever the script of the text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz.cells import metric_table
from tinymm.viz.console import format_table

words = st.text(st.sampled_from("ab 中文の😀é"), min_size=1, max_size=8).map(lambda text: f"x{text.strip()}")


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@given(st.lists(st.tuples(words, words, st.integers(0, 10**6)), min_size=1, max_size=5))
def test_the_last_column_of_numbers_ends_in_line(rows):
    lines = format_table(rows, ["a", "b", "a long header"]).splitlines()
    assert len(lines) == len(rows) + 2
    assert len({columns(line) for line in lines}) == 1


def test_combining_marks_take_no_room():
    lines = format_table([["e\u0301", 1], ["e", 2]], ["x", "n"]).splitlines()
    assert lines[2:] == ["e\u0301  1", "e  2"]


def test_metric_tables_align_values_under_each_other():
    systems = {"ours": {"accuracy": (0.96, 0.94, 0.97), "wer": 0.1}, "最近邻": {"accuracy": 0.5, "wer": 0.25}}
    assert format_table(*metric_table(systems, lower_is_better=["wer"])).splitlines() == [
        "system               accuracy     wer",
        "------  ---------------------  ------",
        "ours    0.960* [0.940, 0.970]  0.100*",
        "最近邻  0.500                  0.250",
    ]


def test_text_is_left_aligned_even_in_the_last_column():
    assert format_table([["a", "a red circle"], ["b", "two"]], ["id", "caption"]).splitlines()[3] == "b   two"


def test_a_ragged_row_is_refused():
    with pytest.raises(ValueError, match="2 cells"):
        format_table([["a"]], ["x", "y"])
