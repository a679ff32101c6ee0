"""Check gradients: the table of every op on every rung of the ladder.

Each cell is the worst relative disagreement of a rung over all drawn calls, "-" where a rung does not apply, FAILED
where the gradient is wrong. Exit status: 0; 1 if a rung failed; 2 for an unknown op.
"""

import importlib
import sys

from ..autograd import registry
from ..extras import need
from ..writing import check_writable
from .ladder import row_name, rows_of, run_ladder
from .rungs import RUNGS
from .specification import SPECS

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of `tinymm gradcheck`."""
    parser.add_argument("ops", metavar="OP", nargs="*", help="an op of tinymm.functional, such as softmax")
    parser.add_argument("--all", action="store_true", dest="everything", help="every registered op")
    parser.add_argument("--examples", type=int, default=10, metavar="N",
                        help="calls drawn per row of an op (default: 10)")
    parser.add_argument("--html", metavar="FILE", help="write the table as a web page too")


def run(ops, everything=False, examples=10, html=None):
    """Print the table of the named ops, and write it as a web page.

    Returns
    -------
    int
        The exit status: 1 if a rung failed.

    Raises
    ------
    ValueError
        If an op is unknown, none is named, or `examples` is not positive.

    Examples
    --------
    >>> run(["tanh"], examples=2)  # doctest: +ELLIPSIS
    op ...
    tanh ...
    1 op, 2 examples per row: every rung passed
    0
    """
    need("hypothesis", extra="test", feature="gradcheck: draw the calls of an op")
    importlib.import_module("tinymm.testing.specs")
    if bool(ops) == everything:
        raise ValueError("gradcheck: name one or several ops, or --all; got " + ("both" if ops else "neither"))
    if examples < 1:
        raise ValueError(f"gradcheck: --examples must be at least 1; got {examples}")
    names = sorted(name for name in SPECS if name in registry) if everything else list(dict.fromkeys(ops))
    for name in names:
        rows_of(name)
    if html is not None:
        check_writable(html)
    results = _shown(names, examples)
    failures = [(row, rung, outcome.message) for result in results for row, rung, outcome in result.failures]
    for row, rung, message in failures:
        print(f"\n{row}: {rung}\n{message}")
    verdict = f"{len(failures)} FAILED" if failures else "every rung passed"
    summary = f"{len(names)} op{'s' if len(names) > 1 else ''}, {examples} examples per row: {verdict}"
    print(summary)
    if html is not None:
        _written(html, summary, results, failures)
        print(f"report: {html}")
    return 1 if failures else 0


def _shown(names, examples):
    """Run the ladder op by op, printing each row of the table when it is done."""
    width = max(len(row_name(row, 99)) for name in names for row in SPECS[name])
    words = [rung.split() for rung in RUNGS]
    widths = [max(8, *map(len, pair)) for pair in words]
    for line, title in ((0, "op"), (1, "")):  # a rung of two words takes two lines
        print(title.ljust(width), *((pair[line:] or [""])[0].rjust(w) for pair, w in zip(words, widths)))
    results = []
    for k, name in enumerate(names, start=1):
        if sys.stderr.isatty():
            print(f"\r{k}/{len(names)} {name} ...", end="\r", file=sys.stderr, flush=True)
        results.append(run_ladder(name, examples))
        for row, outcomes in results[-1].rows.items():
            print(row.ljust(width), *(str(outcome).rjust(w) for outcome, w in zip(outcomes.values(), widths)),
                  flush=True)
    return results


def _written(path, summary, results, failures):
    """The table as a self-contained web page."""
    from ..viz import Report

    report = Report("Gradient checks", summary)
    report.text("Each cell is the worst relative disagreement over all drawn calls; - where a rung does not apply. "
                "For taylor it is how far the slope falls short of 2 or 3; for float32 the drift in units of ε·n·s.")
    rows = [[row, *map(str, outcomes.values())] for result in results for row, outcomes in result.rows.items()]
    report.table(rows, ["op", *RUNGS])
    for row, rung, message in failures:
        report.heading(f"{row}: {rung}")
        for line in message.splitlines():
            report.text(line)
    report.save(path)
