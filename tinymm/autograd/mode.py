"""Two switches the tape looks at: is it recording, and is somebody watching?

Both belong to the thread that sets them, so an evaluation in one thread never
stops a training in another from recording. To read a thread's switch costs an op as
much as a dict look-up; `unusual`, which all threads share, is empty while none is set.
"""

import threading
from contextlib import contextmanager

__all__ = ["enable_grad", "is_grad_enabled", "mode", "no_grad", "unusual", "watched"]


class _Mode(threading.local):
    recording = True  # does an op put itself on the tape?
    watch = None  # who is told of every op that is called on Tensors, or None


mode = _Mode()
unusual = set()  # the blocks of no_grad and of watching that are open in some thread


@contextmanager
def _recording(value):
    block = object()
    before = mode.recording
    mode.recording = value
    if not value:
        unusual.add(block)
    try:
        yield
    finally:
        mode.recording = before
        unusual.discard(block)


@contextmanager
def watched(watch):
    """Context manager: tell `watch` of every op that this thread calls on Tensors.

    Parameters
    ----------
    watch : object
        Its `check_forward(op, values, y)` is called with the record of the op, the arguments of its forward and its
        result; `lock(node)` with what goes on the tape; `check_backward(node, i, g, d)` and `unlock(saved)` on the way
        back.
    """
    before = mode.watch
    mode.watch = watch
    unusual.add(watch)
    try:
        yield watch
    finally:
        unusual.discard(watch)
        mode.watch = before


def no_grad():
    """Context manager and decorator: ops inside leave no trace on the tape.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0, 2.0], requires_grad=True)
    >>> with tm.no_grad():
    ...     y = x * 3
    >>> y.requires_grad
    False
    """
    return _recording(False)


def enable_grad():
    """Context manager and decorator: record again, inside a `no_grad` block.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([1.0], requires_grad=True)
    >>> with tm.no_grad(), tm.enable_grad():
    ...     y = x * 3
    >>> y.requires_grad
    True
    """
    return _recording(True)


def is_grad_enabled():
    """Whether ops are being recorded in this thread (bool).

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.is_grad_enabled()
    True
    """
    return mode.recording
