"""Names and intervals that all recipes give their scores."""

import pytest

from tinymm.metrics import wilson_interval
from tinymm.recipes.results import OURS, flat, with_intervals


def test_flat_names():
    results = {"test": {OURS: {"a": 1}, "modal caption": {"a": 0}},
               "test/held_out": {OURS: {"a": 0.5}, "modal caption": {"a": 0}}}
    assert flat(results) == {"test/a": 1.0, "baseline/modal_caption/a": 0.0, "test/held_out/a": 0.5,
                             "baseline/modal_caption/held_out/a": 0.0}


def test_only_shares_have_intervals():
    found = with_intervals({OURS: {"exact": 0.25, "bleu": 0.3}, "other": {"exact": 1.0}}, 40, ("exact",))
    assert found[OURS]["bleu"] == 0.3
    assert found[OURS]["exact"] == pytest.approx((0.25, *wilson_interval(10, 40)))
    assert found["other"]["exact"][2] == 1.0
