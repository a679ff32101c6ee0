"""What two modalities tell of a label: Bayes' accuracy, information, and the decomposition with its certificate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from tinymm.metrics import bayes_accuracy, mutual_information, partial_information
from tinymm.metrics.interaction import _least_informative

TABLES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4),
                   st.sampled_from([0.0, 0.5]))


def table(seed, first, second, labels, zeros):
    """A random table, some of its entries 0."""
    rng = np.random.default_rng(seed)
    p = rng.random((first, second, labels)) * (rng.random((first, second, labels)) >= zeros)
    p[0, 0, 0] += 0.1
    return p / p.sum()


def entropy(p):
    p = np.ravel(p)[np.ravel(p) > 0]
    return -(p * np.log2(p)).sum()


@given(TABLES)
def test_accuracy_and_information_by_their_definitions(drawn):
    p = table(*drawn)
    labels = range(p.shape[2])
    by_rule = max_rule = 0.0
    for a in range(p.shape[0]):
        max_rule += max(p[a, :, y].sum() for y in labels)
        by_rule += sum(max(p[a, b, y] for y in labels) for b in range(p.shape[1]))
    assert bayes_accuracy(p) == pytest.approx(by_rule) and bayes_accuracy(p, [0]) == pytest.approx(max_rule)
    assert bayes_accuracy(p, []) == pytest.approx(p.sum((0, 1)).max())
    alone = max(bayes_accuracy(p, [0]), bayes_accuracy(p, [1]))
    assert bayes_accuracy(p, []) - 1e-12 <= alone <= bayes_accuracy(p) + 1e-12
    for shown, x in (((0, 1), p.reshape(-1, p.shape[2])), ((1,), p.sum(0))):
        expected = entropy(x.sum(1)) + entropy(x.sum(0)) - entropy(x)
        assert mutual_information(p, shown) == pytest.approx(expected, abs=1e-10)


@given(TABLES)
def test_the_parts_add_up_and_change_places_with_the_modalities(drawn):
    p = table(*drawn)
    parts = partial_information(p)
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(mutual_information(p), abs=1e-7)
    assert parts.redundant + parts.unique_first == pytest.approx(mutual_information(p, [0]), abs=1e-7)
    assert parts.redundant + parts.unique_second == pytest.approx(mutual_information(p, [1]), abs=1e-7)
    other = partial_information(p.transpose(1, 0, 2))
    exchanged = other.redundant, other.unique_second, other.unique_first, other.synergistic
    np.testing.assert_allclose(parts, exchanged, atol=1e-7)


@given(TABLES)
def test_no_table_with_the_same_marginals_tells_less(drawn):
    """The objective is convex: its linearisation at Q bounds how far any other table can lie below, and a linear
    program finds the lowest."""
    p = table(*drawn)
    q = _least_informative(p)
    np.testing.assert_allclose(q.sum(0), p.sum(0), atol=1e-12)
    np.testing.assert_allclose(q.sum(1), p.sum(1), atol=1e-12)
    assert (q >= 0).all()
    cells = np.argwhere(q > 0)
    keep = tuple(cells.T)
    slope = np.log2(q[keep] / q.sum(2)[keep[:2]])
    index = {tuple(cell): i for i, cell in enumerate(cells)}
    rows, sums = [], []
    for axis in (0, 1):
        for kept in {tuple(np.delete(cell, axis)) for cell in cells}:
            rows.append([float(tuple(np.delete(cell, axis)) == kept) for cell in cells])
            sums.append(p.sum(axis)[kept])
    lowest = linprog(slope, A_eq=np.array(rows), b_eq=sums, bounds=(0, None), method="highs")
    assert len(index) == len(cells) and lowest.success
    assert slope @ q[keep] - lowest.fun <= 2e-8


def of(function, first, second, labels):
    p = np.zeros((first, second, labels))
    for a in range(first):
        for b in range(second):
            if (y := function(a, b)) is not None:
                p[a, b, y] += 1
    return p / p.sum()


KNOWN = {  # examples of Bertschinger et al. (2014) and of Griffith and Koch (2014)
    "rdn": (of(lambda a, b: a if a == b else None, 2, 2, 2), (1, 0, 0, 0)),
    "unq": (of(lambda a, b: 2 * a + b, 2, 2, 4), (0, 1, 1, 0)),
    "xor": (of(lambda a, b: a ^ b, 2, 2, 2), (0, 0, 0, 1)),
    "and": (of(lambda a, b: a & b, 2, 2, 2), (0.311278, 0, 0, 0.5)),
    "rdn-xor": (of(lambda a, b: 2 * (a >> 1) + (a ^ b) % 2 if a >> 1 == b >> 1 else None, 4, 4, 4), (1, 0, 0, 1)),
    "rdn-unq-xor": (of(lambda a, b: 8 * (a >> 2) + 4 * (a >> 1 & 1) + 2 * (b >> 1 & 1) + (a ^ b) % 2
                       if a >> 2 == b >> 2 else None, 8, 8, 16), (1, 1, 1, 1)),
    "xor-and": (of(lambda a, b: 2 * (a ^ b) + (a & b), 2, 2, 4), (0.5, 0, 0, 1)),
    "nothing": (np.full((2, 3, 2), 1 / 12), (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_decompositions(name):
    p, parts = KNOWN[name]
    np.testing.assert_allclose(partial_information(p), parts, atol=2e-6)


@pytest.mark.parametrize("call, p, rule", [
    (bayes_accuracy, np.full((2, 2), 0.3), "bayes_accuracy: the table must be probabilities of sum 1"),
    (mutual_information, [0.5, 0.5], "mutual_information: the table must be"),
    (mutual_information, [[1.5, -0.5]], "mutual_information: the table must be"),
    (partial_information, np.full((2, 2), 0.25), r"partial_information: the table must be \(A, B, Y\)"),
    (lambda p: bayes_accuracy(p, [2]), np.full((2, 2, 2), 0.125), "shown must be among the modalities 0 to 1"),
])
def test_tables_that_are_none_are_refused(call, p, rule):
    with pytest.raises(ValueError, match=rule):
        call(p)
