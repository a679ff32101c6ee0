"""What is known already: one line of JSON per mutant, found again by what the verdict depends on.

A verdict holds as long as what it is about, the mutant and the spec rows read the same; that of a survivor only as long
as the tests of its file do too, and for as many examples.
"""

import ast
import hashlib
import importlib
import inspect
import json
from functools import cache
from pathlib import Path

import tinymm.testing
from tinymm.autograd import registry
from tinymm.testing import SPECS

from .checks import named_tests
from .suite import paths_of
from .targets import functions_around, functions_of

__all__ = ["Notebook", "RoomNotebook", "key_of"]


class Notebook:
    """Verdicts in a file that only grows."""

    def __init__(self, path, modules=(), examples=0, fresh=False):
        self.path, self.modules, self.examples = Path(path), modules, examples
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.path.unlink(missing_ok=True)
        text = self.path.read_text("utf-8") if self.path.exists() else ""
        if not text.endswith("\n"):
            self.path.write_text(text + "\n" * bool(text), "utf-8")  # a last line that was cut off
        self.known = {record["key"]: record for record in map(parsed, text.splitlines()) if record}

    def recall(self, mutant):
        """(killer,) of a mutant met before; None if it has to be run."""
        record = self.known.get(self.key(mutant))
        if record is None or record["killer"] is None and record["against"] != self.against(mutant):
            return None
        return record["killer"],

    def note(self, mutant, killer):
        """Write a verdict down at once."""
        record = {"key": self.key(mutant), "target": mutant.target.name, "line": mutant.line,
                  "killer": killer, "against": self.against(mutant)}
        self.known[record["key"]] = record
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def key(self, mutant):
        return key_of(mutant, self.modules)

    def against(self, mutant):
        """What a survivor has survived, beyond its key."""
        return digest(str(self.examples), *(path.read_text("utf-8") for path in named_tests(mutant.target)))


class RoomNotebook(Notebook):
    """Verdicts of the tests of a room: they hold as long as the mutant's file reads the same, those of survivors only
    as long as all tests of the room do too."""

    def __init__(self, path, room, fresh=False):
        super().__init__(path, fresh=fresh)
        self.room = room
        tests = sorted(file for path in paths_of(room)
                       for file in (path.rglob("*.py") if path.is_dir() else [path]))
        specs = sorted((Path(tinymm.testing.__file__).parent).rglob("*.py"))
        self.tests = digest(*(file.read_text("utf-8") for file in [*tests, *specs]))

    def key(self, mutant):
        return digest(self.room, mutant.target.name, mutant.source, mutant.target.path.read_text("utf-8"))

    def against(self, mutant):
        return self.tests


def parsed(line):
    """A record; None for a line that was cut off."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def key_of(mutant, modules):
    """A hash of the mutant's source and of the evidence about its target."""
    return digest(mutant.target.name, mutant.source, *evidence(mutant.target, modules))


@cache
def evidence(target, modules):
    """The texts of the ops of a target (forward, VJP, composite and what these call), or of the functions around ops
    that it belongs to; and of the rows."""
    texts = []
    for op in target.ops:
        record = registry[op].op
        behind = functions_of(record, modules)
        if target.function in behind:
            behind = [record.forward, *behind]
        else:
            behind = [f for name, k in target.rows if name == op for f in functions_around(SPECS[op][k], modules)]
        texts += [*map(inspect.getsource, behind), *(rows_text(row.calls.__module__, op) for row in SPECS[op])]
    return texts


@cache
def rows_text(module, op):
    """A file of rows without the rows of other ops."""
    source = inspect.getsource(importlib.import_module(module))
    return "\n".join(ast.get_source_segment(source, node) for node in ast.parse(source).body if speaks_of(node, op))


def speaks_of(node, op):
    call = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "spec" or not call.args:
        return True
    return not isinstance(call.args[0], ast.Constant) or call.args[0].value == op


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]
