"""Splits: every row once, no leak, shares as asked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.splits import (
    crossed_split, group_split, held_out_compositions, leave_one_group_out, random_split,
)

seeds = st.integers(0, 2**32)
shares = st.sampled_from([(1.0,), (0.5, 0.5), (0.8, 0.1, 0.1), (0.6, 0.3, 0.1), (0.7, 0.2, 0.1)])


def assert_partition(parts, n):
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    assert all(len(part) and np.all(np.diff(part) > 0) for part in parts)


@given(st.integers(20, 300), shares, seeds)
def test_random_split(n, fractions, seed):
    parts = random_split(n, fractions, np.random.default_rng(seed))
    assert_partition(parts, n)
    assert all(abs(len(part) - share * n) <= 1 for part, share in zip(parts, fractions))
    again = random_split(n, fractions, np.random.default_rng(seed))
    assert all(np.array_equal(a, b) for a, b in zip(parts, again))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), shares, seeds)
def test_group_split(groups, fractions, seed):
    if len(set(groups)) < len(fractions):
        with pytest.raises(ValueError, match="need as many groups"):
            group_split(groups, fractions, np.random.default_rng(seed))
        return
    parts = group_split(groups, fractions, np.random.default_rng(seed))
    assert_partition(parts, len(groups))
    owners = [{groups[i] for i in part} for part in parts]
    assert sum(map(len, owners)) == len(set(groups))


def test_group_split_meets_its_shares():
    rng = np.random.default_rng(0)
    parts = group_split(rng.integers(200, size=2000).tolist(), (0.8, 0.1, 0.1), rng)
    np.testing.assert_allclose([len(part) / 2000 for part in parts], (0.8, 0.1, 0.1), atol=0.01)
    five_speakers = group_split([speaker for speaker in range(5) for _ in range(50)], (0.6, 0.2, 0.2), rng)
    assert [len(part) for part in five_speakers] == [150, 50, 50]


compositions = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@given(compositions, st.sampled_from([0.2, 0.5, 1.0]), seeds)
def test_held_out_compositions_are_new_but_made_of_known_parts(rows, fraction, seed):
    try:
        train, held_out = held_out_compositions(rows, fraction, np.random.default_rng(seed))
    except ValueError as error:
        assert "share each field value" in str(error)
        return
    assert_partition([train, held_out], len(rows))
    seen = [rows[i] for i in train]
    for i in held_out:
        assert rows[i] not in seen
        for position, value in enumerate(rows[i]):
            assert value in {row[position] for row in seen}


def test_held_out_share_on_a_table_like_the_emoji():
    tones = [(), ("light",), ("medium",), ("dark",)]
    rows = [(base, tone) for base in range(100) for tone in tones] + [(base, ()) for base in range(100, 400)]
    train, held_out = held_out_compositions(rows, 0.2, np.random.default_rng(0))
    bases = {rows[i][0] for i in train}
    assert all(rows[i][0] < 100 and rows[i][0] in bases for i in held_out)
    assert len(held_out) == 80  # a fifth of the 400 that may be held out


def test_real_emoji(shared_data):
    images = json.loads((shared_data("emoji") / "captions.json").read_bytes())["images"]
    rows = [(image["base"], tuple(image["tones"])) for image in images]
    train, held_out = held_out_compositions(rows, 0.2, np.random.default_rng(0))
    tones_in_training = {}
    for i in train:
        tones_in_training.setdefault(rows[i][0], set()).add(rows[i][1])
    assert all(tones_in_training[rows[i][0]] - {rows[i][1]} for i in held_out)
    tones_of = {}
    for base, tones in rows:
        tones_of.setdefault(base, set()).add(tones)
    eligible = sum(len(tones_of[base]) > 1 for base, _ in rows)
    assert abs(len(held_out) - 0.2 * eligible) <= 1


def test_wrong_calls_say_so():
    rng = np.random.default_rng(0)
    for fractions in [(0.5, 0.4), (1.2, -0.2), ()]:
        with pytest.raises(ValueError, match="positive and sum to 1"):
            random_split(10, fractions, rng)
    with pytest.raises(ValueError, match="every part needs a row"):
        random_split(3, (0.8, 0.1, 0.1), rng)
    with pytest.raises(ValueError, match="same fields"):
        held_out_compositions([(1, 2), (1,)], 0.5, rng)
    with pytest.raises(ValueError, match="same fields"):
        held_out_compositions([], 0.5, rng)
    with pytest.raises(ValueError, match="above 0"):
        held_out_compositions([(1, 2)], 0, rng)
    with pytest.raises(ValueError, match="share each field value"):
        held_out_compositions([(1, 2), (3, 4)], 0.5, rng)
    with pytest.raises(ValueError, match="crossed_split: needs two groups for each row"):
        crossed_split([1, 2], [1], 0.5, rng)
    with pytest.raises(ValueError, match="crossed_split: needs two groups for each row and a fraction"):
        crossed_split([1, 2], [1, 2], 1.0, rng)
    with pytest.raises(ValueError, match="as many groups; got 1"):
        crossed_split([1, 1], [1, 2], 0.5, rng)
    with pytest.raises(ValueError, match="every part needs a row of both kinds; got 0 to train on"):
        crossed_split([1, 2], [2, 1], 0.5, np.random.default_rng(2))
    with pytest.raises(ValueError, match="needs two groups or more; got 1"):
        next(leave_one_group_out(["ann", "ann"]))


@given(seeds, st.integers(2, 6), st.integers(2, 6), st.sampled_from([0.2, 0.5, 0.7]))
def test_crossed_parts_share_no_group_of_either_kind(seed, m, n, fraction):
    first, second = zip(*((f"a{i}", f"b{k}") for i in range(m) for k in range(n)))
    train, test = crossed_split(first, second, fraction, np.random.default_rng(seed))
    assert len(train) and len(test)
    for groups in (np.array(first), np.array(second)):
        assert not set(groups[train]) & set(groups[test])
    kept = [sum(groups[row] in set(np.array(groups)[test]) for groups in (first, second)) for row in range(m * n)]
    assert all((row in train) == (count == 0) and (row in test) == (count == 2) for row, count in enumerate(kept))


@given(st.lists(st.integers(0, 4), min_size=2, max_size=12).filter(lambda groups: len(set(groups)) > 1))
def test_each_group_is_left_out_once(groups):
    folds = list(leave_one_group_out(groups))
    assert [name for name, _, _ in folds] == sorted(set(groups))
    for name, train, test in folds:
        assert_partition([train, test], len(groups))
        assert {groups[i] for i in test} == {name}
