"""Ways to divide a data set: at random, class by class, by group, by two kinds of group, and by composition.

Each gives sorted arrays of row numbers; `batching` shuffles them.
"""

import math
from collections import Counter

import numpy as np

__all__ = ["crossed_split", "group_split", "held_out_compositions", "leave_one_group_out", "random_split",
           "stratified_split"]


def random_split(n, fractions, rng):
    """Divide `n` rows at random.

    Parameters
    ----------
    n : int
    fractions : sequence of float
        The share of each part; positive, summing to 1.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        One sorted int64 array of row numbers per part; together every row once.

    Raises
    ------
    ValueError
        If the fractions are not positive with sum 1, or a part would be empty.

    Examples
    --------
    >>> train, test = random_split(10, (0.8, 0.2), np.random.default_rng(0))
    >>> len(train), len(test)
    (8, 2)
    """
    _check_fractions("random_split", fractions)
    ends = [round(n * share) for share in np.cumsum(fractions)[:-1].tolist()]
    parts = [np.sort(part) for part in np.split(rng.permutation(n), ends)]
    if not all(len(part) for part in parts):
        raise ValueError(f"random_split: every part needs a row; got {n} rows for the fractions {tuple(fractions)}")
    return parts


def stratified_split(labels, fractions, rng):
    """Divide the rows of each class at random, so that every part has about its share of every class.

    Class by class, and in random order within each, every row goes to the part that is furthest below its share so far.

    Parameters
    ----------
    labels : sequence of hashable
        The class of each row.
    fractions : sequence of float
        The share of each part; positive, summing to 1. The first part, the one to train on, gets at least one row of
        each class: a class with a single row is trained on and never tested.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        One sorted int64 array of row numbers per part; together every row once.

    Raises
    ------
    ValueError
        If the fractions are not positive with sum 1, or a part would be empty.

    Examples
    --------
    >>> train, test = stratified_split(["cat"] * 4 + ["dog"] * 4 + ["emu"], (0.5, 0.5), np.random.default_rng(0))
    >>> train.tolist(), test.tolist()
    ([1, 2, 5, 7, 8], [0, 3, 4, 6])
    """
    _check_fractions("stratified_split", fractions)
    rows = {}
    for i, label in enumerate(labels):
        rows.setdefault(label, []).append(i)
    parts = [[] for _ in fractions]
    missing = np.zeros(len(fractions))  # rows by which each part is below its share
    for members in rows.values():
        for k, row in enumerate(rng.permutation(members).tolist()):
            missing += fractions
            part = int(missing.argmax()) if k else 0  # the first row of a class is trained on
            missing[part] -= 1
            parts[part].append(row)
    if not all(parts):
        raise ValueError("stratified_split: every part needs a row; "
                         f"got {len(labels)} rows of {len(rows)} classes for the fractions {tuple(fractions)}")
    return [np.array(sorted(part)) for part in parts]


def group_split(groups, fractions, rng):
    """Divide rows so that no group is in two parts; every part gets at least one group.

    In random order, each group goes to the part that is furthest below its share, so shares are met as closely as the
    sizes of the groups allow.

    Parameters
    ----------
    groups : sequence of hashable
        The group of each row, such as the speaker of a recording.
    fractions : sequence of float
        The share of rows of each part; positive, summing to 1.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        One sorted int64 array of row numbers per part; together every row once.

    Raises
    ------
    ValueError
        If the fractions are not positive with sum 1, or there are fewer groups than parts.

    Examples
    --------
    >>> train, test = group_split(["ann", "bob", "ann", "cy"], (0.5, 0.5), np.random.default_rng(0))
    >>> train.tolist(), test.tolist()
    ([1, 3], [0, 2])
    """
    _check_fractions("group_split", fractions)
    sizes = Counter(groups)
    if len(sizes) < len(fractions):
        raise ValueError(f"group_split: {len(fractions)} parts need as many groups; got {len(sizes)}")
    missing = [share * len(groups) for share in fractions]  # rows by which each part is below its share
    empty = set(range(len(fractions)))  # parts that have no group yet
    part_of = {}
    names = list(sizes)
    for done, i in enumerate(rng.permutation(len(names))):
        # When only as many groups are left as there are empty parts, each of these parts gets one.
        candidates = empty if len(names) - done == len(empty) else range(len(fractions))
        part = max(candidates, key=missing.__getitem__)
        part_of[names[i]] = part
        missing[part] -= sizes[names[i]]
        empty.discard(part)
    parts = np.array([part_of[group] for group in groups])
    return [np.flatnonzero(parts == part) for part in range(len(fractions))]


