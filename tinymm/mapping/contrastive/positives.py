"""Which pairs of a batch belong together: two pictures with one caption are no negatives of each other's captions."""

import numpy as np

__all__ = ["same"]


def same(captions, others=None):
    """Where two captions are equal.

    Parameters
    ----------
    captions : sequence of hashable
        B texts, or whatever else two items have in common when they belong together (a class, the picture's number).
    others : sequence of hashable, optional
        N of them; by default the captions themselves. None among them equals nothing.

    Returns
    -------
    bool ndarray (B, B) or (B, N)

    Examples
    --------
    >>> same(["a cat", "a dog", "a cat"]).astype(int)
    array([[1, 0, 1],
           [0, 1, 0],
           [1, 0, 1]])
    >>> same(["a cat"], ["a dog", None, "a cat"])
    array([[False, False,  True]])
    """
    numbers = {}
    own = _numbered(captions, numbers)
    if others is None:
        if (own < 0).any():
            raise ValueError("same: a caption of the batch must not be None")
        return own[:, None] == own
    theirs = _numbered(others, numbers)
    return (own[:, None] == theirs) & (theirs >= 0)


def _numbered(captions, numbers):
    """The number of each caption, -1 for None; `numbers` remembers those seen."""
    return np.array([-1 if c is None else numbers.setdefault(c, len(numbers)) for c in captions], np.int64)
