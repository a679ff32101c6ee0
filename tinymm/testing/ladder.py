"""The ladder: every rung, on drawn calls of every spec row of an op, and the table of results."""

import difflib
import importlib
from dataclasses import dataclass, field

import numpy as np

from ..autograd import registry
from ..extras import need
from .failure import GradientError, NotApplicable
from .rungs import RUNGS
from .specification import SPECS

__all__ = ["LadderResult", "Outcome", "check_op", "run_ladder"]


@dataclass
class Outcome:
    """What one rung found, over all drawn calls of one row.

    Attributes
    ----------
    status : str
        "passed", "failed" or "not applicable".
    error : float
        The worst relative disagreement. (Taylor: how far a slope falls short; float32: drift in units of ε n s.)
    examples : int
        Calls it was applied to.
    message : str
        Of the smallest failing call; or why it does not apply.
    """

    status: str = "not applicable"
    error: float = 0.0
    examples: int = 0
    message: str = ""

    def met(self, agreement):
        """Count one call that passed."""
        self.status = "passed" if self.status == "not applicable" else self.status
        self.error = max(self.error, agreement.error)
        self.examples += 1

    def __str__(self):
        return {"passed": f"{self.error:.1e}", "failed": "FAILED", "not applicable": "-"}[self.status]


@dataclass
class LadderResult:
    """The outcomes of one op: `rows` maps the name of a row to a mapping of rung to `Outcome`;
    its `repr` is a table."""

    op: str
    rows: dict = field(default_factory=dict)

    @property
    def passed(self):
        """Whether no rung failed."""
        return not self.failures

    @property
    def failures(self):
        """(row, rung, Outcome) of each rung that failed."""
        return [(row, rung, outcome) for row, rungs in self.rows.items() for rung, outcome in rungs.items()
                if outcome.status == "failed"]

    def __bool__(self):
        return self.passed

    def __repr__(self):
        columns = [["", *RUNGS], *([row, *map(str, rungs.values())] for row, rungs in self.rows.items())]
        widths = [max(map(len, column)) for column in columns]
        lines = [[cell.ljust(width) if k == 0 else cell.rjust(width)
                  for k, (cell, width) in enumerate(zip(line, widths))]
                 for line in zip(*columns)]
        return "\n".join("  ".join(line).rstrip() for line in lines)


def run_ladder(op, examples=10, rungs=None):
    """Check an op on every rung and return what was found.

    Parameters
    ----------
    op : str, or an op
        One that has a row: see `spec`.
    examples : int
        How many calls are drawn per row, always the same ones.
    rungs : sequence of str, optional
        Some of `tinymm.testing.RUNGS`; all by default.

    Returns
    -------
    LadderResult

    Raises
    ------
    ValueError
        If the op has no row.

    Examples
    --------
    >>> import tinymm as tm
    >>> result = tm.testing.run_ladder("exp", examples=2, rungs=["value", "differences", "composite"])
    >>> result.passed, result.rows["exp"]["composite"].message
    (True, 'not fused')
    """
    rows = rows_of(op)
    name = rows[0].name
    result = LadderResult(name)
    for k, row in enumerate(rows):
        result.rows[row_name(row, k if len(rows) > 1 else None)] = _climb(row, examples, rungs)
    return result


def check_op(op, examples=10):
    """Check an op on every rung; an error if one fails.

    Parameters
    ----------
    op : str, or an op
        One that has a row: see `spec`.
    examples : int
        How many calls are drawn per row, always the same ones.

    Returns
    -------
    LadderResult
        Shows itself as a table of rungs.

    Raises
    ------
    GradientError
        With the table, and for each failing rung the smallest call that fails.
    ValueError
        If the op has no row.

    Examples
    --------
    An op of your own, its row, the ladder:

    >>> import numpy as np, tinymm as tm
    >>> from tinymm.testing.strategies import arrays, calls
    >>> @tm.op
    ... def cube(x):
    ...     return x * x * x
    >>> @cube.vjp
    ... def cube_vjp(g, x):
    ...     return 3 * g * x * x
    >>> row = tm.testing.spec("cube", calls=lambda: calls(arrays()), reference=lambda x: np.power(x, 3))
    >>> bool(tm.testing.check_op(cube))
    True
    >>> del tm.autograd.registry["cube"], tm.testing.SPECS["cube"]
    """
    result = run_ladder(op, examples)
    if not result:
        messages = [f"{row}: {rung}: {outcome.message}" for row, rung, outcome in result.failures]
        raise GradientError("\n\n".join([f"check_op: {result.op} does not pass\n{result!r}", *messages]))
    return result


def rows_of(op):
    """The spec rows of an op."""
    if isinstance(op, str):
        name = op
    else:
        name = op.op.name if hasattr(op, "op") else getattr(op, "__name__", repr(op))
    if name not in SPECS:
        need("hypothesis", extra="test", feature="check_op: draw the calls of an op")
        importlib.import_module("tinymm.testing.specs")
    if name not in SPECS:
        near = difflib.get_close_matches(name, SPECS, n=3)
        raise ValueError(f"check_op: no spec row for {name!r}{'; is it ' + ' or '.join(near) + '?' if near else ''}"
                         + ("; write one with tinymm.testing.spec" if name in registry else ""))
    return SPECS[name]


def row_name(row, k):
    """What a row is called: its op, or the function around it."""
    name = row.public or getattr(row.function, "__name__", row.name)
    return name if k is None else f"{name} {k}"


def _climb(row, examples, rungs=None):
    """Rung -> Outcome for one row. Each drawn call goes up all rungs. Then the smallest call at which the first failing
    rung fails is looked for, and the failing rungs above report on that call if they fail at it too."""
    strategies = importlib.import_module("tinymm.testing.strategies")
    outcomes = {rung: Outcome() for rung in rungs or RUNGS}

    def attempt(rung, call, seed):
        args, kwargs = call
        return RUNGS[rung](row, args, kwargs, np.random.default_rng(seed))

    def all_rungs(call, seed):
        for rung, outcome in outcomes.items():
            if outcome.status == "failed":
                continue
            try:
                outcome.met(attempt(rung, call, seed))
            except NotApplicable as reason:
                outcome.message = str(reason)
            except Exception:
                outcome.status = "failed"

    strategies.for_all(row.calls(), all_rungs, examples)
    smallest = None
    for rung, outcome in outcomes.items():
        if outcome.status == "failed":
            outcome.message, smallest = _smallest_failure(
                strategies, row, lambda call, seed, rung=rung: attempt(rung, call, seed), examples, smallest)
    return outcomes


def _smallest_failure(strategies, row, attempt, examples, known=None):
    """The message of the smallest drawn call that fails, and that call: `known`, at which a rung below fails,
    if this one does too."""
    failing = []

    def check(call, seed):
        try:
            attempt(call, seed)
        except NotApplicable:
            pass
        except Exception:
            failing.append((call, seed))
            raise

    try:
        if known is not None:
            check(*known)
        strategies.for_all(row.calls(), check, examples)
    except Exception as error:
        message = str(error) if isinstance(error, GradientError) else f"{type(error).__name__}: {error}"
        return message, failing[-1] if failing else known
    return "it failed once, but not when it was repeated: the result depends on something that is not drawn", known