def crossed_split(first, second, fraction, rng):
    """Hold out rows that are new in two ways, such as clips of new speakers who say new sentences.

    Of the groups of each kind a share is held out. A row of which both groups are held out is tested on, one of which
    neither is, is trained on; the others are left out.

    Parameters
    ----------
    first, second : sequence of hashable
        The two groups of each row.
    fraction : float
        The share of rows in the held-out groups of each kind, between 0 and 1.
    rng : numpy.random.Generator

    Returns
    -------
    train, test : numpy.ndarray
        Sorted int64 arrays of row numbers.

    Raises
    ------
    ValueError
        If the lengths differ, `fraction` is not in (0, 1), a kind has fewer than two groups, or no row is left for a
        part.

    Examples
    --------
    >>> rows = [(speaker, sentence) for speaker in ("ann", "bob") for sentence in ("yes", "no")]
    >>> train, test = crossed_split(*zip(*rows), 0.5, np.random.default_rng(0))
    >>> [rows[i] for i in train], [rows[i] for i in test]
    ([('ann', 'yes')], [('bob', 'no')])
    """
    if len(first) != len(second) or not 0 < fraction < 1:
        raise ValueError("crossed_split: needs two groups for each row and a fraction between 0 and 1; "
                         f"got {len(first)}, {len(second)} and {fraction}")
    kinds = [group_split(groups, (1 - fraction, fraction), rng) for groups in (first, second)]
    train, test = (np.intersect1d(one, other) for one, other in zip(*kinds))
    if not len(train) or not len(test):
        raise ValueError("crossed_split: every part needs a row of both kinds; "
                         f"got {len(train)} to train on and {len(test)} to test on of {len(first)}")
    return train, test


def leave_one_group_out(groups):
    """One group after the other held out, such as each speaker, in sorted order.

    Parameters
    ----------
    groups : sequence of str or int
        The group of each row.

    Yields
    ------
    group : str or int
    train, test : numpy.ndarray
        The rows of all other groups, and those of this one: sorted int64 arrays.

    Raises
    ------
    ValueError
        If there are fewer than two groups.

    Examples
    --------
    >>> for name, train, test in leave_one_group_out(["bob", "ann", "bob"]):
    ...     print(name, train, test)
    ann [0 2] [1]
    bob [1] [0 2]
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise ValueError(f"leave_one_group_out: needs two groups or more; got {len(names)}")
    for name in names:
        is_own = np.array([group == name for group in groups])
        yield name, np.flatnonzero(~is_own), np.flatnonzero(is_own)


def held_out_compositions(rows, fraction, rng):
    """Hold out combinations of values, each of which is still seen in training in other combinations.

    A row may be held out if each of its field values occurs in some other combination that is kept. Rows with equal
    fields stay together, so that a held-out combination is never seen in training.

    Parameters
    ----------
    rows : sequence of tuple of hashable
        The fields of each row, such as (base emoji, skin tones).
    fraction : float
        The share to hold out of the rows that may be held out, between 0 and 1. Fewer are held out if more would
        take a value out of training.
    rng : numpy.random.Generator

    Returns
    -------
    train, held_out : numpy.ndarray
        Sorted int64 arrays of row numbers; together every row once.

    Raises
    ------
    ValueError
        If rows differ in length, `fraction` is not in (0, 1], or nothing can be held out.

    Examples
    --------
    >>> rows = [("red", "cross"), ("red", "circle"), ("blue", "cross"), ("blue", "circle"), ("green", "cross")]
    >>> train, held_out = held_out_compositions(rows, 0.25, np.random.default_rng(0))
    >>> [rows[i] for i in held_out]
    [('blue', 'cross')]
    """
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"held_out_compositions: rows must have the same fields; got {len(rows)} rows that do not")
    if not 0 < fraction <= 1:
        raise ValueError(f"held_out_compositions: fraction must be above 0 and at most 1; got {fraction}")
    counts = Counter(tuple(row) for row in rows)
    kept = Counter(value for row in counts for value in enumerate(row))  # combinations left with each (field, value)

    def is_spare(row):
        return all(kept[value] > 1 for value in enumerate(row))

    eligible = [row for row in counts if is_spare(row)]
    wanted = fraction * sum(counts[row] for row in eligible)
    held_out = set()
    taken = 0
    for i in rng.permutation(len(eligible)):
        row = eligible[i]
        # Take it if that comes closer to the wanted number than leaving it would.
        if taken + counts[row] / 2 <= wanted and is_spare(row):
            held_out.add(row)
            taken += counts[row]
            kept.subtract(enumerate(row))
    if not held_out:
        raise ValueError(
            f"held_out_compositions: some row must share each field value with another combination; "
            f"got {len(eligible)} such rows of {len(rows)}, fraction {fraction}"
        )
    is_held_out = np.array([tuple(row) in held_out for row in rows])
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _check_fractions(name, fractions):
    if not all(share > 0 for share in fractions) or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ValueError(f"{name}: fractions must be positive and sum to 1; got {tuple(fractions)}")
