"""How the `tinymm` command ends where something goes wrong: one line on standard error, and an exit status.

======  ===============================================================================================
0       all went well
1       a check failed; a training diverged; or tinymm itself is at fault, which the line says
2       wrong usage, bad input, or what the system refuses: files, space, memory, a reader that has gone
130     Ctrl-C
======  ===============================================================================================

With --debug the traceback comes before the line. `tinymm/__init__.py` imports this file first of all, so that the same
holds while the command is still importing NumPy; nothing but Python's own modules is imported here.
"""

import os
import re
import signal
import sys
from contextlib import suppress
from unicodedata import category

__all__ = ["accept_any_text", "escaped", "let_go_of_output", "one_line", "reason", "tell", "watch"]

LONGEST_WORD, LONGEST_LINE = 200, 1000  # letters
CONTROLS = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories: controls, halves of surrogate pairs, ends of lines
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # of the direction of writing
COMMAND = re.compile(r"(-\w*m)?tinymm(\.exe|-script\.pyw?)?")
REFUSED = (OSError, ValueError, ImportError, EOFError)  # bad input and bad options: it says itself
NO_THREAD = "can't start new thread"  # Python's RuntimeError where the system allows no more


def tell(error, debug=False):
    """Say on standard error why the command ends.

    Parameters
    ----------
    error : BaseException
    debug : bool
        Whether the traceback comes first.

    Returns
    -------
    int
        The exit status.
    """
    text, status = reason(error)
    notes = getattr(error, "__notes__", ())  # such as: the last checkpoint is kept
    begin = "\n" if isinstance(error, KeyboardInterrupt) else ""  # after the ^C that a terminal shows
    with suppress(OSError, ValueError, AttributeError):  # standard error may be full, closed or absent
        if debug:
            import traceback
            traceback.print_exception(error)
        sys.stderr.write(f"{begin}tinymm: {one_line('; '.join([text, *notes]))}\n")
        sys.stderr.flush()
    return status


def reason(error):
    """What an error means for whoever called the command, and the exit status.

    Examples
    --------
    >>> reason(PermissionError(13, "Permission denied", "runs/a"))
    ('runs/a: Permission denied', 2)
    >>> reason(MemoryError())
    ('out of memory', 2)
    >>> reason(KeyError("width"))
    ("a fault of tinymm itself, please report it: KeyError: 'width'; --debug shows where", 1)
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, FloatingPointError):
        return f"the training diverged: {error}", 1
    if isinstance(error, MemoryError):
        return ": ".join(filter(None, ["out of memory", str(error)])), 2
    if isinstance(error, RecursionError):
        return f"something is nested too deeply ({error})", 2
    if isinstance(error, BrokenPipeError) and error.filename is None:
        return "what was to read the output has ended", 2
    if isinstance(error, OSError) and error.strerror:
        place = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return error.strerror if place is None else f"{place}: {error.strerror}", 2
    if isinstance(error, ArithmeticError):
        return f"arithmetic that cannot be done: {error.args[-1] if error.args else type(error).__name__}", 2
    if isinstance(error, REFUSED) or isinstance(error, RuntimeError) and NO_THREAD in str(error):
        return str(error) or type(error).__name__, 2
    return f"a fault of tinymm itself, please report it: {type(error).__name__}: {error}; --debug shows where", 1


def one_line(text):
    r"""A message as one readable line: control characters escaped, long words and long messages cut.

    Examples
    --------
    >>> print(one_line("a\n\x1b[31mb"))
    a\n\x1b[31mb
    >>> len(one_line("x" * 5000)), len(one_line("x " * 5000))
    (200, 1000)
    """
    half = LONGEST_WORD // 2
    words = escaped(text[:100 * LONGEST_LINE]).split(" ")
    line = " ".join(word if len(word) <= LONGEST_WORD else f"{word[:half]}…{word[1 - half:]}" for word in words)
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE - 1]}…"


def escaped(text):
    r"""Text that moves no cursor and turns no direction of writing: such characters, and halves of them, as escapes.

    Examples
    --------
    >>> print(escaped("caf\udce9\n\u202eabc"))
    caf\udce9\n\u202eabc
    """
    return "".join(repr(c)[1:-1] if category(c) in CONTROLS or c in TURNS else c for c in text)


def accept_any_text():
    """Print what the terminal's encoding lacks as escapes, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def let_go_of_output():
    """At the end of the process: what nobody can be told any more must not raise once more when Python closes it."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def watch():
    """From now on an error that nobody catches ends the process in one line."""
    sys.excepthook = _end


def _end(kind, error, traceback):
    status = tell(error, "--debug" in sys.argv)
    let_go_of_output()
    os._exit(status)


def _is_command():
    """Whether Python was asked to run `tinymm`, or `-m tinymm`: the word before the arguments says so."""
    words, arguments = getattr(sys, "orig_argv", []), getattr(sys, "argv", [])
    return 0 < len(arguments) <= len(words) and bool(COMMAND.fullmatch(os.path.basename(words[-len(arguments)])))


if _is_command():
    watch()
