r"""What is kept of all positions so far, as one Tensor that grows by a few positions at a time."""

import numpy as np

from ... import functional as F
from ...autograd import Tensor, is_grad_enabled

__all__ = ["Kept"]


ALL = (slice(None),) * 32  # every index along each axis


class Kept:
    r"""Positions in a row along one axis, to which more are added at its end.

    Where ops are recorded, adding is a concatenation, and gradients flow to every piece. It copies everything: T
    positions, one by one, cost $1 + 2 + \dots + T \approx T^2/2$ copies of a position.

    Under `no_grad` the positions stand in an array with room for more, of which `tensor` is a view. What is added is
    written behind them. Only when the room is used up is everything copied, into twice the room: at lengths 1, 2, 4, …,
    so that T positions cost fewer than $T + (1 + 2 + 4 + \dots) < 3T$ copies.

    `extended` and `selected` return a new object and leave `tensor` and its length in this one as they were. But the
    room is shared: under `no_grad`, go on with the object that came last, or with an earlier one instead of it (after
    a failure), not with both.

    Parameters
    ----------
    axis : int
        Of the positions; axis 0 is the batch.

    Attributes
    ----------
    tensor : Tensor (B, …, length, …), or None at first

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> kept = Kept(axis=1)
    >>> with tm.no_grad():
    ...     for t in range(5):
    ...         kept = kept.extended(tm.tensor(np.full((2, 1), t)))
    >>> kept.tensor.data.tolist(), kept.room.shape
    ([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]], (2, 8))
    >>> kept.selected(np.array([1])).tensor.shape
    (1, 5)
    """

    def __init__(self, axis, tensor=None, room=None):
        self.axis = axis
        self.tensor = tensor
        self.room = room  # an array of which `tensor` is a view, or None

    def extended(self, new):
        """With these positions, Tensor (B, …, n, …), behind the others."""
        if is_grad_enabled():
            return Kept(self.axis, new if self.tensor is None else F.concatenate([self.tensor, new], self.axis))
        array, room = new.data, self.room
        before = 0 if self.tensor is None else self.tensor.data.shape[self.axis]
        length = before + array.shape[self.axis]
        if room is None or room.dtype != array.dtype or length > room.shape[self.axis] or not self._fits(array):
            room = self._larger_room(array, before, length)
        room[self._places(len(array), before, length)] = array
        return Kept(self.axis, Tensor(room[self._places(len(array), 0, length)]), room)

    def _fits(self, new):
        """Whether new positions (B, …, n, …) have the shape of those that are kept, but for their number."""
        old, axis = self.tensor.data.shape, self.axis
        return new.ndim == len(old) and new.shape[:axis] == old[:axis] and new.shape[axis + 1:] == old[axis + 1:]

    def _larger_room(self, new, before, length):
        """An array that holds the positions so far and has room for the new ones, and more."""
        if self.tensor is None:
            return np.empty_like(new)
        old, axis = self.tensor.data, self.axis
        if not self._fits(new):
            expected = (*old.shape[:axis], new.shape[axis], *old.shape[axis + 1:])
            raise ValueError(f"Kept: new positions must be {expected}; got {new.shape}")
        dtype = np.result_type(old, new)
        if self.room is not None and self.room.dtype == dtype and self.room.shape[axis] >= length:
            return self.room
        room = np.empty((*old.shape[:axis], max(length, 2 * before), *old.shape[axis + 1:]), dtype)
        room[self._places(len(old), 0, before)] = old
        return room

    def selected(self, rows):
        """Only these rows of the batch, in this order: int array (B′,).

        Under `no_grad` only those that move are copied, where the room has rows enough.
        """
        if self.tensor is None or _is_identity(rows, len(self.tensor)):
            return self
        if is_grad_enabled():
            return Kept(self.axis, self.tensor[rows])
        if self.room is None or len(rows) > len(self.room):
            room = self.tensor.data[rows]
            return Kept(self.axis, Tensor(room), room)
        length = self.tensor.shape[self.axis]
        moved = np.flatnonzero(rows != np.arange(len(rows)))
        here = self._places(len(rows), 0, length)
        self.room[(moved, *here[1:])] = self.tensor.data[rows[moved]]    # a copy first: rows may change places
        return Kept(self.axis, Tensor(self.room[here]), self.room)

    def _places(self, batch, start, stop):
        """The index of these positions in the room."""
        return slice(batch), *ALL[1:self.axis], slice(start, stop)


def _is_identity(rows, batch):
    return len(rows) == batch and (rows == np.arange(batch)).all()
