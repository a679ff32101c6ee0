"""Where things stand that are drawn in rows, one below the other, so that few lines cross and most are straight.

The three steps of Sugiyama's method but for the first, which row each thing is in: the order within each row, then x.
"""

__all__ = ["crossings", "nearest", "ordered", "placed"]

SWEEPS = 24  # over all rows, down and up in turn


def ordered(rows, links):
    """The rows, each in an order in which few links cross: of those that are tried, one with the fewest.

    Each thing is moved to the mean place of its neighbours, row by row; then neighbours in a row change places as long
    as that helps.

    Parameters
    ----------
    rows : list of lists
        What stands in each row, from the top, in any order.
    links : list of pairs
        (above, below), each from one row to the next.

    Returns
    -------
    list of lists

    Examples
    --------
    >>> ordered([["a", "b"], ["x", "y"]], [("a", "y"), ("b", "x")])
    [['b', 'a'], ['x', 'y']]
    """
    rows = [list(items) for items in rows]
    near = _neighbours(rows, links)
    best, fewest = [list(items) for items in rows], crossings(rows, links)
    for sweep in range(SWEEPS):
        place = {item: k - len(items) / 2 for items in rows for k, item in enumerate(items)}
        for r in range(len(rows)) if sweep % 2 == 0 else reversed(range(len(rows))):
            rows[r].sort(key=lambda item: sum(place[j] for j in near[item]) / len(near[item]) if near[item]
                         else place[item])
            place |= {item: k - len(rows[r]) / 2 for k, item in enumerate(rows[r])}
        if (now := crossings(rows, links)) < fewest:
            best, fewest = [list(items) for items in rows], now
    return _exchanged(best, links)


def _exchanged(rows, links):
    """The rows, neighbours exchanged while fewer links cross."""
    fewest, improved = crossings(rows, links), True
    while improved and fewest:
        improved = False
        for items in rows:
            for k in range(len(items) - 1):
                items[k], items[k + 1] = items[k + 1], items[k]
                now = crossings(rows, links)
                if now < fewest:
                    fewest, improved = now, True
                else:
                    items[k], items[k + 1] = items[k + 1], items[k]
    return rows


def crossings(rows, links):
    """How many pairs of links cross.

    Examples
    --------
    >>> crossings([["a", "b"], ["x", "y"]], [("a", "y"), ("b", "x"), ("b", "y")])
    1
    """
    place = {item: (r, k) for r, items in enumerate(rows) for k, item in enumerate(items)}
    ends = [[] for _ in rows]
    for above, below in links:
        ends[place[above][0]].append((place[above][1], place[below][1]))
    return sum((a - c) * (b - d) < 0 for pairs in ends for i, (a, b) in enumerate(pairs) for c, d in pairs[:i])


def placed(rows, links, rooms, passes=lambda item: False):
    """x of each thing: below its neighbours as nearly as the room that all of its row take allows.

    Parameters
    ----------
    rows : list of lists
        In order.
    links : list of pairs
    rooms : dict
        The room that each takes, half of it on either side.
    passes : callable
        Whether a thing is only passed through: a link between two of these shall be straight before all others.

    Returns
    -------
    dict

    Examples
    --------
    >>> x = placed([["a"], ["x", "y"]], [("a", "x"), ("a", "y")], {"a": 2, "x": 1, "y": 1})
    >>> [round(x[item], 6) for item in "axy"]
    [0.0, -0.5, 0.5]
    """
    above, below = {}, {}
    for pair in links:
        weight = (1.0, 2.0, 8.0)[passes(pair[0]) + passes(pair[1])]
        above.setdefault(pair[1], []).append((pair[0], weight))
        below.setdefault(pair[0], []).append((pair[1], weight))
    x, first = {}, dict.fromkeys((item for items in rows for item in items), 0.0)
    for items in rows:
        x |= nearest(items, first, rooms, dict.fromkeys(items, 1.0))
    for sweep in range(SWEEPS):
        for r in range(len(rows)) if sweep % 2 == 0 else reversed(range(len(rows))):
            looks = (above, below)[sweep % 2:][:1] if sweep < SWEEPS - 6 else (above, below)
            wanted, weights = {}, {}
            for item in rows[r]:
                pulls = [pull for side in looks for pull in side.get(item, ())]
                weights[item] = sum(weight for _, weight in pulls) or 0.1
                wanted[item] = sum(weight * x[j] for j, weight in pulls) / weights[item] if pulls else x[item]
            x |= nearest(rows[r], wanted, rooms, weights)
    return x


def nearest(items, wanted, rooms, weights):
    r"""x in this order with the least $\sum_i c_i (x_i - w_i)^2$, no two nearer than their rooms allow.

    Less the room to its left, each x must not be smaller than the one before: that is a regression by a function that
    does not fall, which pools neighbours that are in the wrong order and gives them their mean.

    Parameters
    ----------
    items : list
    wanted : dict
        $w_i$ of each.
    rooms : dict
    weights : dict
        $c_i$, positive.

    Returns
    -------
    dict

    References
    ----------
    Ayer et al. (1955), An empirical distribution function for sampling with incomplete information.

    Examples
    --------
    >>> ones = dict.fromkeys("abc", 1)
    >>> nearest("abc", {"a": 0.0, "b": 0.0, "c": 5.0}, ones, ones)
    {'a': -0.5, 'b': 0.5, 'c': 5.0}
    """
    left, lefts, pools = 0.0, [], []                                         # of each pool: Σ c w, Σ c, how many
    for item in items:
        left += rooms[item] / 2
        lefts.append(left)
        left += rooms[item] / 2
        pools.append((weights[item] * (wanted[item] - lefts[-1]), weights[item], 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            pools[-2:] = [tuple(map(sum, zip(*pools[-2:])))]
    levels = [total / weight for total, weight, count in pools for _ in range(count)]
    return {item: level + left for item, level, left in zip(items, levels, lefts)}


def _neighbours(rows, links):
    """Of each thing, those in the row above and in the row below that it is linked to."""
    near = {item: [] for items in rows for item in items}
    for above, below in links:
        near[above].append(below)
        near[below].append(above)
    return near
