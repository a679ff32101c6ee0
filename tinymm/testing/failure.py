"""How a check answers: with an `Agreement`, or with a `GradientError` that says what disagrees and how to see it again.
"""

from dataclasses import dataclass

__all__ = ["Agreement", "GradientError", "KinkError", "NotApplicable"]

SMALL = 64  # an array of at most so many elements is spelled out in a message


class GradientError(AssertionError):
    """An analytic gradient and its reference disagree, or an op breaks the rules of the tape."""


class KinkError(GradientError):
    """The point has no derivative: the slopes from the left and from the right differ."""


class NotApplicable(Exception):
    """This check has nothing to say about this function; the message says why."""


@dataclass(frozen=True)
class Agreement:
    """What a check returns when it passes; always true in an `if`.

    Attributes
    ----------
    error : float
        The worst disagreement found, relative to the largest element of the reference.
    compared : int
        How many numbers (or properties) were compared.

    Examples
    --------
    >>> Agreement(3.1e-12, 6)
    agreement of 6 numbers to 3.1e-12
    """

    error: float
    compared: int

    def __repr__(self):
        return f"agreement of {self.compared} numbers to {self.error:.2g}"

    def __and__(self, other):
        """Both together: the worse of the two."""
        return Agreement(max(self.error, other.error), self.compared + other.compared)


def failure(check, subject, sentence, error=GradientError):
    """The error to raise: what disagrees, on which inputs, and how to see it again.

    Parameters
    ----------
    check : str
        The function of `tm.testing` that found it.
    subject : Subject
    sentence : str
        Which input, which element, both values.
    """
    listing = "\n".join(f"    {_described(label, a)}" for label, a in zip(subject.labels, subject.arrays))
    return error(f"{check}: {subject.name}: {sentence}\n  inputs\n{listing or '    none'}\n"
                 f"  to see it again\n{_indented(_snippet(check, subject))}")


def _described(label, a):
    """One line about an array: shape, strides, dtype."""
    kind = "" if a.flags.writeable else ", read-only"
    return f"{label}: {a.dtype} {a.shape}, strides {a.strides}{kind}"


def _snippet(check, subject):
    """Lines of Python that repeat the check."""
    names, setup = subject.spelled(_array_source)
    return "\n".join(["import numpy as np", "import tinymm as tm", *setup,
                      f"tm.testing.{check}(f, [{', '.join(names)}])"])


def _array_source(a):
    """Python text of an array: every digit of a small one, a stand-in for a large one."""
    if a.size > SMALL:
        return (f"np.random.default_rng(0).standard_normal({a.shape}).astype({a.dtype.name!r})"
                f"  # a stand-in: {a.size} elements")
    dtype = "" if a.dtype in (float, int, bool) and a.size else f", dtype={a.dtype.name!r}"
    text = f"np.array({a.tolist()!r}{dtype})" if a.size else f"np.zeros({a.shape}{dtype})"
    text = text.replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.asfortranarray({text})" if a.flags.f_contiguous and not a.flags.c_contiguous else text


def _indented(text):
    return "\n".join(f"    {line}" for line in text.splitlines())


def element(index):
    """An index as plain integers."""
    return tuple(map(int, index))
