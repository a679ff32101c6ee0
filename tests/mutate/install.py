"""Runs a mutant in place of the original: the function stays the same object, only its code is exchanged.

So whoever holds the function, the registry of ops,
a fast caller or a module that has imported it by name, runs the mutant.
"""

from contextlib import contextmanager

__all__ = ["compiled", "installed"]


def compiled(mutant):
    """The code of a mutant, compiled from its text alone."""
    function, made = mutant.target.function, {}
    exec(compile(mutant.source, f"<mutant of {mutant.target.name}>", "exec"), function.__globals__, made)
    return made[function.__name__].__code__


@contextmanager
def installed(target, code):
    """Inside the block, the function of a target runs this code;
    a cache around it forgets what other code has computed."""
    function, forget = target.function, getattr(target.found, "cache_clear", lambda: None)
    original = function.__code__
    function.__code__ = code
    forget()
    try:
        yield
    finally:
        function.__code__ = original
        forget()
