"""Parts to train, validate and test on: the folder's own where it has them, else split off its training part."""

__all__ = ["split_off"]


def split_off(parts, shares, split, rng, how):
    """Complete "train" by what is missing of "test" and "val", in this order.

    Parameters
    ----------
    parts : dict of str to object
        "train", and "test" and "val" where the folder defines them.
    shares : dict of str to float
        Of the training part, for "test" and for "val".
    split : callable
        ``split(train, share, rng)`` gives what stays of a part and what is split off; refuses too small a one.
    rng : callable
        ``rng(key)`` gives the Generator of the test split (key 2) and of the other one (3).
    how : str
        What the notes say after the share: "of each class at random".

    Returns
    -------
    parts : dict of str to object
    notes : dict of str to str

    Examples
    --------
    >>> split_off({"train": "abcdef", "test": "x"}, {"test": 0.5, "val": 0.5},
    ...           lambda train, share, rng: (train[:3], train[3:]), lambda key: None, "in order")
    ({'train': 'abc', 'test': 'x', 'val': 'def'}, {'test split': "the folder's own", 'val split': '50% in order'})
    """
    parts, notes = dict(parts), {}
    for name, key in (("test", 2), ("val", 3)):
        if name in parts:
            notes[f"{name} split"] = "the folder's own"
        else:
            parts["train"], parts[name] = split(parts["train"], shares[name], rng(key))
            notes[f"{name} split"] = f"{shares[name]:.0%} {how}"
    return parts, notes
