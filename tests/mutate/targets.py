"""Which functions are rewritten: VJPs, composites, and the plain functions of the same room that these call."""

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType

import tinymm.functional
from tinymm.autograd import registry

__all__ = ["ROOM", "Target", "functions_of", "targets_in"]

NO_MATHEMATICS = {"methods", "protocol", "threads"}  # who calls what, and when
ROOM = tuple(m.name for m in pkgutil.walk_packages(tinymm.functional.__path__, "tinymm.functional.")
             if m.name.rpartition(".")[2] not in NO_MATHEMATICS)


@dataclass(frozen=True)
class Target:
    """A function to rewrite.

    Attributes
    ----------
    module, qualname : str
        Where it is found.
    source : str
        Its text, without decorators.
    ops : tuple of str
        Whose checks are run: the ops whose VJP or composite it is, or is called by.
    line, indent : int
        Where the text stands in its file.
    """

    module: str
    qualname: str
    source: str = field(repr=False)
    ops: tuple
    line: int
    indent: int

    @property
    def file(self):
        return self.module.rpartition(".")[2]

    @property
    def name(self):
        return f"{self.file}.{self.qualname}"

    @property
    def path(self):
        return Path(sys.modules[self.module].__file__)

    @property
    def function(self):
        """The function itself, as it is found now."""
        found = importlib.import_module(self.module)
        for part in self.qualname.split("."):
            found = inspect.getattr_static(found, part)
        return found.fget if isinstance(found, property) else found


def targets_in(modules=ROOM):
    """The targets of modules of ops, file by file in the order of the text."""
    reached = {}
    for name, public in registry.items():
        if public.__module__ in modules:
            for function in functions_of(public.op, modules):
                reached.setdefault((function.__module__, function.__qualname__), []).append(name)
    found = []
    for (module, qualname), ops in reached.items():
        node, text = definitions(module)[qualname]
        found.append(Target(module, qualname, text, tuple(ops), node.lineno, node.col_offset))
    return sorted(found, key=lambda target: (target.module, target.line))


def functions_of(record, modules):
    """The functions that make the gradients of an op: VJP, composite, and whatever plain function these reach."""
    found, waiting = [], [f for f in (record.pull, record.composite) if isinstance(f, FunctionType)]
    while waiting:
        function = waiting.pop(0)
        if function not in found and function.__qualname__ in definitions(function.__module__):
            found.append(function)
            waiting += called_by(function, modules)
    return found


def called_by(function, modules):
    """The plain functions and the methods of classes of these modules that a function names."""
    node, _ = definitions(function.__module__)[function.__qualname__]
    for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
        value = function.__globals__.get(name)
        if getattr(value, "__module__", None) not in modules or hasattr(value, "op"):
            continue
        members = vars(value).values() if isinstance(value, type) else [value]
        yield from (f for f in (getattr(m, "fget", m) for m in members) if isinstance(f, FunctionType))


@cache
def definitions(module):
    """Qualified name -> (node, text without decorators) of every function of a module, and of its classes."""
    lines = inspect.getsource(sys.modules[module]).splitlines()
    found = {}
    for node in ast.parse("\n".join(lines)).body:
        inner = [(f"{node.name}.", n) for n in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        for prefix, f in inner:
            if isinstance(f, ast.FunctionDef):
                found[prefix + f.name] = f, textwrap.dedent("\n".join(lines[f.lineno - 1:f.end_lineno]))
    return found
