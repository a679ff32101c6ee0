"""Measure what tinymm costs on this machine, beside other libraries where they are installed.

Without a NAME it lists what there is. Each benchmark prints its table on standard output and its progress on standard
error. All candidates run in one process in turn, and what is compared are ratios within a round: medians, and in
brackets the 10 % and 90 % points. Benchmarks live in a checkout of the repository, not in the installed package. Peers
and threads come with  python -m pip install "tinymm[bench,threads]".
"""

import ast
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

__all__ = ["add_arguments", "available", "run"]

CHECKOUT = Path(__file__).resolve().parents[2]


def add_arguments(parser):
    """The options of `tinymm bench`."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="a benchmark, such as attention (default: list them)")
    parser.add_argument("--all", action="store_true", dest="everything", help="every benchmark, one after another")
    parser.add_argument("--json", metavar="FILE", dest="target", help="write all results there, {NAME: results}")
    parser.add_argument("--out", metavar="DIR",
                        help="write NAME.json and, of costs, the plots there (plots need matplotlib)")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds to time (default: set by the benchmark)")
    parser.add_argument("--threads", type=int, metavar="N",
                        help="for NumPy's BLAS and for the peers alike (default: set by the benchmark)")


def run(names=(), everything=False, target=None, out=None, repeats=None, threads=None):
    """Run benchmarks, or list them.

    Returns
    -------
    dict
        name -> what the benchmark wrote as JSON; empty if they were only listed.

    Raises
    ------
    ValueError
        If a name is unknown, an option out of range, the results cannot be written, or there is no checkout.
    """
    there = available()
    for name in names:
        if name not in there:
            raise ValueError(f"bench: no benchmark is called {name!r}; there are {', '.join(there)}")
    for option, value in (("--repeats", repeats), ("--threads", threads)):
        if value is not None and value < 1:
            raise ValueError(f"bench: {option} must be at least 1; got {value}")
    if not names and not everything:
        width = max(map(len, there))
        print("\n".join(f"{name.ljust(width)}  {line}" for name, line in there.items()))
        return {}
    names = list(there) if everything else list(dict.fromkeys(names))
    check_writable("--json", target)
    check_writable("--out", out and Path(out, "found.json"))
    options = [str(word) for option, value in (("--repeats", repeats), ("--threads", threads)) if value
               for word in (option, value)]
    found = {}
    for name in names:
        found[name] = _one(name, options, out)
        if target:
            _write(Path(target), found)  # after each, so that Ctrl-C loses only the one that runs
    return found


def available():
    """{name: its first line} of the programs in the checkout's folder `benchmarks`."""
    folder = CHECKOUT / "benchmarks"
    if not (folder / "harness.py").exists():
        raise ValueError("bench: benchmarks are not part of the installed package; "
                         "run this in a checkout of the repository, where there is a folder benchmarks/ beside tinymm/")
    found = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))  # not imported: some need a peer
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def _one(name, options, out):
    """Run a benchmark; its results, which are also written to the folder `out` with the plots that there are."""
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    print(f"\n== {name} ==", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        importlib.import_module(f"benchmarks.{name}").main([*options, "--json", str(file)])
        found = json.loads(file.read_text("utf-8"))
    if out:
        _write(Path(out) / f"{name}.json", found)
        if name == "costs":
            for path in importlib.import_module("benchmarks.plots").draw_all(found, Path(out)):
                print(f"plot: {path}", file=sys.stderr)
    return found


def check_writable(option, file):
    """Before anything is measured: can this file be written? Its folder is made."""
    if not file:
        return
    file = Path(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"bench: {option} must lie in a folder that can be written; "
                         f"got {file.parent} ({error.strerror})") from None
    if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(f"bench: {option} must be a file that can be written; got {file}")


def _write(path, found):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
