"""Edit distance against the naive recursion, alignments replayed, error rates on paper."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinymm.metrics import (
    aligned_text, character_error_rate, edit_alignment, edit_counts, edit_distance, word_error_rate,
)

sequences = st.text(alphabet="abc", max_size=5)
longer = st.text(alphabet="abc", max_size=12)


def naive(h, r):
    if not h or not r:
        return len(h) + len(r)
    return min(naive(h[1:], r[1:]) + (h[0] != r[0]), naive(h, r[1:]) + 1, naive(h[1:], r) + 1)


@given(sequences, sequences)
def test_edit_distance_equals_the_naive_recursion(h, r):
    assert edit_distance(h, r) == naive(h, r)


@given(longer, longer, longer)
def test_edit_distance_is_a_metric(a, b, c):
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@given(longer, longer)
def test_the_alignment_reads_both_sequences_at_the_distance_s_cost(h, r):
    steps = edit_alignment(h, r)
    assert "".join(token for _, token, _ in steps if token is not None) == r
    assert "".join(token for _, _, token in steps if token is not None) == h
    assert sum(op != "match" for op, _, _ in steps) == edit_distance(h, r)
    for op, reference, hypothesis in steps:
        assert op == ("insert" if reference is None else "delete" if hypothesis is None
                      else "match" if reference == hypothesis else "substitute")


def alignments(h, r):
    """Every alignment, as ops from the end backwards."""
    if not h and not r:
        return [()]
    found = []
    if h and r:
        found += [("same" if h[-1] == r[-1] else "other", *rest) for rest in alignments(h[:-1], r[:-1])]
    if r:
        found += [("delete", *rest) for rest in alignments(h, r[:-1])]
    if h:
        found += [("insert", *rest) for rest in alignments(h[:-1], r)]
    return found


@example("aba", "bab")  # to delete and to insert are as cheap
@given(st.text(alphabet="ab", max_size=4), st.text(alphabet="ab", max_size=4))
def test_among_the_cheapest_alignments_it_is_the_first_in_the_order_of_preference(h, r):
    """From the end backwards: a match or substitution before a deletion, a deletion before an insertion."""
    everything = alignments(h, r)               # made in that order, so that the first of the cheapest is the preferred
    preferred = min(everything, key=lambda ops: sum(op != "same" for op in ops))
    names = {"match": "same", "substitute": "other"}
    assert tuple(names.get(op, op) for op, _, _ in edit_alignment(h, r)[::-1]) == preferred


def test_alignment_on_paper():
    assert edit_alignment(["a", "x", "c"], ["a", "b", "c"])[1] == ("substitute", "b", "x")
    assert edit_alignment(["a", "b"], ["b"]) == [("insert", None, "a"), ("match", "b", "b")]
    assert edit_alignment(["b"], ["a", "b"]) == [("delete", "a", None), ("match", "b", "b")]
    assert edit_alignment([], []) == []


@given(st.lists(st.tuples(longer, longer), min_size=1, max_size=4))
def test_counts_make_up_the_error_rate(pairs):
    hypotheses, references = zip(*pairs)
    counts = edit_counts(hypotheses, references)
    said = counts["match"] + counts["substitute"] + counts["delete"]
    assert said == sum(map(len, references))
    assert counts["match"] + counts["substitute"] + counts["insert"] == sum(map(len, hypotheses))
    if said:
        errors = counts["substitute"] + counts["delete"] + counts["insert"]
        assert errors / said == character_error_rate(hypotheses, references)


@given(st.lists(st.integers(0, 120), max_size=6), st.lists(st.integers(0, 120), max_size=6))
def test_aligned_text_shows_both_transcripts_in_columns(hypothesis, reference):
    said, heard, errors = aligned_text(hypothesis, reference).split("\n")
    assert [word for word in said.split()[1:] if "*" not in word] == list(map(str, reference))
    assert [word for word in heard.split()[1:] if "*" not in word] == list(map(str, hypothesis))
    starts = [k for k in range(7, len(said)) if said[k - 1] == " " != said[k]]
    assert starts == [k for k in range(7, len(heard)) if heard[k - 1] == " " != heard[k]]
    assert {k for k, letter in enumerate(errors) if letter != " "} <= set(starts)
    assert len(errors.split()) == edit_distance(hypothesis, reference)


def test_aligned_text_on_paper():
    assert aligned_text(["one", "five"], ["one", "two", "five"]) == ("said   one two five\n"
                                                                     "heard  one *** five\n"
                                                                     "           D")
    assert aligned_text(["oh", "eleven"], ["eight"]).split("\n")[2].split() == ["I", "S"]
    assert aligned_text([], []) == "said\nheard\n"
    assert aligned_text(["", "a"], ["a"]) == "said   * a\nheard    a\n       I"
    assert aligned_text(["a"], ["a", ""]) == "said   a\nheard  a *\n         D"


def test_error_rates_on_paper():
    # 1 substitution + 1 insertion + 2 deletions over 3 + 2 + 2 words; the mean of rates would be (1/3 + 1/2 + 1)/3.
    hypotheses, references = ["one too three", "four five six", ""], ["one two three", "four five", "seven eight"]
    assert word_error_rate(hypotheses, references) == pytest.approx(4 / 7)
    assert word_error_rate([h.split() for h in hypotheses], [r.split() for r in references]) == pytest.approx(4 / 7)
    # "ab d" against "abcd": one character of four. Whole words: both wrong, against one: 2/1.
    assert character_error_rate(["ab d"], ["abcd"]) == pytest.approx(1 / 4)
    assert word_error_rate(["ab d"], ["abcd"]) == 2.0


@pytest.mark.parametrize("rate", [word_error_rate, character_error_rate])
def test_errors_name_the_rate(rate):
    with pytest.raises(ValueError, match=f"^{rate.__name__}: .* must have the same length; got 1 and 2"):
        rate(["a"], ["a", "b"])
    with pytest.raises(ValueError, match=f"^{rate.__name__}: .* at least one token; got none in 1 items"):
        rate(["a"], [""])
    with pytest.raises(ValueError, match=f"{rate.__name__}: .*got a single string"):
        rate("ab", ["a", "b"])


def test_counts_want_as_many_of_both():
    with pytest.raises(ValueError, match="edit_counts: .* must have the same length; got 1 and 2"):
        edit_counts(["a"], ["a", "b"])


def test_character_error_rate_wants_strings():
    with pytest.raises(ValueError, match="character_error_rate: transcripts must be strings; got list"):
        character_error_rate([["a"]], ["a"])
