"""Two switches the tape looks at: is it recording, and is somebody debugging?

Both belong to the thread that sets them, so an evaluation in one thread never
stops a training in another from recording. To read a thread's switch costs an op as
much as a dict look-up; `unusual`, which all threads share, is empty while none is set.
"""

import threading
from contextlib import contextmanager

__all__ = ["enable_grad", "is_grad_enabled", "mode", "no_grad", "unusual"]


class _Mode(threading.local):
    recording = True  # does an op put itself on the tape?
    watch = None  # the active tm.debug() watch, or None


mode = _Mode()
unusual = set()  # the blocks of no_grad and debug that are open in some thread


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
