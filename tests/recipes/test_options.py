"""Options out of signatures and docstrings; prediction in batches; parts that are split off."""

import argparse
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import recipes
from tinymm.recipes.shared import over_batches, recipe
from tinymm.recipes.shared.options import add_options, collected, documented, options_of


@dataclass(frozen=True)
class Cooking:
    """Cooking.

    Parameters
    ----------
    heat : float
        In degrees; 100 % of it.
    lid : bool
        Whether there is one.
    """

    heat: float = 80.0
    lid: bool = False


def cook(dish, more=(), *, kitchen, seed=0, names=("a", "b"), pot=None, kind="soup", cooking=Cooking()):
    """Cook.

    Parameters
    ----------
    dish : path
        What.
    more : list of path
        What else.
    kitchen : path
        Where.
    seed : int
        Of luck.
    names : sequence of str
        Of guests.
    pot : str, optional
        In what.
    kind : {"soup", "cake"}
        Of which sort.
    """
    return dish, more, kitchen, seed, names, pot, kind, cooking


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_options(parser, options_of(cook))
    return cook(**collected(cook, vars(parser.parse_args([*words]))))


def test_a_signature_and_a_docstring_make_the_command_line():
    assert parsed("pie", "--kitchen", "k") == ("pie", [], "k", 0, ("a", "b"), None, "soup", Cooking())
    words = ("pie", "x", "y", "--kitchen", "k", "--seed", "7", "--names", "u,v,w", "--pot", "p", "--kind", "cake",
             "--lid", "--heat", "5")
    assert parsed(*words) == ("pie", ["x", "y"], "k", 7, ("u", "v", "w"), "p", "cake", Cooking(5.0, True))


@pytest.mark.parametrize("words", [(), ("--kind", "stew"), ("--names", "a,,b"), ("--seed", "x")])
def test_what_does_not_fit_is_refused(words):
    kitchen = ("--kitchen", "k") if words else ()                        # a required option
    with pytest.raises(SystemExit):
        parsed("pie", *kitchen, *words)


def test_an_option_without_a_sentence_is_an_error():
    """Else it would silently be no option at all."""
    def run(run, seen=1, unseen=2):
        """Run.

        Parameters
        ----------
        seen : int
            A number.
        """

    with pytest.raises(TypeError, match="the docstring must explain unseen"):
        recipe(run)


def test_the_help_is_the_docstring():
    parser = argparse.ArgumentParser()
    add_options(parser, options_of(cook))
    told = " ".join(parser.format_help().split())
    assert "In degrees; 100 % of it (default: 80.0)" in told and "Of luck (default: 0)" in told
    assert "Whether there is one --" not in told and "Cooking:" in told and "(default: a,b)" in told


@pytest.mark.parametrize("page", recipes.available().values(), ids=recipes.available())
def test_every_option_of_every_recipe_is_explained(page):
    told = documented(page.run.__doc__)
    assert {"data", "out", "seed", "epochs", "resume"} <= told.keys()
    for option in page.run.own_options:
        assert option.sentence.endswith(".") and len(option.sentence) > 15, option.name
    with pytest.raises(TypeError):
        page.run(nonsense=1, progress=False)


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(1, 9), st.booleans(), st.booleans())
def test_batches_answer_in_the_items_order(seed, n, size, by_length, one_core):
    x = np.random.default_rng(seed).integers(0, 100, n)
    seen = []

    def answer(rows):
        seen.append(rows)
        return [f"{value}" for value in x[rows]]

    lengths = (x % 7).tolist() if by_length else None
    model = tm.nn.Dropout(0.5, rng=np.random.default_rng(0))
    assert over_batches(model, n, size, answer, lengths, one_core) == [f"{value}" for value in x]
    assert not model.training and all(1 <= len(rows) <= size for rows in seen)


def test_an_answer_too_few_is_an_error():
    with pytest.raises(ValueError):
        over_batches(tm.nn.ReLU(), 3, 2, lambda rows: [0])
