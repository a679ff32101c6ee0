"""Look at this machine: what NumPy multiplies matrices with, how fast, and whether it could be faster.

Prints processor, versions, BLAS and its kernels, and threads; measures products of float32 and float64 matrices and the
memory's bandwidth, with one thread and with all. Where OpenBLAS runs slower kernels than the processor could, it says
which environment variable mends that and how much is gained, measured on the spot. Takes half a minute at most.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

from ..viz import format_table
from . import rates
from .blas_library import KERNELS, blas
from .cpu import processor, usable_cores
from .isa import ASKED, asked, exit_status, limited, vectors_of_torch
from .kernels import CHOSEN, VARIABLE, better_kernels, chosen
from .summary import describe

__all__ = ["add_arguments", "examine", "run"]

# environment variables that limit the threads of one BLAS or another
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ROWS = {"float32": "float32 products, GFLOP/s", "float64": "float64 products, GFLOP/s",
        "memory": "copying memory, GB/s"}
WORTH = 1.05  # times as fast; anything less is called no gain


def add_arguments(parser):
    """The options of `tinymm doctor`."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="print everything as JSON instead")
    parser.add_argument("--repeats", type=int, default=5, metavar="N",
                        help="how often to compare a process without better kernels and one with them (default: 5)")
    parser.add_argument("--isa", metavar="NAME", help="avx2: look at it as at a processor without AVX-512")


def run(as_json=False, repeats=5, isa=None):
    """Print what `examine` finds; with an isa, in a child process that is limited to it. Returns the exit status."""
    if repeats < 2:
        raise ValueError(f"doctor: --repeats must be at least 2, to see how far results spread; got {repeats}")
    if isa is not None:
        words = ["doctor", "--repeats", str(repeats), *(["--json"] if as_json else [])]
        return exit_status([sys.executable, "-P", "-m", "tinymm", *words], limited(isa) | _with_this_package())
    if not as_json:
        print("measuring ...", file=sys.stderr)
    found = examine(repeats)
    if as_json:
        print(json.dumps(found, indent=1))
        return 0
    settings = ", ".join(f"{name}={value}" for name, value in found["environment"].items()) or "nothing set"
    lines = {**found["machine"], "environment": settings}
    width = max(map(len, lines))
    for name, text in lines.items():
        print(f"{name.ljust(width)}  {text}")
    columns = found["rates"]
    rows = [[title, *(round(column[rate] / 1e9, 1) for column in columns.values())] for rate, title in ROWS.items()]
    print("", format_table(rows, ["measured", *columns]), "", sep="\n")
    for line in found["findings"]:
        print(f"- {line}")
    return 0


def _with_this_package():
    """What lets a child process find the tinymm that runs here, wherever it starts."""
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def examine(repeats=5):
    """Describe and measure this machine.

    Parameters
    ----------
    repeats : int
        How often a process with better kernels, if there are any, is compared with one without them.

    Returns
    -------
    dict
        ``machine``: `describe`'s words. ``environment``: the variables that matter and are set. ``rates``: "1 thread"
        and "N threads" -> operations or bytes per second. ``gain``: None, or the variable, the value it should have,
        and its ratios, (10 %, median, 90 %) of each rate with it over that without. ``findings``: sentences.
    """
    set_by_tinymm = (VARIABLE, CHOSEN) if chosen() else ()
    environment = {name: value for name, value in os.environ.items() if name not in set_by_tinymm}
    library = blas()
    cores = usable_cores()
    threads = library.threads or cores
    measured = {"1 thread": _measure(environment | dict.fromkeys(THREADS, "1"), 1)}
    if threads > 1:
        measured[f"{threads} threads"] = _measure(environment, threads)
    limits = asked()
    better = None if limits else chosen() or better_kernels(processor(), library)
    gain = None
    if better:
        ratios = _compare(environment, environment | {VARIABLE: better}, repeats, threads)
        gain = {"variable": VARIABLE, "value": better, "ratios": ratios}
    variables = {name: value for name, value in sorted(environment.items())
                 if name in THREADS or name.startswith("OPENBLAS_")}
    if limits:
        kernels = [f"{ASKED}={limits[ASKED]}: it could be faster without"]
    else:
        kernels = _kernel_findings(library, processor().vectors, gain, environment)
    return {"machine": {**describe(), "vectors of PyTorch": vectors_of_torch()}, "environment": variables,
            "rates": measured, "gain": gain, "findings": [*kernels, *_thread_findings(library, cores, variables)]}


def _measure(environment, threads):
    """What `rates` prints in a process with this environment: products in float32 and in float64, and memory."""
    command = [sys.executable, "-P", rates.__file__, str(threads)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"doctor: measuring failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return json.loads(done.stdout)


def _compare(before, after, repeats, threads):
    """Rates in the environment `after` over those in `before`, measured in turn: (10 %, median, 90 %) of each dtype."""
    pairs = [(_measure(before, threads), _measure(after, threads)) for _ in range(repeats)]
    ratios = {dtype: [fast[dtype] / slow[dtype] for slow, fast in pairs] for dtype in ("float32", "float64")}
    return {dtype: [round(x, 3) for x in _spread(values)] for dtype, values in ratios.items()}


def _spread(values):
    """The first decile, the median and the last decile.

    Examples
    --------
    >>> _spread([1.0, 2.0, 3.0])
    (1.2, 2.0, 2.8)
    """
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], median(values), tenths[-1]


def _kernel_findings(library, widest, gain, environment):
    """Sentences about the kernels on a processor whose widest vectors are `widest`; a gain only if it was measured."""
    if library.kernels is None:
        yield ("which kernels the BLAS runs is unknown; to know it, and to use threads in attention and convolution: "
               'python -m pip install "tinymm[threads]"')
    if gain is None:
        used = KERNELS.get(library.kernels)
        if used is not None and used == widest:
            yield f"the kernels use all the processor has ({used}): nothing to mend"
        elif used is not None:
            yield (f"the kernels use {used}, less than the processor has ({widest}); "
                   "NumPy is not from its wheel, so nothing was tried")
        return
    value = gain["value"]
    ratios = gain["ratios"]
    speeds = ", ".join(f"{dtype} products run {median_ratio:.2f} times as fast [{low:.2f} - {high:.2f}]"
                       for dtype, (low, median_ratio, high) in ratios.items())
    before = f"{VARIABLE}={environment[VARIABLE]} is set" if VARIABLE in environment else "OpenBLAS chose by itself"
    yield f"{before}; with {VARIABLE}={value}, {speeds}"
    if max(low for low, _, _ in ratios.values()) < WORTH:
        yield "that is no gain: leave things as they are"
    elif VARIABLE in environment:
        yield f"mend it: export {VARIABLE}={value} before Python starts, or unset it if OpenBLAS then chooses as well"
    else:
        yield (f"mend it for programs of your own: export {VARIABLE}={value} before Python starts; "
               f"the `tinymm` command does so by itself, unless {CHOSEN}=off")


def _thread_findings(library, cores, variables):
    """Sentences about the number of threads."""
    if library.threads is None or library.threads == cores:
        return
    if library.threads < cores:
        limits = [f"{name}={variables[name]}" for name in THREADS if name in variables]
        reason = f": {', '.join(limits)} is set" if limits else ""
        yield f"the BLAS uses {library.threads} of {cores} cores{reason}"
    else:
        yield (f"the BLAS starts {library.threads} threads on {cores} core{'s' * (cores != 1)}, "
               f"which get in each other's way: export OPENBLAS_NUM_THREADS={cores}")
