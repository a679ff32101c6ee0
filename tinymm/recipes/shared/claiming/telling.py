"""The report on claims: a table of claims, evidence and verdicts, then each claim with its figures."""

from ....viz import Report, format_table
from .judging import corrected_for

__all__ = ["flat", "report_of", "rows_of", "summary", "told_of"]

CLAIMS = ["claim", "article", "null hypothesis", "evidence", "verdict"]
TESTS = ["where", "ours", "than", "gain", "interval", "found"]
CHECKS = ["control", "of", "than", "difference", "interval", "expected", "found"]
FIGURES = ["contender", "part", "score", "ceiling"]
FEW = 4  # tests that fit into a cell


def report_of(run, claims, measured, judged, seeds, warning):
    """The whole report.

    Parameters
    ----------
    run : Run
    claims : sequence of Claim
    measured, judged : dict of str to Measured, to Judged
    seeds : int
    warning : str
        What the reader must know of a quick run, or "".

    Returns
    -------
    Report
    """
    report = Report("Claims about several modalities, tested", f"Every contender is trained with {seeds} seeds.")
    if warning:
        report.text(warning)
    report.table(summary(claims, judged), CLAIMS, "The claims that fail stay in the table.")
    report.text("Gains are paired differences on the same test items. The intervals are Student's, of the variances "
                "between seeds and between items together; from three seeds on, within a claim they are corrected for "
                "their number (Bonferroni): in at least 95 of 100 experiments all of them hold the true difference. "
                "“no gain” means that the interval holds 0; its upper end says how large a gain may be all the same.")
    for claim in claims:
        _add(report, claim, measured[claim.name], judged[claim.name])
    return report


def summary(claims, judged):
    """A row for each claim, see `CLAIMS`."""
    return [[claim.sentence, claim.section, claim.null, _evidence(judged[claim.name]), judged[claim.name].verdict.word]
            for claim in claims]


def rows_of(found):
    """A row for each comparison, see `TESTS`."""
    return [[one.comparison.where, _called(one.ours, one.comparison.part),
             _called(one.than, one.comparison.than_part or one.comparison.part), one.gain, _interval(one), one.word]
            for one in found]


def told_of(claim, judged):
    """A claim, its tests and its verdict, for the terminal."""
    lines = [f"\n{claim.name} ({claim.section}): {claim.sentence}", format_table(rows_of(judged.tests), TESTS),
             f"verdict: {judged.verdict.word}; {judged.verdict.reason}"]
    return "\n".join(lines)


def flat(claim, measured, judged):
    """The numbers of a claim by name, for metrics.json: dict of str to float.

    ``test/CLAIM/CONTENDER/PART``, its ``/ceiling`` where there is one, ``rate/CLAIM/CONTENDER``, and of each comparison
    ``gain/CLAIM/WHERE/OURS/than/THAN``, ``…/low`` and ``…/high``.
    """
    metrics = {f"holds/{claim.name}": float(judged.verdict.word == "holds")}
    for contender, parts in measured.scores.items():
        metrics |= {f"{claim.name}/{contender}/{part}": float(values.mean()) for part, values in parts.items()}
    metrics |= {f"{claim.name}/{contender}/{part}/ceiling": best for (contender, part), best in claim.ceilings.items()}
    metrics |= {f"rate/{claim.name}/{contender}": rate for contender, rate in measured.rates.items()}
    for kind in ("tests", "beside", "controls"):
        for one in getattr(judged, kind):
            ours = _called(one.ours, one.comparison.part)
            than = _called(one.than, one.comparison.than_part or one.comparison.part)
            name = f"gain/{claim.name}/{one.comparison.where}/{ours}/than/{than}"
            metrics |= {name: one.gain, f"{name}/low": one.low, f"{name}/high": one.high}
    return metrics


def _add(report, claim, measured, judged):
    """A claim's own section."""
    report.heading(f"{claim.name} (article {claim.section}): {judged.verdict.word}")
    report.text(f"Claim: {claim.sentence}")
    report.text(f"Null hypothesis: {claim.null}")
    report.text(f"Verdict: {judged.verdict.word}; {judged.verdict.reason}.")
    told = [*judged.tests, *judged.beside]
    report.table(rows_of(judged.tests), TESTS, _level("These decide", len(told), corrected_for(told, measured)))
    report.intervals({one.comparison.where: one[-3:] for one in judged.tests}, "gain")
    if judged.beside:
        report.table(rows_of(judged.beside), TESTS, _level("Beside them", len(told), corrected_for(told, measured)))
    if claim.tell:
        claim.tell(report, measured.scores)
    checked = len(judged.controls) + len(judged.ceilings)
    if judged.controls:
        report.table([[*row[:5], one.comparison.expected, row[5]]
                      for one, row in zip(judged.controls, rows_of(judged.controls))], CHECKS,
                     _level("What must be so; those that expect no gain", checked, checked))
    rows = [[contender, part, float(values.mean()), claim.ceilings.get((contender, part))]
            for contender, parts in measured.scores.items() for part, values in parts.items()
            if (part != "val" if claim.shown is None else part in claim.shown)]
    above = [one.ours for one in judged.ceilings if not one.is_as_expected]
    report.table(rows, FIGURES, "Means over seeds and items. " + (
        f"Above their ceilings beyond their intervals: {', '.join(above)}." if above else
        "None is above its ceiling beyond its interval."))


def _level(words, count, corrected):
    return f"{words}: {count} comparisons in all, each interval at {1 - 0.05 / corrected:.2%}.".replace("%", " %")


def _evidence(judged):
    """Each test with its interval; of many, how they came out, and the best and the worst."""
    some = judged.tests
    if len(some) <= FEW:
        return "; ".join(map(_briefly, some))
    words = [one.word for one in some]
    counts = ", ".join(f"{words.count(word)} × {word}" for word in ("gain", "no gain", "loss") if word in words)
    worst, *_, best = sorted(some, key=lambda one: one.gain)
    return f"{len(some)} tests: {counts}; from {_briefly(worst)} to {_briefly(best)}"


def _briefly(one):
    return f"{one.comparison.where} {one.gain:+.3f} ({_interval(one)})"


def _interval(one):
    return f"{one.low:+.3f} to {one.high:+.3f}"


def _called(side, part):
    if isinstance(side, str):
        return side if part == "test" else f"{side} ({part})"
    return f"{side:g}"
