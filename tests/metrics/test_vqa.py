"""The consensus accuracy of visual question answering, against its definition; and how answers are normalised."""

import string
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import normalised_answer, vqa_accuracy

words = st.sampled_from(["red", "blue", "Red.", "two", "2"])


@given(st.lists(st.tuples(words, st.lists(words, min_size=2, max_size=10)), min_size=1, max_size=4))
def test_it_is_the_mean_over_all_ways_to_leave_one_out(items):
    expected = [np.mean([min(sum(normalised_answer(a) == normalised_answer(prediction) for a in others) / 3, 1)
                         for others in combinations(humans, len(humans) - 1)])
                for prediction, humans in items]
    score, per_item = vqa_accuracy(*zip(*items))
    np.testing.assert_allclose(per_item, expected, atol=1e-12)
    assert score == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("count, accuracy", [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)])
def test_ten_people(count, accuracy):
    assert vqa_accuracy(["yes"], [["yes"] * count + ["no"] * (10 - count)])[0] == pytest.approx(accuracy)


@pytest.mark.parametrize("text, expected", [
    ("A dog.", "dog"),
    ("The  Red\tcar\n", "red car"),
    ("ten", "10"),
    ("none", "0"),
    ("twenty", "twenty"),
    ("3.5", "3.5"),
    ("1,000,000", "1000000"),
    ("red, white", "red white"),
    ("2:30", "2:30"),
    ("black/white", "black white"),
    ("girl's", "girl's"),
    ("girl\u2019s", "girl's"),
    ("dont", "don't"),
    ("its", "its"),
    ("u.s.a.", "usa"),
    ("yes!", "yes"),
    ("CAFE\u0301", "caf\u00e9"),
    ("", ""),
])
def test_normalising_by_example(text, expected):
    assert normalised_answer(text) == expected


@given(st.text(alphabet=string.ascii_letters + string.digits + " .,'-/!?:é\u2019", max_size=30)
       | st.lists(st.sampled_from(["a", "the", "two", "dont", "3.5", "x.", ".", ","]), max_size=5).map(" ".join))
def test_normalising_twice_changes_nothing(text):
    assert normalised_answer(normalised_answer(text)) == normalised_answer(text)


@pytest.mark.parametrize("predictions, humans, message", [
    (["a"], [], "the same length, at least 1; got 1 and 0"),
    ([], [], "at least 1; got 0 and 0"),
    (["a"], [["a"]], r"at least two human answers; got \['a'\] for question 0"),
    (["a"], ["yes"], "at least two human answers; got 'yes' for question 0"),
    ([1], [["a", "b"]], "text must be a string; got int"),
])
def test_refusals(predictions, humans, message):
    with pytest.raises(ValueError, match=message):
        vqa_accuracy(predictions, humans)
