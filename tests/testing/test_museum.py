"""Every exhibit of the museum is caught by the rung it names and by none below,
and is missed by the check that is blind."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinymm as tm
from tinymm.testing import RUNGS, GradientError, NotApplicable, Spec

from .museum import elements, products, sums, tape  # noqa: F401  (the halls fill Exhibit.museum)
from .museum.exhibit import Exhibit

EXHIBITS = pytest.mark.parametrize("exhibit", Exhibit.museum, ids=lambda exhibit: exhibit.__name__)
SEEDS = (0, 1, 2)


@pytest.fixture
def ops(make_op):
    """ops(exhibit): the op with the right VJP and the one with the wrong VJP."""
    def make(exhibit):
        exhibit.right_op = make_op(exhibit.forward, exhibit.right, exhibit.composite)
        return exhibit.right_op, make_op(exhibit.forward, exhibit.wrong, exhibit.wrong_composite)
    return make


def climb(exhibit, op, seed, upto):
    """The rungs up to one, in order: yields the name and what it raised."""
    function = None if exhibit.used is Exhibit.used else exhibit.used(op)
    row = Spec(op.op.name, calls=None, reference=exhibit.used(exhibit.right_op), function=function)
    for rung in list(RUNGS)[:list(RUNGS).index(upto) + 1]:
        rng = np.random.default_rng(seed)
        try:
            with np.errstate(all="ignore"):
                RUNGS[rung](row, exhibit.inputs(rng), {}, rng)
        except NotApplicable:
            pass
        except (GradientError, TypeError) as error:
            yield rung, error


@EXHIBITS
def test_the_right_formula_passes_every_rung(exhibit, ops):
    right, _ = ops(exhibit)
    for seed in SEEDS:
        for rung, error in climb(exhibit, right, seed, "float32"):
            raise AssertionError(f"{rung} rejects the right formula") from error


@EXHIBITS
def test_the_wrong_one_is_caught_by_the_rung_it_names_and_by_none_below(exhibit, ops):
    _, wrong = ops(exhibit)
    for seed in SEEDS:
        assert [rung for rung, _ in climb(exhibit, wrong, seed, exhibit.rung)] == [exhibit.rung]


@EXHIBITS
def test_a_popular_check_lets_it_through(exhibit, ops):
    _, wrong = ops(exhibit)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            exhibit.blind(exhibit, exhibit.used_naively(wrong), exhibit.harmless(rng), rng)


def test_exhibits_leave_nothing_in_the_registry():
    assert not [name for name in tm.autograd.registry if name.startswith("made_")]


def test_there_are_more_than_twenty_and_each_says_what_is_wrong():
    assert len(Exhibit.museum) > 20
    assert all(exhibit.__doc__ for exhibit in Exhibit.museum)


def test_the_book_shows_the_museum_as_it_is():
    place = Path(__file__).resolve().parents[2] / "docs" / "generate_museum.py"
    file = importlib.util.spec_from_file_location("generate_museum", place)
    generator = importlib.util.module_from_spec(file)
    file.loader.exec_module(generator)
    text = generator.TARGET.read_text("utf-8")
    assert generator.written(text) == text, "docs/gradients.md is out of date; run  python docs/generate_museum.py"
    for exhibit in Exhibit.museum:
        row, = (line for line in text.splitlines() if line.startswith(f"| `{exhibit.__name__}` |"))
        assert row.split(" | ")[-2] == exhibit.rung
