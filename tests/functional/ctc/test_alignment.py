"""Posteriors and the likeliest path, against every path written out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F


@st.composite
def examples(draw):
    """Log-probabilities (T, B, 3) and transcripts that fit."""
    T, B = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, targets, lengths = rng.integers(1, T + 1, B), rng.integers(1, 3, (B, 3)), rng.integers(0, 4, B)
    for b in range(B):
        while lengths[b] + (np.diff(targets[b, :lengths[b]]) == 0).sum() > frames[b]:
            lengths[b] -= 1
    return F.log_softmax(rng.standard_normal((T, B, 3)), -1), targets, frames, lengths


def every_path(log_probs, transcript):
    """(states, log-probability) of each path through the lattice of one transcript."""
    T, labels = len(log_probs), [0]
    for label in transcript:
        labels += [label, 0]
    for states in product(range(len(labels)), repeat=T):
        moves = zip((0, *states), states)
        if states[-1] >= len(labels) - 2 and all(
                0 <= b - a <= 1 or b - a == 2 and labels[b] != 0 and labels[a] != labels[b] for a, b in moves):
            yield states, sum(log_probs[t, labels[s]] for t, s in enumerate(states))


@given(examples())
def test_against_every_path(example):
    log_probs, targets, frames, lengths = example
    gamma = F.ctc_posteriors(*example)
    states, log_p = F.ctc_alignment(*example)
    assert gamma.shape == (*log_probs.shape[:2], 2 * max(1, lengths.max()) + 1)
    for b, (T, U) in enumerate(zip(frames, lengths)):
        paths = dict(every_path(log_probs[:T, b], targets[b, :U]))
        p, expected = sum(np.exp(list(paths.values()))), np.zeros(gamma[:, b].shape)
        for path, value in paths.items():
            expected[range(T), path] += np.exp(value) / p
        np.testing.assert_allclose(gamma[:, b], expected, atol=1e-13)
        np.testing.assert_allclose(log_p[b], max(paths.values()))
        np.testing.assert_allclose(paths[tuple(states[:T, b])], log_p[b])
        assert (states[T:, b] == -1).all()


def test_of_equally_likely_paths_one_that_moves_on_early():
    states, _ = F.ctc_alignment(np.log(np.full((4, 1, 2), 0.5)), [[1]], [4], [1])
    assert states[:, 0].tolist() == [1, 1, 1, 1]


def test_a_tensor_gives_an_array():
    log_probs = tm.tensor(np.log(np.full((2, 1, 2), 0.5, np.float32)), requires_grad=True)
    gamma = F.ctc_posteriors(log_probs, [[1]], [2], [1])
    states, log_p = F.ctc_alignment(log_probs, [[1]], [2], [1])
    assert type(gamma) is type(states) is type(log_p) is np.ndarray and gamma.dtype == log_p.dtype == np.float32


@pytest.mark.parametrize("f", [F.ctc_posteriors, F.ctc_alignment])
def test_what_does_not_fit_is_an_error(f):
    with pytest.raises(ValueError, match=f"{f.__name__}: .*example 0 has 2 frames for 2 labels"):
        f(np.zeros((2, 1, 3)), [[1, 1]], [2], [2])
