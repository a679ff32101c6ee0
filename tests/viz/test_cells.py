"""Cells: equal precision within a column, the best found in the right direction, nothing invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.viz.cells import format_column, metric_columns

numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)


@given(st.lists(numbers, min_size=1, max_size=6))
def test_a_column_has_one_precision_and_keeps_the_values(values):
    cells = format_column(values)
    assert len({len(cell.partition(".")[2]) for cell in cells}) == 1
    largest = max(abs(v) for v in values)
    for value, cell in zip(values, cells, strict=True):
        # Half of the last digit printed: at worst one in a thousand of the largest, or the floor of 8 decimals.
        assert abs(float(cell.replace(",", "")) - value) <= max(0.5e-2 * largest, 0.5e-8)


@pytest.mark.parametrize(
    ("values", "cells"),
    [([1, 20_000], ["1", "20,000"]), ([0.96, None], ["0.960", "–"]), ([0.0, 0.0], ["0.000", "0.000"]),
     ([float("nan"), 0.5], ["nan", "0.500"]), (["a", 2], ["a", "2"]), ([True, False], ["True", "False"]),
     ([np.float32(0.5), np.int64(2)], ["0.500", "2.000"]), ([99.5, 3.25], ["99.50", "3.25"]),
     ([0.05], ["0.0500"]), ([], [])],
)  # fmt: skip
def test_format_column(values, cells):
    assert format_column(values) == cells


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=6), st.booleans())
def test_the_best_are_exactly_the_extremes(thousandths, lower):
    systems = {f"system {i}": {"m": v / 1000} for i, v in enumerate(thousandths)}
    cells = metric_columns(systems, lower_is_better=["m"] if lower else [])["m"]
    best = min(thousandths) if lower else max(thousandths)
    expected = [v == best and len(set(thousandths)) > 1 for v in thousandths]
    # Below 0.1 more digits are shown, never fewer than three, so thousandths never tie by rounding.
    assert [cell.best for cell in cells] == expected


def test_missing_scores_and_nan_are_never_best():
    cells = metric_columns({"a": {"m": None}, "b": {"m": float("nan")}, "c": {"m": 0.1}, "d": {}})["m"]
    assert [cell.best for cell in cells] == [False, False, True, False]
    assert [cell.value for cell in cells] == ["–", "nan", "0.100", "–"]


def test_what_prints_equal_is_equally_good():
    cells = metric_columns({"a": {"m": 0.96101}, "b": {"m": 0.96099}, "c": {"m": 0.5}})["m"]
    assert [cell.best for cell in cells] == [True, True, False]


@pytest.mark.parametrize("score", ["0.9", (0.9, 0.8), [1, 2, 3, 4], True])
def test_what_is_no_score_is_refused(score):
    with pytest.raises(ValueError, match="metric_columns"):
        metric_columns({"a": {"m": score}})


def test_unknown_metrics_and_empty_tables_are_refused():
    with pytest.raises(ValueError, match="wer"):
        metric_columns({"a": {"m": 1.0}}, lower_is_better=["wer"])
    with pytest.raises(ValueError, match="metric"):
        metric_columns({})
