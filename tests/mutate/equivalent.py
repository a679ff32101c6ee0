"""Mutants that no check can tell from the original, one by one, each with the reason.

An entry names the function, the changed line as it then reads, and why the gradient is the same. One that matches no
mutant any more, or one that a check kills, is reported as stale.
"""

__all__ = ["EQUIVALENT"]

EQUIVALENT = [  # (function, changed line, reason)
]
