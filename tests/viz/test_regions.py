"""Boxes drawn on a picture, and the table of all heads."""

import re

import numpy as np
import pytest

from tinymm.viz import Report
from tinymm.viz.heads import heads_table
from tinymm.viz.regions import LINE, REGION_COLOURS, boxed


def test_a_box_has_its_colour_and_the_rest_is_the_picture():
    image = np.random.default_rng(0).random((3, 16, 32)).astype(np.float32)
    shown = boxed(image, np.array([[0, 0, 0.5, 1], [0.5, 0.25, 1, 0.75]]))
    large = image.repeat(8, 1).repeat(8, 2)
    assert shown.shape == (3, 128, 256)
    np.testing.assert_array_equal(shown[:, 0, :128], np.tile(REGION_COLOURS[0][:, None], 128))
    np.testing.assert_array_equal(shown[:, 32, 128:], np.tile(REGION_COLOURS[1][:, None], 128))
    np.testing.assert_array_equal(shown[:, LINE:-LINE, LINE:128 - LINE], large[:, LINE:-LINE, LINE:128 - LINE])
    np.testing.assert_array_equal(boxed(image, np.zeros((0, 4))), large)
    with pytest.raises(ValueError, match="boxed: the image must be"):
        boxed(image[0], np.zeros((0, 4)))


def test_every_weight_of_every_head_has_its_cell():
    weights = np.arange(12).reshape(2, 3, 2) / 12
    html = heads_table(weights, ["a", "<b>", "c"], ["0", "1"], "two heads")
    rows = [[float(cell) for cell in re.findall(r">(\.\d+)<", row)] for row in html.split("<tr>")[2:]]
    np.testing.assert_allclose(rows, np.concatenate(weights, 1).round(2))
    assert "&lt;b&gt;" in html and "head 2: 0" in html
    report = Report("heads")
    report.heads(weights, ["a", "b", "c"], ["0", "1"], "two heads")
    assert "head 1: 0" in report.html()


@pytest.mark.parametrize("weights", [np.ones((1, 2, 3)), np.full((1, 1, 1), 1.5), np.full((1, 1, 1), -0.1),
                                     np.ones((1, 1))])
def test_other_weights_are_refused(weights):
    with pytest.raises(ValueError, match="heads: weights must"):
        heads_table(weights, ["a"], ["0"])
