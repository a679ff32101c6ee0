"""What a claim is: a sentence of the article, its null hypothesis, and trainings that could prove it wrong.

To add a claim, write one file here with a function ``claim(run, quick) -> Claim`` and name it in
`recipes.claims.CLAIMS`. All the rest is done by the others: `measuring` trains, `judging` compares, `telling` writes
the report.

- A `Contender` is a name and ``fit(rate, seed, report)``: one training of seconds, in a process of its own. It returns
  a dict of arrays: "val", and for each part of the test a score of each item from 0 to 1, such as whether it was
  answered right (other scores: `Claim.unbounded`). Of all seeds and all contenders, item n of a part is the same item;
  training data may differ by seed.
- The rate of a contender is the one of `RATES` with the best mean of "val", on a seed that is used for nothing else.
  So each has the same budget. With ``like="other"`` it takes that of another contender, as a control must.
- A `Comparison` says who should beat whom, and `where`: the claim "depends on" that word. Several names on one side are
  the one of them with the best mean of "val" over all seeds. The other side may be a number.
- `Claim.tests` decide the verdict; `Claim.beside` are told beside them. Their intervals are corrected for the number of
  both. `Claim.controls` say what must be so if the experiment is sound, and `Claim.ceilings` what nothing can exceed;
  these are corrected for their own number. If one is violated, the verdict is that the experiment is unsound.

Where the result is a number and not one for each item (a distance, a dimension), the array has one entry.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["RATES", "Claim", "Comparison", "Contender"]

RATES = (1e-3, 3e-3, 1e-2)  # learning rates, of which each contender has its own


@dataclass(frozen=True)
class Contender:
    """Something that is trained and tested, with every seed once more.

    Attributes
    ----------
    name : str
        Unique in its claim, and a folder; such as "synergistic/concatenation".
    fit : callable
        ``fit(rate, seed, report) -> dict of str to array``; it calls ``report(share)`` now and then.
    kind : str
        Those of a kind take about as long; for the progress.
    rates : tuple of float
        To choose from; a single one is not tuned.
    like : str, optional
        The contender whose rate it takes.
    """

    name: str
    fit: object
    kind: str = ""
    rates: tuple = RATES
    like: str | None = None


class Comparison(NamedTuple):
    """Who should beat whom, and where.

    Attributes
    ----------
    where : str
        What the claim may depend on, such as the name of a world.
    ours : tuple of str
        Contenders; the best of them on validation is compared.
    than : tuple of str, or float
        Contenders, or a number such as chance.
    part : str
        Of the test.
    than_part : str, optional
        Of the other side, if it is another part.
    expected : {"gain", "no gain"}
        What a control must show: an interval above 0, or one that is not.
    """

    where: str
    ours: tuple
    than: object
    part: str = "test"
    than_part: str | None = None
    expected: str = "gain"


@dataclass(frozen=True)
class Claim:
    """A sentence to be tested.

    Attributes
    ----------
    name : str
        As in ``--claims NAME``.
    section : str
        Of the article.
    sentence : str
        What is claimed.
    null : str
        The hypothesis that the evidence must speak against.
    contenders : sequence of Contender
    tests, beside, controls : sequence of Comparison
    ceilings : dict of (str, str) to float
        By contender and part, the best mean score that is possible.
    tell : callable, optional
        ``tell(report, scores)`` adds figures; `scores` as of `Measured`.
    shown : tuple of str, optional
        The parts of the report's last table; by default all but "val".
    unbounded : tuple of str
        The parts whose scores are not from 0 to 1. Of all others a difference, and its interval, lies within [-1, 1].
    """

    name: str
    section: str
    sentence: str
    null: str
    contenders: tuple
    tests: tuple
    beside: tuple = ()
    controls: tuple = ()
    ceilings: dict = field(default_factory=dict)
    tell: object = None
    shown: tuple | None = None
    unbounded: tuple = ()
