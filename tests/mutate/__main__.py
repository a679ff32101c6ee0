"""Rewrite the source, one change at a time, and report the changes that no check notices.

Signs are flipped, terms and factors dropped, operands, inputs and results swapped; transposes, indices, statements,
arguments and conditions forgotten; axes, constants, defaults, comparisons, ends of ranges, orders and keepdims changed;
loops cut short; cotangents returned as they came.

Without --room it is every gradient: each mutant goes through the ladder of its op's spec rows and then through the
tests of its file, until something fails. With --room it is every function of a room, and each mutant goes through
those tests of the room that run it; there are so many that 300 are drawn, and the score has an interval.

    python -m tests.mutate                         all gradients of tinymm/functional
    python -m tests.mutate linalg softmax          those of a file, of an op
    python -m tests.mutate --list softmax          show the mutants, run nothing
    python -m tests.mutate --room metrics          300 changes of tinymm/metrics
    python -m tests.mutate --room metrics bleu     all changes of a file: for who has changed it

Verdicts are kept: after Ctrl-C the next run goes on, and later only what has changed is run again. A survivor wants a
stronger spec row or test; if it computes the same gradient, an entry in tests/mutate/equivalent.py, or for a
room tests/mutate/survivors.py, that says why. PyTorch is not asked: where the tests run, there may be none.
Exit status: 0; 1 if one survives or an entry is stale;
2 for wrong usage or a check that fails anyway; 130 after Ctrl-C.
"""

import argparse
import difflib
import importlib
import sys
import time
from pathlib import Path

from tinymm.training.progress import progress_display

from .checks import BrokenCheck
from .equivalent import EQUIVALENT
from .mutants import mutants_of
from .notebook import Notebook, RoomNotebook
from .report import shown, shown_of_room
from .rooms import ROOMS, drawn, mutants_in
from .suite import judged_by_tests, paths_of
from .survivors import KNOWN
from .targets import ROOM, targets_in
from .workers import judged

__all__ = ["chosen", "main", "verdicts_of"]

NOTEBOOK = Path(__file__).resolve().parents[2] / ".mutation" / "verdicts.jsonl"


def parser():
    made = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("names", metavar="FILE or OP", nargs="*",
                      help="a file of tinymm/functional, or an op; default: everything")
    made.add_argument("--room", choices=ROOMS, help="every function of a room, not gradients alone")
    made.add_argument("--draw", type=int, default=300, metavar="N",
                      help="of a room, how many mutants are drawn where no file is named (default: 300)")
    made.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    made.add_argument("--examples", type=int, default=15, metavar="N",
                      help="calls drawn per spec row (default: 15, those of the test suite)")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    made.add_argument("--list", action="store_true", dest="listing", help="print the diff of every mutant, run none")
    made.add_argument("--notebook", default=NOTEBOOK, metavar="FILE",
                      help="where verdicts are kept (default: .mutation/verdicts.jsonl)")
    made.add_argument("--fresh", action="store_true", help="forget all verdicts first")
    return made


def main(arguments=None, modules=ROOM, equivalents=EQUIVALENT):
    """The command; returns its exit status."""
    options = parser().parse_args(arguments)
    importlib.import_module("tinymm.testing.specs")
    try:
        if min(options.examples, options.jobs, options.draw) < 1:
            raise ValueError("mutate: --examples, --jobs and --draw must be at least 1")
        if options.room:
            return judge_room(options)
        targets = chosen(targets_in(modules), options.names)
        mutants = [mutant for target in targets for mutant in mutants_of(target)]
        if options.listing:
            print(*(mutant.diff for mutant in mutants), f"{len(mutants)} mutants of {len(targets)} functions",
                  sep="\n\n")
            return 0
        notebook = Notebook(options.notebook, modules, options.examples, options.fresh)
        verdicts = verdicts_of(mutants, notebook, lambda waiting: judged(waiting, options.examples, options.jobs))
    except (ValueError, BrokenCheck) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the next run goes on from here", file=sys.stderr)
        return 130
    return shown(verdicts, equivalents)


def judge_room(options):
    """The command with --room; returns its exit status."""
    files = [Path(name).stem for name in options.names]
    everything = mutants_in(options.room, files)
    mutants = everything if files else drawn(everything, options.draw, options.seed)
    if options.listing:
        print(*(mutant.diff for mutant in mutants), f"{len(mutants)} mutants of {len(everything)}", sep="\n\n")
        return 0
    notebook = RoomNotebook(options.notebook, options.room, options.fresh)
    verdicts = verdicts_of(mutants, notebook,
                           lambda waiting: judged_by_tests(waiting, paths_of(options.room), options.jobs))
    return shown_of_room(options.room, verdicts, len(everything), [*KNOWN, *EQUIVALENT])


def chosen(targets, names):
    """The targets of the named files and ops."""
    if not names:
        return targets
    wanted = [Path(name).stem for name in names]
    known = {target.file for target in targets} | {op for target in targets for op in target.ops}
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            raise ValueError(f"mutate: no file and no op is called {name!r}"
                             f"{'; is it ' + ' or '.join(near) + '?' if near else ''}")
    return [target for target in targets if target.file in wanted or set(target.ops) & set(wanted)]


def verdicts_of(mutants, notebook, judge):
    """[(mutant, killer)] of all, from the notebook or as `judge` finds them for those that it does not know."""
    verdicts = [(mutant, known[0]) for mutant in mutants if (known := notebook.recall(mutant))]
    met = {mutant for mutant, _ in verdicts}
    waiting = [mutant for mutant in mutants if mutant not in met]
    display, began = progress_display(len(mutants), len(verdicts)), time.monotonic()
    try:
        for mutant, killer in judge(waiting):
            notebook.note(mutant, killer)
            verdicts.append((mutant, killer))
            display.update(mutant.target.name, {"survived": sum(not killer for _, killer in verdicts)})
    finally:
        display.close()
    print(f"{len(mutants)} mutants, {len(waiting)} of them run now, in {time.monotonic() - began:.0f} s")
    order = {mutant: k for k, mutant in enumerate(mutants)}
    return sorted(verdicts, key=lambda verdict: order[verdict[0]])


if __name__ == "__main__":
    sys.exit(main())
