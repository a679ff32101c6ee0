"""A model of neighbours on both sides: a distribution, by its definition; its weights no worse than equal ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import BOTH, LEFT, WIDE, NeighbourModel

V = 5
ROWS = st.lists(st.lists(st.integers(0, V - 1), min_size=1, max_size=7), min_size=1, max_size=8)
CONTEXTS = st.sampled_from([((),), LEFT, BOTH, WIDE])


def places_of(rows):
    return [(row, place) for row in rows for place in range(len(row))]


def by_definition(rows, contexts, weights, row, place):
    """p(w | neighbours), counted anew."""
    def at(row, place, offsets):
        return [row[place + o] if 0 <= place + o < len(row) else None for o in offsets]

    p, total = np.full(V, weights[0] / V), weights[0]
    for weight, offsets in zip(weights[1:], contexts):
        counts = np.zeros(V)
        for other, k in places_of(rows):
            if at(other, k, offsets) == at(row, place, offsets):
                counts[other[k]] += 1
        if counts.sum():
            p, total = p + weight * counts / counts.sum(), total + weight
    return p / total


@given(ROWS, ROWS, CONTEXTS, st.integers(0, 2**32 - 1))
def test_probabilities_are_those_of_the_definition(rows, asked, contexts, seed):
    model = NeighbourModel(rows, V, contexts)
    model.weights = np.random.default_rng(seed).dirichlet(np.ones(1 + len(contexts)))
    p = model.probabilities(places_of(asked))
    np.testing.assert_allclose(p.sum(1), 1)
    for own, (row, place) in zip(p, places_of(asked)):
        np.testing.assert_allclose(own, by_definition(rows, contexts, model.weights, row, place), atol=1e-12)


@given(ROWS, ROWS, CONTEXTS)
def test_chosen_weights_are_no_worse_than_equal_ones(rows, asked, contexts):
    places = places_of(asked)
    words = np.array([row[place] for row, place in places])
    model = NeighbourModel(rows, V, contexts)

    def loss():
        return -np.log(model.probabilities(places)[np.arange(len(words)), words]).mean()

    before = loss()
    assert model.fit(places, words) is model
    assert loss() <= before + 1e-9 and model.weights.sum() == pytest.approx(1) and (model.weights >= 0).all()


def test_both_sides_see_what_one_side_cannot():
    """After 0 comes 1 or 2, equally often; which of them, the word after tells."""
    rows = [[0, 1, 3], [0, 2, 4]] * 20
    places, words = [(row, 1) for row in rows], np.array([1, 2] * 20)
    right = {name: NeighbourModel(rows, V, contexts).fit(places, words).probabilities(places)[np.arange(40), words]
             for name, contexts in (("left", LEFT), ("both", BOTH))}
    np.testing.assert_allclose(right["left"], 0.5, atol=1e-3)
    assert (right["both"] > 0.99).all()


@given(ROWS, CONTEXTS)
def test_what_is_never_asked_gets_no_probability(rows, contexts):
    """It stands beside others all the same; what is left sums to 1."""
    places = [(row, place) for row, place in places_of(rows) if row[place] > 1]
    p = NeighbourModel(rows, V, contexts, never=(0, 1)).fit(places, np.array([row[k] for row, k in places], int)) \
        .probabilities(places) if places else np.eye(V)[[2]]
    np.testing.assert_allclose(p.sum(1), 1)
    assert (p[:, :2] == 0).all()
