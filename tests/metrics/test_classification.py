"""Accuracy, confusion matrix and macro F1 on paper and against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import accuracy, class_scores, confusion_matrix, macro_f1

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def test_on_paper():
    predictions, labels = [0, 0, 1, 2, 1], [0, 1, 1, 1, 1]
    # Rows true, columns predicted: class 0 once right; class 1 once taken for 0, twice right, once taken for 2.
    assert confusion_matrix(predictions, labels).tolist() == [[1, 0, 0], [1, 2, 1], [0, 0, 0]]
    assert accuracy(predictions, labels) == 3 / 5
    # F1: class 0: 2*1/(2 + 1 + 0) = 2/3; class 1: 2*2/(4 + 0 + 2) = 2/3; class 2: 0.
    assert macro_f1(predictions, labels) == pytest.approx(4 / 9)


@given(pairs)
def test_the_matrix_counts_every_item_once(items):
    predictions, labels = map(np.array, zip(*items))
    matrix = confusion_matrix(predictions.astype(np.uint8), labels.astype(np.int32), classes=5)
    assert matrix.shape == (5, 5)
    for i in range(5):
        for j in range(5):
            assert matrix[i, j] == sum(item == (j, i) for item in items)
    assert accuracy(predictions, labels) == pytest.approx(np.trace(matrix) / len(items))


@given(pairs)
def test_macro_f1_equals_the_mean_of_harmonic_means(items):
    scores = []
    for c in {number for item in items for number in item}:
        hits = sum(item == (c, c) for item in items)
        predicted, true = sum(p == c for p, _ in items), sum(t == c for _, t in items)
        precision, recall = hits / max(1, predicted), hits / max(1, true)
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    assert macro_f1(*zip(*items)) == pytest.approx(sum(scores) / len(scores))


@given(pairs)
def test_classes_by_themselves_add_up_to_the_whole(items):
    predictions, labels = map(np.array, zip(*items))
    found = class_scores(predictions, labels, classes=5)
    assert found["count"].tolist() == [sum(t == c for _, t in items) for c in range(5)]
    assert np.nansum(found["recall"] * found["count"]) / len(items) == pytest.approx(accuracy(predictions, labels))
    assert np.nanmean(found["f1"]) == pytest.approx(macro_f1(predictions, labels))
    for c in range(5):
        hits, said = sum(item == (c, c) for item in items), sum(p == c for p, _ in items)
        assert found["precision"][c] == pytest.approx(hits / said) if said else np.isnan(found["precision"][c])
        assert np.isnan(found["recall"][c]) == (found["count"][c] == 0)


@given(pairs, st.permutations(range(5)))
def test_renaming_the_classes_changes_nothing(items, names):
    predictions, labels = map(np.array, zip(*items))
    names = np.array(names)
    assert accuracy(names[predictions], names[labels]) == accuracy(predictions, labels)
    assert macro_f1(names[predictions], names[labels]) == pytest.approx(macro_f1(predictions, labels))


def test_small_unsigned_class_numbers_do_not_overflow():
    # 200 * 201 + 3 does not fit in eight bits.
    assert confusion_matrix(np.array([3], np.uint8), np.array([200], np.uint8))[200, 3] == 1


@pytest.mark.parametrize("score", [accuracy, confusion_matrix, macro_f1])
@pytest.mark.parametrize("predictions, labels, message", [
    ([0, 1], [0], r"must both have shape \(N,\), N > 0; got \(2,\) and \(1,\)"),
    ([], [], "must both have shape"),
    ([[0.1, 0.9]], [[0.0, 1.0]], "must both have shape"),
    ([0.0, 1.0], [0, 1], "class numbers must be integers; got float64"),
    ([0, 1], ["a", "b"], "class numbers must be integers"),
])
def test_errors_name_the_score(score, predictions, labels, message):
    with pytest.raises(ValueError, match=f"{score.__name__}: .*{message}"):
        score(predictions, labels)


def test_class_numbers_out_of_range():
    with pytest.raises(ValueError, match=r"confusion_matrix: class numbers must lie in 0\.\.1; got 0\.\.2"):
        confusion_matrix([0, 2], [0, 1], classes=2)
    with pytest.raises(ValueError, match=r"class numbers must lie in 0\.\.1; got -1\.\.1"):
        macro_f1([-1, 0], [0, 1])
