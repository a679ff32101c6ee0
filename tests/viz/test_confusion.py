"""The confusion matrix shows every count; signed maps keep sign, zero and scale; a montage loses no pixel."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinymm.viz import Report, montage, signed_map
from tinymm.viz.confusion import confused_pairs, confusion_table

matrices = st.integers(1, 6).flatmap(lambda k: hnp.arrays(np.int64, (k, k), elements=st.integers(0, 50)))


@given(matrices)
def test_every_count_stands_in_its_cell_and_zeros_are_blank(matrix):
    names = [f"class {i}" for i in range(len(matrix))]
    rows = re.findall(r"<tr>(.*?)</tr>", confusion_table(matrix, names))[1:]
    found = [[int(cell or 0) for cell in re.findall(r"<td[^>]*>(\d*)</td>", row)] for row in rows]
    assert found == matrix.tolist()


@given(matrices)
def test_pairs_are_the_largest_counts_off_the_diagonal(matrix):
    names = [str(i) for i in range(len(matrix))]
    pairs = confused_pairs(matrix, names, most=3)
    wrong = sorted((int(matrix[i, j]) for i in range(len(matrix))
                    for j in range(len(matrix)) if i != j and matrix[i, j]), reverse=True)
    assert [count for _, _, count, _ in pairs] == wrong[:3]
    for true, predicted, count, share in pairs:
        assert matrix[int(true), int(predicted)] == count and share == pytest.approx(count / matrix[int(true)].sum())


def test_names_are_shown_not_run_and_many_classes_are_listed():
    report = Report("r")
    report.confusion(np.array([[2, 1], [0, 3]]), ["<b>", "dog"])
    assert "&lt;b&gt;" in report.html() and "<b>" not in report.html()
    many = np.eye(30, dtype=np.int64)
    many[4, 7] = 9
    report.confusion(many, [f"name{i}" for i in range(30)])
    assert re.search(r"name4</th><td[^>]*>name7</td><td[^>]*>9<", report.html())
    assert "name12" not in report.html()


@pytest.mark.parametrize("matrix", [np.ones((2, 3), int), np.ones((3, 3), int), np.ones((2, 2)), -np.ones((2, 2), int)])
def test_what_is_no_confusion_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match="confusion: the matrix must be counts"):
        Report("r").confusion(matrix, ["a", "b"])


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-100, 100)))
def test_white_is_zero_and_the_other_sign_has_the_other_colour(weights):
    image = signed_map(weights, peak=50)
    assert image.shape == (3, *weights.shape) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1
    np.testing.assert_array_equal(image[:, weights == 0], 1)
    strong = np.abs(weights) > 0.5
    assert (image[0] > image[2])[strong & (weights > 0)].all() and (image[0] < image[2])[strong & (weights < 0)].all()
    np.testing.assert_array_equal(signed_map(np.clip(weights, -50, 50), peak=50), image)


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 2), st.integers(1, 2))
def test_a_montage_loses_no_pixel(n, columns, gap, scale):
    images = np.random.default_rng(n).random((n, 3, 2, 4))
    sheet = montage(images, columns, gap, scale)
    for k, image in enumerate(images):
        y, x = k // columns * (2 * scale + gap), k % columns * (4 * scale + gap)
        np.testing.assert_array_equal(sheet[:, y:y + 2 * scale:scale, x:x + 4 * scale:scale], image)
    assert sheet.sum() == pytest.approx(images.sum() * scale**2 + sheet.size - images.size * scale**2)


def test_errors_name_the_rule():
    with pytest.raises(ValueError, match=r"signed_map: weights must be \(h, w\) and finite; got shape \(3,\)"):
        signed_map(np.ones(3))
    with pytest.raises(ValueError, match="signed_map: weights"):
        signed_map(np.full((2, 2), np.inf))
    with pytest.raises(ValueError, match="signed_map: peak must be positive; got 0"):
        signed_map(np.ones((2, 2)), peak=0)
    with pytest.raises(ValueError, match=r"montage: needs images .* got \(0, 1, 2, 2\)"):
        montage(np.ones((0, 1, 2, 2)))
