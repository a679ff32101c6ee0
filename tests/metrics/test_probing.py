"""Linear probes: what they find, what they are blind to, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.metrics import few_shot_probe, linear_probe

seeds = st.integers(0, 2**32 - 1)


def blobs(rng, n, classes=3, width=5, noise=0.1):
    centres = rng.standard_normal((classes, width)) * 3
    labels = np.arange(n) % classes
    return centres[labels] + noise * rng.standard_normal((n, width)), labels


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_separable_classes_are_found(seed):
    x, labels = blobs(np.random.default_rng(seed), 60, noise=0.01)
    assert (linear_probe(x[:30], labels[:30], x[30:]) == labels[30:]).all()


@given(seeds, st.floats(0.01, 100), st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_units_and_origin_of_a_feature_do_not_matter(seed, scale, shift):
    x, labels = blobs(np.random.default_rng(seed), 60)
    np.testing.assert_array_equal(linear_probe(x[:30] * scale + shift, labels[:30], x[30:] * scale + shift),
                                  linear_probe(x[:30], labels[:30], x[30:]))


def test_a_constant_feature_says_nothing(rng):
    x, labels = blobs(rng, 60)
    wider = np.concatenate([x, np.full((60, 1), 7.0)], 1)
    np.testing.assert_array_equal(linear_probe(wider[:30], labels[:30], wider[30:]),
                                  linear_probe(x[:30], labels[:30], x[30:]))


def test_a_line_cannot_part_an_exclusive_or(rng):
    a, b = rng.integers(0, 2, (2, 400))
    x = np.stack([a, b], 1) + 0.01 * rng.standard_normal((400, 2))
    assert few_shot_probe(x[:200], (a ^ b)[:200], x[200:], (a ^ b)[200:], 64, rng).mean() < 0.85   # 3/4 at best
    assert few_shot_probe(x[:200], a[:200], x[200:], a[200:], 16, rng).mean() > 0.95


def test_more_shots_do_better(rng):
    x, labels = blobs(rng, 600, noise=2.5)
    one, many = (few_shot_probe(x[:300], labels[:300], x[300:], labels[300:], shots, rng).mean() for shots in (1, 64))
    assert one < many


def test_bad_input_is_refused_by_name(rng):
    x, labels = blobs(rng, 12)
    with pytest.raises(ValueError, match=r"linear_probe: features, labels and others must be"):
        linear_probe(x, labels[1:], x)
    with pytest.raises(ValueError, match=r"linear_probe: needs two classes or more; got \[1\]"):
        linear_probe(x, np.ones(12, int), x)
    with pytest.raises(ValueError, match=r"linear_probe: the penalty must be above 0; got 0"):
        linear_probe(x, labels, x, 0)
    with pytest.raises(ValueError, match=r"few_shot_probe: every class needs 5 examples or more, at least 1; got"):
        few_shot_probe(x, labels, x, labels, 5, rng)
