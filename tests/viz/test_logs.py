"""Log rows become panels without losing, inventing or reordering a number."""

import pytest

from tinymm.viz.logs import panels

ROWS = [
    {"step": 1, "epoch": 0, "train/loss": 2.0, "lr": 0.1, "note": "start"},
    {"step": 2, "epoch": 0, "train/loss": float("nan"), "val/loss": 1.5, "lr": 0.2},
    {"step": 3, "epoch": 1, "train/loss": 1.0, "val/accuracy": 0.5, "val/best": True, "lr": 0.1},
    {"val/loss": 9.0},
]


def test_metrics_with_a_split_are_the_default_panels():
    assert panels(ROWS) == {
        "loss": {"train": ([1, 3], [2.0, 1.0]), "val": ([2], [1.5])},
        "accuracy": {"val": ([3], [0.5])},
    }


def test_named_metrics_come_in_order_and_need_no_split():
    found = panels(ROWS, metrics=["lr", "loss"], x="epoch")
    assert list(found) == ["lr", "loss"]
    assert found["lr"] == {"lr": ([0, 0, 1], [0.1, 0.2, 0.1])}


def test_the_last_slash_divides_split_from_metric():
    assert panels([{"step": 1, "val/long/loss": 1.0}]) == {"loss": {"val/long": ([1], [1.0])}}


def test_an_empty_log_has_no_panels():
    assert panels([]) == {}


def test_what_was_never_logged_is_named():
    with pytest.raises(ValueError, match="'iteration'"):
        panels(ROWS, x="iteration")
    with pytest.raises(ValueError, match="perplexity"):
        panels(ROWS, metrics=["perplexity"])
