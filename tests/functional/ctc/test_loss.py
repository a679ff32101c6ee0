"""The CTC loss against every alignment written out, against PyTorch, at its edges."""

import importlib.util
import math
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="compared with PyTorch")


def scores_of(rng, T, B, V):
    return rng.standard_normal((T, B, V)) * 2


def loss_and_gradient(scores, *args, **kwargs):
    """With respect to the scores, through log_softmax."""
    x = tm.tensor(scores, requires_grad=True)
    loss = F.ctc_loss(F.log_softmax(x, -1), *args, **kwargs)
    return loss.data, tm.grad(loss.sum(), x)[0].data


def needed(transcript):
    return len(transcript) + sum(a == b for a, b in zip(transcript, transcript[1:]))


@pytest.mark.parametrize("T", range(1, 7))
def test_every_transcript_up_to_four_labels_by_enumeration(rng, T):
    """All alignments over two labels and the blank: loss and gradient of all 31 transcripts,
    those that do not fit included."""
    scores = scores_of(rng, T, 1, 3)
    y = np.exp(F.log_softmax(scores, -1))[:, 0]
    p, says = {}, {}                                            # by transcript: p(l); Σ p(π) over paths with π_t = k
    for path in product(range(3), repeat=T):
        transcript = tuple(k for k, _ in groupby(path) if k != 0)
        weight = math.prod(y[t, k] for t, k in enumerate(path))
        p[transcript] = p.get(transcript, 0) + weight
        says.setdefault(transcript, np.zeros((T, 3)))[range(T), path] += weight
    assert math.isclose(sum(p.values()), 1)
    for U in range(5):
        for transcript in product((1, 2), repeat=U):
            args = (np.array([transcript], int).reshape(1, U), [T], [U])
            if needed(transcript) > T:
                assert transcript not in p
                with pytest.raises(ValueError, match=f"example 0 has {T} frames for {U} labels"):
                    F.ctc_loss(F.log_softmax(scores, -1), *args)
                loss, d = loss_and_gradient(scores, *args, reduction="sum", zero_infinity=True)
                assert loss == 0 and not d.any()
                continue
            loss, d = loss_and_gradient(scores, *args, reduction="sum")
            np.testing.assert_allclose(loss, -np.log(p[transcript]), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(d[:, 0], y - says[transcript] / p[transcript], rtol=1e-10, atol=1e-13)


def drawn(seed, T=12, B=4, V=5, longest=6):
    """Scores and transcripts with repeats, some empty, that fit."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(1, T + 1, B)
    frames[0] = T
    targets, lengths = np.zeros((B, longest), int), np.zeros(B, int)
    for b in range(B):
        row = rng.integers(1, V, rng.integers(0, longest + 1))
        while needed(row.tolist()) > frames[b]:
            row = row[:-1]
        targets[b, :len(row)], lengths[b] = row, len(row)
    return scores_of(rng, T, B, V), targets, frames, lengths


@needs_torch
@given(st.integers(0, 2**32 - 1), st.sampled_from(("mean", "sum", "none")))
def test_pytorch_s_loss_and_gradient(seed, reduction):
    import torch
    scores, targets, frames, lengths = drawn(seed)
    loss, d = loss_and_gradient(scores, targets, frames, lengths, reduction=reduction)
    x = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(x.log_softmax(-1), *map(torch.tensor, (targets, frames, lengths)),
                                          reduction=reduction)
    theirs.sum().backward()
    np.testing.assert_allclose(loss, theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(d, x.grad.numpy(), atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_padding_does_not_matter_and_gets_exactly_zero(seed):
    scores, targets, frames, lengths = drawn(seed)
    rng = np.random.default_rng(seed)
    loss, d = loss_and_gradient(scores, targets, frames, lengths, reduction="none")
    log_probs, moved = F.log_softmax(scores, -1), targets.copy()
    for b in range(len(frames)):
        assert not d[frames[b]:, b].any()
        log_probs[frames[b]:, b] = rng.choice([np.nan, -np.inf, 3.0])
        moved[b, lengths[b]:] = rng.integers(-9, 9)
    x = tm.tensor(log_probs, requires_grad=True)
    again = F.ctc_loss(x, moved, frames, lengths, reduction="none")
    np.testing.assert_array_equal(again.data, loss)
    slope = tm.grad(again.sum(), x)[0].data
    for b in range(len(frames)):
        assert np.isfinite(slope).all() and not slope[frames[b]:, b].any()
        alone = F.ctc_loss(log_probs[:frames[b], b], targets[b, :lengths[b]], frames[b], lengths[b], reduction="none")
        np.testing.assert_allclose(alone, loss[b], rtol=1e-13, atol=1e-15)


@given(st.integers(0, 2**32 - 1))
def test_the_gradient_of_log_probabilities_is_minus_the_posterior(seed):
    """Each real frame says something: minus 1 in all. Through log_softmax: y − posterior, 0 in all."""
    scores, targets, frames, lengths = drawn(seed)
    x = tm.tensor(F.log_softmax(scores, -1), requires_grad=True)
    d = tm.grad(F.ctc_loss(x, targets, frames, lengths, reduction="sum"), x)[0].data
    real = np.arange(len(scores))[:, None] < frames
    np.testing.assert_allclose(d.sum(-1), -real.astype(float), atol=1e-13)
    assert d.max() <= 0
    np.testing.assert_allclose(loss_and_gradient(scores, targets, frames, lengths, reduction="sum")[1],
                               np.exp(x.data) * real[..., None] + d, atol=1e-13)


@given(st.integers(0, 2**32 - 1))
def test_transcripts_end_to_end_are_the_same_as_rows(seed):
    scores, targets, frames, lengths = drawn(seed)
    log_probs = F.log_softmax(scores, -1)
    joined = np.concatenate([row[:n] for row, n in zip(targets, lengths)])
    assert F.ctc_loss(log_probs, joined, frames, lengths) == F.ctc_loss(log_probs, targets, frames, lengths)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_which_label_is_the_blank_is_a_matter_of_names(seed, blank):
    scores, targets, frames, lengths = drawn(seed)
    order = np.roll(np.arange(5), blank)                                # label k is called order[k]
    renamed = np.empty_like(scores)
    renamed[..., order] = scores
    assert order[0] == blank or order[0] != 0
    np.testing.assert_allclose(F.ctc_loss(F.log_softmax(renamed, -1), order[targets], frames, lengths,
                                          blank=int(order[0])),
                               F.ctc_loss(F.log_softmax(scores, -1), targets, frames, lengths), rtol=1e-13)


def test_as_many_frames_as_labels(rng):
    """One path only: the labels themselves."""
    log_probs = F.log_softmax(scores_of(rng, 4, 1, 4), -1)
    path = [1, 3, 2, 1]
    assert math.isclose(F.ctc_loss(log_probs, [path], [4], [4], reduction="sum"), -log_probs[range(4), 0, path].sum())


def test_an_empty_transcript_is_silence(rng):
    log_probs = F.log_softmax(scores_of(rng, 5, 2, 3), -1)
    for targets in (np.zeros((2, 0), int), np.zeros((2, 3), int), np.zeros(0, int), []):
        losses = F.ctc_loss(log_probs, targets, [5, 3], [0, 0], reduction="none")
        np.testing.assert_allclose(losses, [-log_probs[:, 0, 0].sum(), -log_probs[:3, 1, 0].sum()])
    assert math.isclose(F.ctc_loss(log_probs, [], [5, 3], [0, 0]), losses.mean())


def test_no_frames_hold_the_empty_transcript_alone():
    log_probs = np.log(np.full((2, 2, 2), 0.5))
    np.testing.assert_allclose(F.ctc_loss(log_probs, [[1], [1]], [0, 2], [0, 1], reduction="none"), [0, -np.log(0.75)])
    with pytest.raises(ValueError, match="example 0 has 0 frames for 1 labels"):
        F.ctc_loss(log_probs, [[1], [1]], [0, 2], [1, 1])
    assert F.ctc_loss(np.zeros((0, 1, 2)), [[1]], [0], [0], reduction="sum") == 0


def test_mean_divides_by_the_transcript_first(rng):
    log_probs = F.log_softmax(scores_of(rng, 9, 3, 4), -1)
    targets, frames, lengths = np.array([[1, 2, 3, 1], [2, 0, 0, 0], [0, 0, 0, 0]]), [9, 5, 2], [4, 1, 0]
    a, b, c = F.ctc_loss(log_probs, targets, frames, lengths, reduction="none")
    assert math.isclose(F.ctc_loss(log_probs, targets, frames, lengths), (a / 4 + b + c) / 3)
    assert math.isclose(F.ctc_loss(log_probs, targets, frames, lengths, reduction="sum"), a + b + c)


def test_probability_zero_is_infinite_and_gives_no_gradient():
    log_probs = np.log(np.array([[[0.5, 0.5], [1.0, 1e-300]]] * 3))
    log_probs[:, 1, 1] = -np.inf
    x = tm.tensor(log_probs, requires_grad=True)
    losses = F.ctc_loss(x, [[1], [1]], [3, 3], [1, 1], reduction="none")
    assert np.isfinite(losses.data[0]) and losses.data[1] == np.inf
    composite = tm.autograd.registry["ctc_losses"].op.composite(log_probs, np.array([[1], [1]]), [3, 3], [1, 1])
    np.testing.assert_allclose(composite, losses.data)
    d, = tm.grad(losses, x, np.ones(2))
    assert np.isfinite(d.data).all() and d.data[:, 0].any() and not d.data[:, 1].any()
    assert F.ctc_loss(x, [[1], [1]], [3, 3], [1, 1], reduction="none", zero_infinity=True).data[1] == 0


def test_forbidden_labels_are_no_obstacle(rng):
    """Probability 0 where the transcript does not need it."""
    scores = scores_of(rng, 6, 1, 4)
    scores[..., 3] = -np.inf
    loss, d = loss_and_gradient(scores, [[1, 2]], [6], [2], reduction="sum")
    shorter, e = loss_and_gradient(scores[..., :3], [[1, 2]], [6], [2], reduction="sum")
    assert math.isclose(loss, shorter)
    np.testing.assert_allclose(d[..., :3], e, atol=1e-14)
    assert not d[..., 3].any()


@pytest.mark.parametrize("T,U", [(500, 60), (500, 249), (2000, 20)])
def test_long_inputs_in_float32(rng, T, U):
    """float32 agrees with float64 to a few ulp, however small p(l) is: here below e^-500."""
    scores = scores_of(rng, T, 2, 6).astype(np.float32)
    targets, args = rng.integers(1, 6, (2, U)), ([T, T - 20], [U, U - 10])
    targets[:, 1::2] = targets[:, ::2][:, :U // 2] % 5 + 1              # no repeats: all fit
    loss, d = loss_and_gradient(scores, targets, *args, reduction="none")
    exact, e = loss_and_gradient(scores.astype(np.float64), targets, *args, reduction="none")
    assert loss.dtype == d.dtype == np.float32 and exact.min() > 500
    np.testing.assert_allclose(loss, exact, rtol=2e-6)
    np.testing.assert_allclose(d, e, atol=2e-5)


def test_a_sure_model_in_float32():
    """Scores of ±40: wrong beginnings of probability e^-80 and less must not be lost, for the end may need them."""
    scores = np.full((30, 1, 3), -40, np.float32)
    scores[:, 0, 0] = 40                                                # all frames are sure of the blank
    loss, d = loss_and_gradient(scores, [[1, 2, 1, 1]], [30], [4], reduction="sum")
    exact, e = loss_and_gradient(scores.astype(np.float64), [[1, 2, 1, 1]], [30], [4], reduction="sum")
    assert math.isclose(loss, exact, rel_tol=1e-6) and exact > 300
    np.testing.assert_allclose(d, e, atol=1e-5)


def test_descent_learns_a_transcript(rng):
    x = scores_of(rng, 10, 1, 4)
    for _ in range(300):
        loss, d = loss_and_gradient(x, [[1, 1, 3]], [10], [3], reduction="sum")
        x = x - d
    assert loss < 0.05
    assert [k for k, _ in groupby(x[:, 0].argmax(-1)) if k != 0] == [1, 1, 3]


def test_one_example_without_a_batch(rng):
    log_probs = F.log_softmax(scores_of(rng, 6, 1, 4), -1)
    # with padding
    single = [F.ctc_loss(log_probs[:, 0], [1, 2, -1], 6, 2, reduction=r) for r in ("none", "sum", "mean")]
    batch = [F.ctc_loss(log_probs, [[1, 2]], [6], [2], reduction=r) for r in ("none", "sum", "mean")]
    assert single[0].shape == () and batch[0].shape == (1,)
    np.testing.assert_array_equal(single, [batch[0][0], *batch[1:]])


def test_an_empty_batch():
    log_probs = np.zeros((3, 0, 4))
    assert F.ctc_loss(log_probs, np.zeros((0, 2), int), [], [], reduction="sum") == 0
    assert F.ctc_loss(log_probs, [], [], [], reduction="none").shape == (0,)
    with pytest.raises(ValueError, match="ctc_loss: a mean over no examples does not exist"):
        F.ctc_loss(log_probs, [], [], [])


def test_errors_say_what_came():
    y, ok = np.zeros((4, 2, 3)), ([[1, 2], [2, 1]], [4, 4], [2, 2])
    for args, message in (
            ((np.zeros((1, 4, 2, 3)), *ok), r"log_probs must be \(T, B, V\); got \(1, 4, 2, 3\)"),
            ((y, *ok, 3), "blank must be one of the 3 labels; got 3"),
            ((y, *ok, -1), "blank must be one of the 3 labels; got -1"),
            ((y, ok[0], [4, 5], ok[2]), "input_lengths must be at most T = 4; got 5"),
            ((y, ok[0], [4], ok[2]), r"input_lengths must be 2 whole numbers from 0 on; got \[4\]"),
            ((y, ok[0], [4, -1], ok[2]), r"input_lengths must be 2 whole numbers from 0 on; got \[4, -1\]"),
            ((y, ok[0], [4, 4.0], ok[2]), "input_lengths must be 2 whole numbers"),
            ((y, ok[0], ok[1], [2, 3]), r"target_lengths must fit the targets, of shape \(2, 2\); got \[2, 3\]"),
            ((y, [1, 2, 2, 1], ok[1], [2, 1]), r"target_lengths must fit the targets, of shape \(4,\); got \[2, 1\]"),
            ((y, [1, 2, 2, 1], ok[1], [2, 3]), r"target_lengths must fit the targets, of shape \(4,\); got \[2, 3\]"),
            ((y, [[1, 2]], *ok[1:]),
             r"targets must be whole numbers, \(B, U\) with B = 2 or all in a row; got int64 of shape \(1, 2\)"),
            ((y, np.zeros((2, 2)), *ok[1:]), "targets must be whole numbers, .* got float64"),
            ((y, np.ones((2, 2, 1), int), *ok[1:]), "targets must be whole numbers"),
            ((y, [[1, 3], [1, 1]], *ok[1:]), r"labels from 0 to 2 other than the blank, 0; got \[1, 3\]"),
            ((y, [[1, -1], [1, 1]], *ok[1:]), r"got \[1, -1\]"),
            ((y, [[1, 2], [0, 1]], *ok[1:]), r"got \[0, 1\]"),
            ((y, [[1, 2], [1, 1]], [4, 2], [2, 2]),
             r"example 1 has 2 frames for 2 labels \(zero_infinity=True counts it as 0\)"),
            ((y, *ok, 0, "average"), "reduction is 'mean', 'sum' or 'none'; got 'average'")):
        with pytest.raises(ValueError, match=f"ctc_loss: .*{message}"):
            F.ctc_loss(*args)
