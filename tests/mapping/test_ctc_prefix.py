"""CTC asked label by label gives every transcript its probability; two steps asked together are the sum of both."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm.functional as F
from tinymm.mapping import beam_search, collapse, ctc_next_label, greedy, mixed

V, BLANK, BOS, EOS = 5, 0, 4, 3  # labels 1 and 2; what stands for the end is none
LABELS = (1, 2)
SEEDS = st.integers(0, 2**32 - 1)


def log_probs_of(seed, frames, batch=3):
    """(T, B, V), normalised over the blank and the labels; the two other words are no labels but have a share too."""
    return F.log_softmax(np.random.default_rng(seed).standard_normal((frames, batch, V)) * 2, -1)


def all_transcripts(longest):
    return [text for n in range(longest + 1) for text in product(LABELS, repeat=n)]


def by_paths(log_y, text):
    """p of a transcript: the sum over all paths that spell it, one by one."""
    return sum(np.exp(log_y[range(len(log_y)), path].sum()) for path in product(range(V), repeat=len(log_y))
               if collapse(path, BLANK) == [*text])


def score(step, row, text, eos=EOS):
    """What a step gives to the words of a text and to its end, summed."""
    words, rows, state, total = BOS, row, None, 0.0
    for word in (*text, eos):
        log_p, state = step(np.array([words]), np.array([rows]), state)
        total += log_p[0, word]
        words, rows = word, 0
    return total


def steady(seed):
    """A step whose answer depends on the newest word and on the row, as an attention decoder's might."""
    table = F.log_softmax(np.random.default_rng(seed).standard_normal((3, V, V)), -1)

    def step(words, rows, state):
        examples = rows if state is None else state[rows]
        return table[examples, words], examples

    return step


@given(seed=SEEDS)
@settings(max_examples=10)
def test_a_transcript_has_the_probability_of_the_paths_that_spell_it(seed):
    log_y = log_probs_of(seed, 4)
    lengths = [4, 3, 0]
    step = ctc_next_label(log_y, lengths, EOS, BLANK)
    for row, n in enumerate(lengths):
        for text in all_transcripts(3):
            expected = by_paths(log_y[:n, row], text)
            assert np.exp(score(step, row, text)) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(seed=SEEDS, frames=st.integers(1, 12), text=st.lists(st.sampled_from(LABELS), max_size=6))
def test_a_transcript_has_the_probability_of_the_ctc_loss(seed, frames, text):
    log_y = log_probs_of(seed, frames, 1)
    loss = F.ctc_loss(log_y, np.array(text, int), [frames], [len(text)], reduction="sum", zero_infinity=True)
    found = score(ctc_next_label(log_y, [frames], EOS, BLANK), 0, text)
    if loss:                                                             # 0 stands for a text that has too few frames
        assert found == pytest.approx(-float(loss), rel=1e-9)
    else:
        assert found == -np.inf


@given(seed=SEEDS, dtype=st.sampled_from([np.float64, np.float32]))
def test_what_may_come_next_sums_to_one(seed, dtype):
    """If nothing but labels, the blank and the end has a share."""
    log_y = np.full((6, 2, V), -np.inf, dtype)
    log_y[..., :3] = F.log_softmax(np.random.default_rng(seed).standard_normal((6, 2, 3)).astype(dtype), -1)
    step, state = ctc_next_label(log_y, [6, 4], EOS, BLANK), None
    words, rows = np.array([BOS, BOS]), np.array([1, 0])
    for _ in range(3):
        log_p, state = step(words, rows, state)
        assert log_p.dtype == dtype and (log_p[:, [BLANK, BOS]] == -np.inf).all()
        np.testing.assert_allclose(np.exp(log_p).sum(-1), 1, rtol=1e-5)
        words, rows = np.array([1, 2]), np.array([1, 0])


def test_what_stands_after_the_last_frame_is_never_looked_at():
    log_y = log_probs_of(0, 6)
    poisoned = log_y.copy()
    poisoned[4:, 1] = np.nan
    for text in all_transcripts(2):
        whole, other = (score(ctc_next_label(x, [6, 4, 5], EOS, BLANK), 1, text) for x in (log_y, poisoned))
        assert whole == other and np.isfinite(whole)


def test_rows_are_continued_in_any_order_and_an_impossible_one_stays_so():
    log_y = log_probs_of(1, 2)
    step = ctc_next_label(log_y, [2, 2, 2], EOS, BLANK)
    _, state = step(np.full(3, BOS), np.arange(3), None)
    found, state = step(np.array([1, 2, 1]), np.array([2, 2, 0]), state)
    for answer, (row, label) in zip(found, ((2, 1), (2, 2), (0, 1))):
        _, alone = step(np.array([BOS]), np.array([row]), None)
        np.testing.assert_array_equal(answer, step(np.array([label]), np.array([0]), alone)[0][0])
    _, state = step(np.array([1]), np.array([0]), state)                 # "1 1" needs three frames
    assert (step(np.array([1]), np.array([0]), state)[0] == -np.inf).all()


@given(seed=SEEDS, share=st.sampled_from([0.0, 0.3, 0.5, 1.0]))
@settings(max_examples=20)
def test_a_beam_that_keeps_all_finds_the_best_of_all_by_the_combined_score(seed, share):
    """By enumeration: (1 − λ) log p of the one and λ log p of the other, whole transcripts of up to 3 labels."""
    log_y, other = log_probs_of(seed, 4), steady(seed)
    step = mixed(other, ctc_next_label(log_y, [4, 3, 2], EOS, BLANK), share)

    def up_to_three(words, rows, state):
        length, inner = (0, None) if state is None else state
        log_p, inner = step(words, rows, inner)
        allowed = np.isin(np.arange(V), (*LABELS, EOS) if length < 3 else EOS)
        return np.where(allowed, log_p, -np.inf), (length + 1, inner)

    best = beam_search(up_to_three, 3, BOS, EOS, 4, beam=40, length_penalty=0.0)
    for row, n in enumerate((4, 3, 2)):
        scores = {}
        for text in all_transcripts(3):
            with np.errstate(divide="ignore"):
                parts = (1 - share, score(other, row, text)), (share, np.log(by_paths(log_y[:n, row], text)))
            scores[text] = sum(weight * value for weight, value in parts if weight)
        assert scores[tuple(best[row])] == pytest.approx(max(scores.values()), rel=1e-9)


def test_a_share_of_nothing_asks_only_one():
    def never(words, rows, state):
        raise AssertionError("was asked")

    one = steady(0)
    assert greedy(mixed(one, never, 0), 3, BOS, EOS, 4) == greedy(one, 3, BOS, EOS, 4)
    assert greedy(mixed(never, one, 1), 3, BOS, EOS, 4) == greedy(one, 3, BOS, EOS, 4)


def test_bad_arguments_are_refused_by_name():
    log_y = log_probs_of(0, 4)
    with pytest.raises(ValueError, match="mixed: the share must lie in \\[0, 1\\]; got 1.5"):
        mixed(steady(0), steady(1), 1.5)
    for eos in (BLANK, V, -1):
        with pytest.raises(ValueError, match=f"ctc_next_label: eos must be below V = 5 and not the blank; got {eos}"):
            ctc_next_label(log_y, [4, 4, 4], eos, BLANK)
    with pytest.raises(ValueError, match="ctc_next_label: needs B = 3 lengths from 0 to T = 4"):
        ctc_next_label(log_y, [4, 5, 4], EOS, BLANK)
