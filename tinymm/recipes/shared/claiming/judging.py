"""What the numbers say about a claim: differences with intervals, controls, and the verdict."""

from typing import NamedTuple

from ....metrics import crossed_t_interval
from .experiment import Comparison

__all__ = ["Found", "Judged", "Verdict", "corrected_for", "difference", "judged", "verdict"]

ALARM = 0.05  # the probability that any of the intervals is wrong


class Found(NamedTuple):
    """A comparison's result: the mean difference and its corrected interval.

    Attributes
    ----------
    comparison : Comparison
    ours, than : str or float
        The contenders that were compared, or a number.
    gain, low, high : float
    """

    comparison: Comparison
    ours: str
    than: object
    gain: float
    low: float
    high: float

    @property
    def word(self):
        """What the interval says: "gain", "loss", or "no gain" where it holds 0."""
        if self.low > 0:
            return "gain"
        return "loss" if self.high < 0 else "no gain"

    @property
    def is_as_expected(self):
        """For a control: whether there is a gain where one is expected, and none where none is."""
        return (self.word == "gain") == (self.comparison.expected == "gain")


class Verdict(NamedTuple):
    """A word, "holds", "fails", "depends" or "unsound", and the reason in a sentence."""

    word: str
    reason: str


class Judged(NamedTuple):
    """All that was found of a claim.

    Attributes
    ----------
    tests, beside, controls, ceilings : list of Found
    verdict : Verdict
    """

    tests: list
    beside: list
    controls: list
    ceilings: list
    verdict: Verdict


def judged(claim, measured):
    """Compare what was measured of a claim.

    Parameters
    ----------
    claim : Claim
    measured : Measured

    Returns
    -------
    Judged
    """
    ceilings = [Comparison("ceiling", (contender,), best, part, None, "no gain")
                for (contender, part), best in claim.ceilings.items()]
    told = [*claim.tests, *claim.beside]
    checked = [*claim.controls, *ceilings]
    found = [difference(one, measured.scores, corrected_for(told, measured), claim.unbounded) for one in told]
    checks = [difference(one, measured.scores,
                         len(checked) if one.expected == "no gain" else corrected_for(checked, measured),
                         claim.unbounded) for one in checked]
    tests, controls = found[:len(claim.tests)], checks[:len(claim.controls)]
    return Judged(tests, found[len(tests):], controls, checks[len(controls):], verdict(tests, checks))


def corrected_for(comparisons, measured):
    """For how many comparisons each interval is corrected: for all, but with two seeds for none.

    Student's quantile with one degree of freedom is 13 at 95 % and 636 at 99.9 %: corrected, two seeds could show
    nothing at all. (Controls that must show no gain are corrected all the same.)
    """
    seeds = len(next(iter(next(iter(measured.scores.values())).values())))
    return 1 if seeds == 2 else len(comparisons)


def difference(comparison, scores, count, unbounded=()):
    """The paired difference of one comparison among `count` of them: Found.

    Parameters
    ----------
    comparison : Comparison
    scores : dict of str to dict of str to array (S, N)
    count : int
        The interval's level is 1 - 0.05 / count, Bonferroni's: all of them hold together in at least 95 of 100 cases.
    unbounded : tuple of str
        Parts whose scores are not from 0 to 1. Other intervals end where no mean of such scores can lie.

    Examples
    --------
    >>> import numpy as np
    >>> scores = {"both": {"test": np.ones((2, 50))}, "one": {"test": np.repeat([[0.0], [1.0]], 50, 1)}}
    >>> found = difference(Comparison("xor", ("both",), ("one",)), scores, 1)
    >>> found.gain, found.word
    (0.5, 'no gain')
    """
    ours = _best(comparison.ours, scores)
    table = scores[ours][comparison.part]
    if isinstance(comparison.than, float | int):
        than = comparison.than
        table, least, most = table - than, -than, 1 - than
    else:
        than = _best(comparison.than, scores)
        table, least, most = table - scores[than][comparison.than_part or comparison.part], -1, 1
    low, high = crossed_t_interval(table, 1 - ALARM / count)
    if comparison.part not in unbounded:
        low, high = max(low, least), min(high, most)
    return Found(comparison, ours, than, float(table.mean()), low, high)


def _best(names, scores):
    """The contender with the best validation; of equals the first."""
    if len(names) == 1:
        return names[0]
    return max(names, key=lambda name: scores[name]["val"].mean())


def verdict(tests, checks=()):
    """Whether a claim holds.

    It holds if there is a gain in every test, it fails if there is none in any, and otherwise it depends on where. If a
    control or a ceiling is violated, the experiment is unsound, and nothing follows from it.

    Parameters
    ----------
    tests : sequence of Found
    checks : sequence of Found
        Controls and ceilings.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> one = Found(Comparison("unique", ("both",), ("one",)), "both", "one", 0.4, 0.3, 0.5)
    >>> other = Found(Comparison("redundant", ("both",), ("one",)), "both", "one", 0.0, -0.1, 0.1)
    >>> verdict([one, other])
    Verdict(word='depends', reason='gain in 1 of 2: unique; no gain in 1 of 2: redundant')
    """
    violated = [found for found in checks if not found.is_as_expected]
    if violated:
        return Verdict("unsound", "; ".join(_alarm(found) for found in violated))
    wheres = {word: [found.comparison.where for found in tests if found.word == word]
              for word in ("gain", "no gain", "loss")}
    reason = "; ".join(f"{word} in {len(some)} of {len(tests)}: {', '.join(some)}"
                       for word, some in wheres.items() if some)
    if not wheres["gain"]:
        return Verdict("fails", reason)
    return Verdict("depends" if wheres["no gain"] or wheres["loss"] else "holds", reason)


def _alarm(found):
    """A violated control in words."""
    where, _, than, part, _, expected = found.comparison
    if where == "ceiling":
        return f"{found.ours} ({part}) is above its ceiling of {than:.3f} by {found.gain:.3f}"
    return (f"control {where}: {found.ours} over {found.than}, {found.gain:+.3f} ({found.low:+.3f} to "
            f"{found.high:+.3f}), where {expected} was expected")
