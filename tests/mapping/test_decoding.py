"""Decoding against exhaustive enumeration and against known distributions, on random bigram languages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tinymm.mapping import beam_search, drawing, filter_logits, greedy, likeliest, roll_out, sample

from .languages import BOS, EOS, WORDS, every_caption, language, log_p_of, step_of


def score(table, row, words, penalty):
    return log_p_of(table, row, words) / len(words)**penalty


@given(st.integers(0, 10_000), st.sampled_from((0.0, 0.7, 1.0)))
def test_a_wide_beam_finds_the_best_caption(seed, penalty):
    table = language(seed)
    found = beam_search(step_of(table), 2, BOS, EOS, 4, beam=200, length_penalty=penalty)
    for row, words in enumerate(found):
        best = max(every_caption(4), key=lambda w: score(table, row, w, penalty))
        closed = (*words, EOS) if len(words) < 4 else tuple(words)
        assert score(table, row, closed, penalty) == pytest.approx(score(table, row, best, penalty), abs=1e-12)


def patient_beam_search(table, max_length, beam, penalty):
    """Of one example, without a rule when to stop: it goes on as long as anything is open."""
    alive, closed = [(0.0, (BOS,))], []
    for length in range(1, max_length + 1):
        offers = [(score + table[words[-1], w], (*words, w)) for score, words in alive
                  for w in np.argsort(-table[words[-1]], kind="stable")[:beam].tolist()]
        best = sorted(offers, key=lambda offer: -offer[0])[:beam]
        closed += [(score / length**penalty, words) for score, words in best if words[-1] == EOS]
        alive = [offer for offer in best if offer[1][-1] != EOS]
    closed += [(score / max_length**penalty, words) for score, words in alive]
    words = max(closed, key=lambda c: c[0])[1][1:]
    return list(words[:words.index(EOS)] if EOS in words else words)


@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from((0.0, 0.5, 1.0, 2.0)))
def test_to_stop_early_changes_no_caption(seed, beam, penalty):
    table = language(seed, words=9)
    assert beam_search(step_of(table), 2, BOS, EOS, 7, beam, penalty) \
        == [patient_beam_search(table[row], 7, beam, penalty) for row in range(2)]


@pytest.mark.parametrize("close, beam, penalty, steps", [
    # EOS or word 2 at each step. With a penalty of 1 an open caption may hope for the score it has, over 10 words; so
    # for p(EOS) = 0.7, 0.3^n in 10 words is better than 0.7 in one as long as n < 3.
    (0.7, 2, 1.0, 3), (0.7, 2, 0.0, 2), (0.5, 2, 1.0, 10), (0.5, 2, 0.0, 2), (0.4, 2, 1.0, 10), (0.4, 2, 0.0, 2),
    (0.1, 2, 0.0, 10)])
def test_beam_search_stops_when_nothing_open_can_win(close, beam, penalty, steps):
    """With as many closed captions as the beam is wide, and the best at least what an open one can still reach."""
    calls = []
    logs = np.log([1e-9, close, 1 - close - 2e-9, 1e-9])

    def step(words, rows, state):
        calls.append(len(words))
        return np.broadcast_to(logs, (len(words), WORDS)), None

    beam_search(step, 1, BOS, EOS, 10, beam, penalty)
    best_open = np.arange(1, 11) * logs[2] / 10**penalty            # what it reaches if it is never extended
    closed = [(k * logs[2] + logs[1]) / (k + 1)**penalty for k in range(10)]
    settled = [n for n in range(1, 11) if n >= beam and max(closed[:n]) >= best_open[n - 1]]
    assert len(calls) == min([*settled, 10]) == steps


@given(st.integers(0, 10_000))
def test_a_beam_of_one_is_greedy(seed):
    table = language(seed)
    assert beam_search(step_of(table), 2, BOS, EOS, 6, beam=1) == greedy(step_of(table), 2, BOS, EOS, 6)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_beams_do_not_depend_on_their_neighbours_in_the_batch(seed, beam):
    table = language(seed)
    together = beam_search(step_of(table), 2, BOS, EOS, 5, beam=beam)
    for row in range(2):
        alone = beam_search(step_of(table[row:row + 1]), 1, BOS, EOS, 5, beam=beam)
        assert alone == together[row:row + 1]


@given(st.integers(0, 10_000))
def test_greedy_follows_the_likeliest_word(seed):
    table = language(seed)
    for row, words in enumerate(greedy(step_of(table), 2, BOS, EOS, 5)):
        last = BOS
        for word in words:
            assert word == table[row, last].argmax()
            last = word
        assert len(words) == 5 or table[row, last].argmax() == EOS


def test_samples_follow_the_distribution_at_any_temperature():
    table, n, rng = language(3)[:1], 20_000, np.random.default_rng(0)
    for temperature in (0.5, 1.0, 2.0):
        drawn = sample(step_of(np.broadcast_to(table, (n, WORDS, WORDS))), n, BOS, EOS, 1, rng, temperature)
        counts = np.bincount([words[0] if words else EOS for words in drawn], minlength=WORDS)
        p = np.exp(table[0, BOS] / temperature)
        p /= p.sum()
        # five standard errors of a binomial share
        np.testing.assert_array_less(np.abs(counts / n - p), 5 * np.sqrt(p * (1 - p) / n) + 1e-3)


@pytest.mark.parametrize("temperature, top_k, top_p", [
    (0.5, 2, None), (2.0, 2, None), (2.0, None, 0.75), (0.5, None, 0.75), (3.0, 3, 0.6), (1.0, 1, None),
    (1.0, None, 1)])
def test_samples_are_restricted_after_the_temperature(temperature, top_k, top_p):
    """A flatter distribution needs more words for the same share; what is left is drawn by what it has."""
    n, logs = 20_000, np.log([0.1, 0.2, 0.3, 0.4])
    p = np.exp(logs / temperature) / np.exp(logs / temperature).sum()
    order = np.argsort(-p)
    first = order[:top_k]
    kept = [w for i, w in enumerate(first) if top_p is None or p[first[:i]].sum() < top_p * p[first].sum()]
    expected = np.where(np.isin(np.arange(4), kept), p, 0) / p[kept].sum()
    table = np.broadcast_to(logs, (n, WORDS, WORDS))
    drawn = sample(step_of(table), n, BOS, EOS, 1, np.random.default_rng(0), temperature, top_k, top_p)
    counts = np.bincount([words[0] if words else EOS for words in drawn], minlength=WORDS)
    assert (counts[expected == 0] == 0).all()
    np.testing.assert_array_less(np.abs(counts / n - expected), 5 * np.sqrt(expected * (1 - expected) / n) + 1e-3)


@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0.05, 1.0))
def test_filters_keep_the_likeliest_and_no_more_than_asked(seed, top_k, top_p):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((3, 6))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    kept = np.isfinite(filter_logits(logits, top_k=top_k))
    assert (kept.sum(-1) == top_k).all()
    assert all(row[k].min() >= row[~k].max(initial=-1) for row, k in zip(p, kept))
    nucleus = np.isfinite(filter_logits(logits, top_p=top_p))
    for row, k in zip(p, nucleus):
        assert row[k].min() >= row[~k].max(initial=-1)
        assert row[k].sum() >= top_p - 1e-12 and row[k].sum() - row[k].min() < top_p


def test_the_nucleus_ends_with_the_word_that_reaches_the_share():
    """Not with the next, where the share is reached exactly."""
    logits = np.log([0.125, 0.5, 0.125, 0.25])
    for top_p, kept in ((0.25, [1]), (0.5, [1]), (0.51, [1, 3]), (0.75, [1, 3]), (0.8, [0, 1, 3]), (1, [0, 1, 2, 3])):
        assert np.flatnonzero(np.isfinite(filter_logits(logits, top_p=top_p))).tolist() == kept
    both = filter_logits(np.stack([logits, logits[::-1]]), top_k=3, top_p=0.75)
    assert np.isfinite(both).tolist() == [[False, True, False, True], [True, False, True, False]]


@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(1, 6), st.floats(0.05, 1.0))
def test_min_p_is_a_share_of_the_largest_and_filters_follow_one_another(seed, min_p, top_k, top_p):
    """The order in which users of transformers expect them: k, then p of what is left, then min-p."""
    logits = np.random.default_rng(seed).standard_normal((3, 6))
    p = np.exp(logits)
    np.testing.assert_array_equal(np.isfinite(filter_logits(logits, min_p=min_p)),
                                  p >= min_p * p.max(-1, keepdims=True) * (1 - 1e-15))
    together = filter_logits(logits, top_k, top_p, min_p)
    one_by_one = filter_logits(filter_logits(filter_logits(logits, top_k), top_p=top_p), min_p=min_p)
    np.testing.assert_array_equal(together, one_by_one)
    assert together.argmax(-1).tolist() == logits.argmax(-1).tolist()    # the likeliest always stays
    kept = np.isfinite(together)
    np.testing.assert_array_equal(together[kept], logits[kept])


@pytest.mark.parametrize("settings", [
    dict(), dict(temperature=0.7, top_k=2), dict(top_p=0.8), dict(min_p=0.3), dict(temperature=2.0, top_k=3, min_p=0.5),
    dict(temperature=1.5, top_k=3, top_p=0.9, min_p=0.1)], ids=str)
def test_whole_captions_come_as_often_as_they_are_probable(settings):
    """Chi-square of the drawn captions against the enumeration of all, filtered word by word."""
    n, table = 20_000, language(11)[:1]
    step = step_of(np.broadcast_to(table, (n, WORDS, WORDS)))
    tau = settings.get("temperature", 1.0)
    filters = {name: value for name, value in settings.items() if name != "temperature"}
    filtered = np.exp(filter_logits(table[0] / tau, **filters))
    filtered /= filtered.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        expected = {words: np.exp(log_p_of(np.log(filtered)[None], 0, words)) for words in every_caption(3)}
    assert sum(expected.values()) == pytest.approx(1, abs=1e-9)
    found = roll_out(step, n, BOS, EOS, 3, drawing(np.random.default_rng(0), **settings))
    drawn = [(*words, EOS) if closed else tuple(words) for words, closed in zip(found.words, found.closed)]
    counts = {words: drawn.count(words) for words in expected}
    assert sum(counts.values()) == n and not any(counts[words] for words, p in expected.items() if p == 0)
    often = [words for words, p in expected.items() if n * p >= 5]       # the others are one cell
    cells = [[table[words] for words in often] for table in (counts, expected)]
    rest = max(1 - sum(cells[1]), 0.0)
    if n * rest >= 5:
        cells = [cells[0] + [n - sum(cells[0])], cells[1] + [rest]]
    observed, shares = np.array(cells[0], float), np.array(cells[1])
    if len(observed) > 1:
        assert chisquare(observed, observed.sum() * shares / shares.sum()).pvalue > 1e-3


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_rolling_out_tells_what_was_closed_and_how_likely_it_is(seed, max_length):
    table = language(seed)
    for choose, plain in ((likeliest, greedy(step_of(table), 2, BOS, EOS, max_length)),
                          (drawing(np.random.default_rng(seed), 2.0, top_k=3),
                           sample(step_of(table), 2, BOS, EOS, max_length, np.random.default_rng(seed), 2.0, 3))):
        found = roll_out(step_of(table), 2, BOS, EOS, max_length, choose)
        assert found.words == plain
        for row, words in enumerate(found.words):
            assert len(words) == max_length or found.closed[row]         # the end of what is short is a closing word
            whole = (*words, EOS) if found.closed[row] else tuple(words)
            assert len(whole) <= max_length
            assert found.log_p[row] == pytest.approx(log_p_of(table, row, whole), rel=1e-12)


def test_a_caption_as_long_as_allowed_is_cut_not_closed():
    """Word 2 twice, then EOS for sure: whether there is room for EOS decides."""
    logs = np.full((1, WORDS, WORDS), -1e3)
    logs[0, BOS, 2] = logs[0, 2, 3] = logs[0, 3, EOS] = 0.0
    for max_length, words, closed in ((1, [2], False), (2, [2, 3], False), (3, [2, 3], True), (4, [2, 3], True)):
        found = roll_out(step_of(logs), 1, BOS, EOS, max_length, likeliest)
        assert (found.words, found.closed.tolist(), found.log_p.tolist()) == ([words], [closed], [0.0])


def test_wrong_settings_are_named():
    step = step_of(language(0))
    with pytest.raises(ValueError, match=r"sample: temperature must be positive \(for the likeliest word use greedy\); "
                                         "got 0"):
        sample(step, 1, BOS, EOS, 3, np.random.default_rng(0), temperature=0)
    for options, message in ((dict(top_k=0), "sample: top_k must be at least 1; got 0"),
                             (dict(top_p=0), r"sample: top_p must lie in \(0, 1\]; got 0"),
                             (dict(min_p=-0.1), r"sample: min_p must lie in \[0, 1\]; got -0.1"),
                             (dict(min_p=1.1), r"sample: min_p must lie in \[0, 1\]; got 1.1"),
                             (dict(temperature=float("inf")), "sample: temperature must be positive"),
                             (dict(temperature=-1), "sample: temperature must be positive"),
                             (dict(temperature=float("nan")), "sample: temperature must be positive")):
        with pytest.raises(ValueError, match=message):
            sample(step, 1, BOS, EOS, 3, np.random.default_rng(0), **options)
    with pytest.raises(ValueError, match="filter_logits: top_k must be at least 1"):
        filter_logits(np.zeros(3), top_k=0)
    with pytest.raises(ValueError, match=r"top_p must lie in \(0, 1\]; got 1.5"):
        filter_logits(np.zeros(3), top_p=1.5)
    with pytest.raises(ValueError, match="beam must be at least 1"):
        beam_search(step, 1, BOS, EOS, 3, beam=0)


@pytest.mark.parametrize("decode", [greedy, beam_search, sample])
def test_the_step_of_before_is_refused_with_the_new_form(decode):
    options = {"rng": np.random.default_rng(0)} if decode is sample else {}
    with pytest.raises(ValueError, match=rf"{decode.__name__}: step must be step\(words, rows, state\) -> "
                                         r"\(log_p, state\), .*; got step\(prefixes, rows\)$"):
        decode(lambda prefixes, rows: None, 1, BOS, EOS, 3, **options)


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_rows_continue_those_of_the_last_call(seed, beam):
    """Put together, words and rows are prefixes of what comes out; the state that comes back is the one passed on."""
    table = language(seed)
    for decode in (lambda step: greedy(step, 2, BOS, EOS, 5),
                   lambda step: beam_search(step, 2, BOS, EOS, 5, beam=beam)):
        prefixes, seen, states = None, set(), [None]

        def step(words, rows, state):
            nonlocal prefixes
            assert state is states[-1] and words.shape == rows.shape
            if state is None:
                assert words.tolist() == [BOS, BOS] and rows.tolist() == [0, 1]
                prefixes = [(0,), (1,)]
            else:
                assert EOS not in words
                prefixes = [(*prefixes[row], word) for row, word in zip(rows, words.tolist())]
            assert len(set(prefixes)) == len(prefixes)
            seen.update(prefixes)
            log_p, examples = step_of(table)(words, rows, state)
            assert examples.tolist() == [prefix[0] for prefix in prefixes]
            states.append(examples)
            return log_p, examples

        for example, caption in enumerate(decode(step)):
            closed = (example, *caption) in seen                         # after its last word EOS was chosen
            assert closed or len(caption) == 5 and (example, *caption[:-1]) in seen


def test_nothing_to_caption_asks_nothing():
    def step(words, rows, state):
        raise AssertionError("there is no caption to extend")

    assert greedy(step, 0, BOS, EOS, 5) == beam_search(step, 0, BOS, EOS, 5) == []
