"""What recipes that classify share: baselines against brute force, metrics by name, the sections of the report."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tinymm.recipes.shared import OURS, Results
from tinymm.recipes.shared.baselines import (
    linear_svm, logistic_regression, majority_class, nearest_by_cosine, nearest_neighbour, svm_weights,
)
from tinymm.recipes.shared.classification import add_classes, add_worst_errors, scored, worst_errors
from tinymm.viz import Report

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 7))
def test_the_nearest_neighbour_is_the_nearest(seed, block):
    rng = np.random.default_rng(seed)
    train, test, labels = rng.standard_normal((9, 3)), rng.standard_normal((7, 3)), rng.integers(0, 4, 9)
    distances = np.linalg.norm(test[:, None] - train[None], axis=-1)
    np.testing.assert_array_equal(nearest_neighbour(train, labels, test, block), labels[distances.argmin(1)])


@given(seeds)
def test_support_vectors_are_at_the_minimum(seed):
    """No step in a random direction lowers the convex objective; sparse and dense rows give the same."""
    rng = np.random.default_rng(seed)
    x, labels = rng.standard_normal((40, 3)) * (rng.random((40, 3)) < 0.7), rng.integers(0, 3, 40)
    W, b = svm_weights(x, labels, 3, cost=2.0, iterations=2000)
    for found, other in zip(svm_weights(sparse.csr_array(x), labels, 3, cost=2.0, iterations=2000), (W, b)):
        np.testing.assert_allclose(found, other, atol=1e-4)
    np.testing.assert_array_equal(linear_svm(x, labels, x, cost=2.0), (x @ W.T + b).argmax(1))

    def objective(W, b):
        right, value = x @ W.T + b, ((W * W).sum() + (b * b).sum()) / 2
        for n in range(40):
            for k in range(3):
                value += 2.0 * max(0, 1 - (right[n, k] if k == labels[n] else -right[n, k])) ** 2
        return value

    least = objective(W, b)
    for size in (1e-3, 1e-1):
        assert objective(W + size * rng.standard_normal(W.shape), b + size * rng.standard_normal(3)) > least


def test_logistic_regression_is_torchs_optimum(rng):
    """The same convex problem, solved by PyTorch's optimiser: the same decisions."""
    torch = pytest.importorskip("torch")
    x, labels = rng.standard_normal((200, 4)), rng.integers(0, 3, 200)
    x += 0.7 * np.eye(3, 4)[labels]
    test = rng.standard_normal((300, 4))
    layer = torch.nn.Linear(4, 3).double()
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(layer(torch.tensor(x)), torch.tensor(labels)) \
            + 0.05 * (layer.weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        scores = layer(torch.tensor(test)).numpy()
    ours = logistic_regression(x, labels, test, penalty=0.1)
    margin = np.sort(scores, 1)
    clear = margin[:, -1] - margin[:, -2] > 1e-3
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(ours[clear], scores.argmax(1)[clear])


def test_the_majority_is_counted():
    assert majority_class(np.array([1, 2, 2, 0]), 3).tolist() == [2, 2, 2]


@given(seeds)
def test_worst_errors_are_wrong_and_in_order(seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), 20)
    labels = rng.integers(0, 3, 20)
    rows = worst_errors(p, labels, 5)
    wrong = [i for i in range(20) if p[i].argmax() != labels[i]]
    assert set(rows) <= set(wrong) and len(rows) == min(5, len(wrong))
    told = p[rows, labels[rows]]
    assert (np.diff(told) >= 0).all()
    others = [p[i, labels[i]] for i in wrong if i not in rows]
    assert not others or told[-1] <= min(others)


def report_of(p, labels, names):
    results = Results("test", scored({OURS: p.argmax(1), "majority": majority_class(labels, len(labels))}, labels))
    report = Report("A classifier")
    results.add_to(report, "Test")
    add_classes(report, p.argmax(1), labels, names)
    add_worst_errors(report, p, labels, names, lambda row: (None, f"item {row}"))
    return results, report.html()


def test_the_sections_of_a_report(rng):
    p, labels = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), np.array([0, 1, 1])
    results, html = report_of(p, labels, ["cat", "<dog>"])
    assert results.flat()["test/accuracy"] == pytest.approx(2 / 3)
    assert results.flat()["baseline/majority/accuracy"] == pytest.approx(2 / 3)
    assert "0.667" in html and "item 2 → cat (70%)" in html and "true: &lt;dog&gt; (30.0%)" in html \
        and "<dog>" not in html
    assert "test (3 items)" in str(results) and "best baseline, majority" in html


def test_a_class_that_nobody_is_of_and_a_run_without_errors():
    p, labels = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), np.array([0, 1])
    _, html = report_of(p, labels, ["a", "b", "c"])
    assert "every item was classified right" in html and "nan" not in html


def test_of_many_classes_the_hardest_are_shown(rng):
    labels = np.arange(40).repeat(2)
    p = np.eye(40)[labels]
    p[10] = np.eye(40)[0]
    _, html = report_of(p, labels, [f"class{i}" for i in range(40)])
    assert "The pairs that were confused most often" in html and "The stronger the shade" not in html
    assert "The 20 classes of 40 with the lowest recall" in html and html.count("class5<") >= 1


def test_nearest_by_cosine_against_all_pairs(rng):
    x, y = (rng.random((n, 5)) * (rng.random((n, 5)) < 0.6) + 1e-3 for n in (30, 1100))
    x, y = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (x, y))
    labels = rng.integers(0, 4, 30)
    found = nearest_by_cosine(sparse.csr_array(x), labels, sparse.csr_array(y), block=300)
    np.testing.assert_array_equal(found, labels[(y @ x.T).argmax(1)])
