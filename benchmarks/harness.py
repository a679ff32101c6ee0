"""Time several candidates in turn, A B A B ..., and compare them round by round.

A machine that other programs share is slow for a minute and fast the next. What stays the same is the ratio of two runs
made one right after the other; so each round runs every candidate once, and a ratio is the median over rounds of
(candidate / baseline of the same round). Seconds are printed too, but they are worth something on a quiet machine only.
"""

import argparse
import gc
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

from tinymm import writing
from tinymm.machine.bench import check_writable

from . import machine

__all__ = ["Comparison", "alternate", "announced", "clock_for", "compare", "parse_arguments", "report", "tenths"]


LONG = 5  # see `alternate`


@dataclass(frozen=True)
class Comparison:
    """What one benchmark found: for each candidate, (10 %, median, 90 %) over the rounds."""

    name: str
    baseline: str
    unit: str  # of `times`
    rounds: int
    times: dict  # candidate -> three numbers
    ratios: dict  # candidate -> three numbers, to the baseline of the same round


def alternate(candidates, rounds, warmup=1, clock=time.perf_counter, settle=0.0):
    """Run all candidates in turn, again and again.

    The garbage collector runs before each candidate and not during it. It does not search what existed before the first
    one, so that it is quick.

    Parameters
    ----------
    candidates : dict of str to callable
        Called without arguments.
    rounds : int
        How often each is timed.
    warmup : int
        How often each runs before that, untimed.
    clock : callable
        Gives the seconds.
    settle : float
        Seconds for which each candidate runs untimed before it is timed, as in training it would run after itself. The
        threads of the library that ran before spin for up to 30 ms, on cores that the next one needs, and it takes some
        more until the system has spread the threads again. Left out where one run takes LONG times as long.

    Returns
    -------
    dict of str to float array (rounds,)
        Seconds.

    Examples
    --------
    >>> order = []
    >>> seconds = alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2, warmup=0)
    >>> order, seconds["a"].shape
    (['a', 'b', 'a', 'b'], (2,))
    """
    seconds = {name: [] for name in candidates}
    took = dict.fromkeys(candidates, 0.0)
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    try:
        for i in range(warmup + rounds):
            for name, run in candidates.items():
                gc.collect()
                gc.disable()
                settled = time.perf_counter() + settle
                while took[name] < LONG * settle and time.perf_counter() < settled:
                    run()
                start = clock()
                run()
                took[name] = elapsed = clock() - start
                gc.enable()
                if i >= warmup:
                    seconds[name].append(elapsed)
    finally:
        gc.unfreeze()
        (gc.enable if was_enabled else gc.disable)()
    return {name: np.array(values) for name, values in seconds.items()}


def announced(named):
    """The items of a dict, each announced on stderr when its turn comes: k/n and its name.

    Examples
    --------
    >>> [value for name, value in announced({"softmax": 1, "gelu": 2})]
    [1, 2]
    """
    for k, (name, value) in enumerate(named.items(), start=1):
        print(f"{k}/{len(named)} {name} ...", file=sys.stderr, flush=True)
        yield name, value


def clock_for(threads):
    """For one thread processor time, which leaves out what other programs take; for several, the time of day.

    Threads that wait for each other use processor time too, so for several of them it would mean nothing.

    Examples
    --------
    >>> clock_for(1) is time.process_time, clock_for(2) is time.perf_counter
    (True, True)
    """
    return time.process_time if threads == 1 else time.perf_counter


def compare(name, seconds, baseline, unit="ms", units_per_second=1e3):
    """Ratios to the baseline, round by round, and times.

    Parameters
    ----------
    name : str
        Of the benchmark.
    seconds : dict of str to array (rounds,)
        As `alternate` gives them.
    baseline : str
        One of the candidates.
    unit : str
        What the times are given in.
    units_per_second : float
        What turns seconds into that unit; with n ops in a run, 1e6 / n gives µs per op.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the baseline is not one of the candidates.

    Examples
    --------
    >>> found = compare("sum", {"ours": np.array([1.0, 3.0, 2.0]), "theirs": np.array([2.0, 6.0, 2.0])}, "theirs")
    >>> found.ratios["ours"]
    (0.5, 0.5, 0.9)
    """
    if baseline not in seconds:
        raise ValueError(f"compare: the baseline must be one of {', '.join(seconds)}; got {baseline!r}")
    times = {candidate: tenths(s * units_per_second) for candidate, s in seconds.items()}
    ratios = {candidate: tenths(s / seconds[baseline]) for candidate, s in seconds.items()}
    return Comparison(name=name, baseline=baseline, unit=unit, rounds=len(seconds[baseline]), times=times,
                      ratios=ratios)


def tenths(values):
    """The first decile, the median and the ninth decile, as Python floats.

    Examples
    --------
    >>> tenths(range(11))
    (1.0, 5.0, 9.0)
    """
    return tuple(round(float(v), 6) for v in np.percentile(list(values), [10, 50, 90]))


def table(comparison):
    """The lines that show a Comparison, the baseline's own ratio left out."""
    unit = comparison.unit
    lines = [f"{comparison.name}  ({comparison.rounds} rounds; median, 10-90 %)"]
    for candidate, (low, median, high) in comparison.times.items():
        line = f"  {candidate:<14}{median:10.3f} {unit:<10} [{low:.3f} - {high:.3f}]".ljust(62)
        if candidate != comparison.baseline:
            low, median, high = comparison.ratios[candidate]
            line += f"{median:7.2f} x {comparison.baseline}  [{low:.2f} - {high:.2f}]"
        lines.append(line.rstrip())
    return lines


def report(comparisons, path=None, threads=None, **more):
    """Print where this ran and what was found; write the same as JSON, and what else there is under its name.

    Returns
    -------
    dict
        What is written.
    """
    where = machine.describe(threads)
    print("\n".join(f"{key}: {value}" for key, value in where.items()))
    for comparison in comparisons:
        print("", *table(comparison), sep="\n")
    found = {"machine": where, "comparisons": [asdict(c) for c in comparisons], **more}
    if path is not None:
        with writing.replaced(path) as file:
            file.write(writing.json_bytes(found, indent=1))
    return found


def parse_arguments(description, repeats, threads, argv=None):
    """The options all benchmarks share: --repeats, --threads, --json, --out."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=repeats, metavar="N",
                        help="rounds to time (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=threads, metavar="N",
                        help="for PyTorch and for NumPy's BLAS alike (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    parser.add_argument("--out", metavar="DIR", help="draw the plots, if there are any, there (they need matplotlib)")
    options = parser.parse_args(argv)
    if options.repeats < 1 or options.threads < 1:
        parser.error(f"--repeats and --threads must be at least 1; got {options.repeats} and {options.threads}")
    try:
        check_writable("--json", options.json)
        check_writable("--out", options.out, "found.json")
    except ValueError as error:
        parser.error(str(error))
    return options
