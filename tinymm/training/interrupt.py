"""Ctrl-C is put off until a piece of work that must be done whole, such as a training step, has ended."""

import signal
import threading
from contextlib import contextmanager

__all__ = ["uninterrupted"]


@contextmanager
def uninterrupted():
    """Context manager: a Ctrl-C that comes inside takes effect on leaving.

    Only Python's main thread receives signals, so elsewhere this does nothing; the same where Ctrl-C is ignored.

    Examples
    --------
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> done = []
    >>> try:
    ...     with uninterrupted():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("the work")
    ... except KeyboardInterrupt:
    ...     done.append("then the interrupt")
    >>> done
    ['the work', 'then the interrupt']
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    pending = []
    signal.signal(signal.SIGINT, lambda *call: pending.append(call))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if pending:
            handler(*pending[0])
