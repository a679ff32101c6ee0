"""Measure what tinymm costs on this machine, beside other libraries where they are installed.

Without a NAME it lists the benchmarks there are. Each prints its table on standard output and its progress on standard
error. A benchmark runs all that it compares in turn, in one process, and prints ratios within a round: medians, and in
brackets the 10 % and 90 % points. Benchmarks are part of a checkout of the repository, not of the installed package.
Peers and threads come with  python -m pip install "tinymm[bench,threads]".
"""

import ast
import json
import os
import sys
import tempfile
from pathlib import Path

from .. import writing
from .isa import exit_status, limited

__all__ = ["add_arguments", "available", "run"]

CHECKOUT = Path(__file__).resolve().parents[2]


def add_arguments(parser):
    """The options of `tinymm bench`."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="a benchmark, such as attention (default: list them)")
    parser.add_argument("--all", action="store_true", dest="everything", help="every benchmark, one after another")
    parser.add_argument("--json", metavar="FILE", dest="target", help="write all results there, {NAME: results}")
    parser.add_argument("--out", metavar="DIR",
                        help="write NAME.json and the benchmark's plots, if it has any, there (plots need matplotlib)")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds to time (default: set by the benchmark)")
    parser.add_argument("--threads", type=int, metavar="N",
                        help="for NumPy's BLAS and for the peers alike (default: set by the benchmark)")
    parser.add_argument("--isa", metavar="NAME",
                        help="avx2: NumPy, OpenBLAS and PyTorch as on a processor without AVX-512")


def run(names=(), everything=False, target=None, out=None, repeats=None, threads=None, isa=None):
    """Run benchmarks, or list them; the options are those of `tinymm bench`.

    Returns
    -------
    dict
        name -> what the benchmark wrote as JSON; empty if they were only listed.

    Raises
    ------
    ValueError
        If a name is unknown, an option out of range, the results cannot be written, or there is no checkout; or if a
        benchmark refuses to run, which it says on standard error.
    RuntimeError
        If a benchmark fails.
    """
    summaries = available()
    for name in names:
        if name not in summaries:
            raise ValueError(f"bench: no benchmark is called {name!r}; there are {', '.join(summaries)}")
    for option, value in (("--repeats", repeats), ("--threads", threads)):
        if value is not None and value < 1:
            raise ValueError(f"bench: {option} must be at least 1; got {value}")
    environment = dict(os.environ) if isa is None else limited(isa)
    if not names and not everything:
        width = max(map(len, summaries))
        for name, summary in summaries.items():
            print(f"{name.ljust(width)}  {summary}")
        return {}
    check_writable("--json", target)
    check_writable("--out", out, "found.json")
    options = []
    for option, value in (("--repeats", repeats), ("--threads", threads), ("--out", out)):
        if value is not None:
            options += [option, str(value)]
    found = {}
    for name in summaries if everything else dict.fromkeys(names):
        found[name] = _results(name, options, environment)
        if out is not None:
            _write(Path(out, f"{name}.json"), found[name])
        if target is not None:
            _write(Path(target), found)  # after each benchmark, so that Ctrl-C loses only the one that runs
    return found


def available():
    """{name: its first line} of the programs in the checkout's folder `benchmarks`."""
    folder = CHECKOUT / "benchmarks"
    if not (folder / "harness.py").exists():
        raise ValueError("bench: benchmarks are not part of the installed package; "
                         "run this in a checkout of the repository, where there is a folder benchmarks/ beside tinymm/")
    summaries = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            summaries[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return summaries


def _results(name, options, environment):
    """What a benchmark writes as JSON; it runs in a process of its own, where its folder can be imported."""
    print(f"\n== {name} ==", flush=True)
    paths = [str(CHECKOUT), environment.get("PYTHONPATH")]
    environment = environment | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        # -P: a folder called benchmarks in the working directory is not taken for it
        command = [sys.executable, "-P", "-m", "benchmarks", name, *options, "--json", str(file)]
        status = exit_status(command, environment)
        if status == 130:
            raise KeyboardInterrupt
        if status:
            kind = ValueError if status == 2 else RuntimeError
            raise kind(f"bench: {name} ended with exit status {status}; its message stands above")
        return json.loads(file.read_text("utf-8"))


def check_writable(option, *place):
    """Raise ValueError if this file, or a file in this folder, cannot be written, before anything is measured."""
    if place[0] is None:
        return
    if not os.fspath(place[0]):
        raise ValueError(f"bench: {option} must name a place; got an empty name")
    file = os.path.abspath(Path(*place))
    try:
        writing.check_writable(file)
    except OSError as error:
        rule = "be a file" if error.filename == file else "lie in a folder"
        raise ValueError(f"bench: {option} must {rule} that can be written; "
                         f"got {error.filename} ({error.strerror})") from None


def _write(path, found):
    with writing.replaced(path) as file:
        file.write(writing.json_bytes(found, indent=1))
