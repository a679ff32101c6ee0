"""`with tm.debug():` catches damage where it happens.

While it is active, arrays the tape saved are read-only, so that an in-place
write fails on the spot; and the first NaN or Inf, forward or backward, raises
an error that names the op, the shapes and the line that created it.
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .mode import watched

__all__ = ["debug"]

ENGINE = tuple(str(Path(__file__).parents[1] / room) for room in ("autograd", "functional"))


@contextmanager
def debug():
    """Context manager: make saved arrays read-only and stop at the first NaN or Inf.

    A NaN or Inf counts as the first when no input of the op holds one: log(0) is an error;
    what an op computes from the -inf in a mask is not.

    Raises
    ------
    FloatingPointError
        Naming op, shapes and the line that called it.

    Examples
    --------
    >>> import tinymm as tm, numpy as np
    >>> x = tm.tensor([1.0, 0.0], requires_grad=True)
    >>> with tm.debug(), np.errstate(divide="ignore"):
    ...     np.log(x)
    Traceback (most recent call last):
    FloatingPointError: log: the result of shape (2,) has an infinite element, but no input has;
    inputs (2,), created at ...
    """
    watch = _Watch()
    try:
        with watched(watch):
            yield
    finally:
        watch.unlock_all()


class _Watch:
    """What one debug block has locked, and the checks it makes."""

    def __init__(self):
        self.locked = {}  # id -> [array, how many nodes saved it]

    def lock(self, node):
        """Make what the node saved read-only, and note where it was created."""
        node.where = _creating_line()
        for array in _with_bases(node.saved):
            entry = self.locked.get(id(array))
            if entry is not None:
                entry[1] += 1
            elif array.flags.writeable:
                self.locked[id(array)] = [array, 1]
        for array in _with_bases(node.saved):
            array.flags.writeable = False

    def unlock(self, saved):
        """A node has let go of `saved`; arrays that no other node holds become writable again."""
        for array in _with_bases(saved):
            entry = self.locked.get(id(array))
            if entry is not None:
                entry[1] -= 1
                if entry[1] == 0 and (array.base is None or id(array.base) not in self.locked):
                    del self.locked[id(array)]
                    array.flags.writeable = True

    def unlock_all(self):
        """The block ends: bases first, since a view cannot be more writable than its base."""
        for array, _ in sorted(self.locked.values(), key=lambda entry: entry[0].base is not None):
            array.flags.writeable = True
        self.locked.clear()

    def check_forward(self, op, values, y):
        """Raise if `y` is the first array to hold a NaN or Inf."""
        for part in _arrays_in([y]):
            kind = _trouble(part)
            if kind and not any(_trouble(np.asarray(v)) for v in _numbers_in(values)):
                shapes = ", ".join(str(a.shape) for a in _arrays_in(values)) or "none"
                raise FloatingPointError(f"{op.name}: the result of shape {part.shape} has {kind} element, "
                                         f"but no input has; inputs {shapes}, created at {_creating_line()}")

    def check_backward(self, node, i, g, d):
        """Raise if the gradient `d` is the first array to hold a NaN or Inf."""
        kind = _trouble(d)
        if kind and not any(_trouble(a) for a in _arrays_in([g])):
            raise FloatingPointError(f"{node.op.name}: the gradient of input {node.op.input_name(i)}, "
                                     f"of shape {d.shape}, has {kind} element, but the cotangent has none; "
                                     f"created at {node.where or 'a line outside the debug block'}")


def _trouble(array):
    """'a NaN', 'an infinite', or None."""
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "a NaN" if np.isnan(array).any() else "an infinite"


def _arrays_in(values):
    """The ndarrays among values, and in sequences one level down."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _arrays_in(value)
        elif isinstance(value, np.ndarray):
            yield value


def _with_bases(values):
    """The ndarrays among values, each after the array it is a view of."""
    for array in _arrays_in(values):
        chain = [array]
        while isinstance(chain[-1].base, np.ndarray):
            chain.append(chain[-1].base)
        yield from reversed(chain)


def _numbers_in(values):
    """Arrays and Python numbers among values, one level down too."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _numbers_in(value)
        elif isinstance(value, (np.ndarray, float, int, complex)):
            yield value


def _creating_line():
    """file:line of the nearest caller outside the engine and its formulas."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(ENGINE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
