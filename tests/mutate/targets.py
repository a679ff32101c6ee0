"""Which functions are rewritten: VJPs, composites, functions around ops that have a spec row, and the plain functions
of the same room that these call."""

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

import tinymm.cores
import tinymm.functional
from tinymm.autograd import registry
from tinymm.testing import SPECS

__all__ = ["ROOM", "Target", "functions_around", "functions_of", "targets_in"]

NO_MATHEMATICS = {"methods", "protocol", "threads"}  # who calls what, and when
ROOM = tuple(m.name for room in (tinymm.functional, tinymm.cores)
             for m in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
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
    rows : tuple of (str, int)
        Op and number of each spec row whose checks are run: those of the ops whose VJP or composite it is, or is called
        by, and those of the functions around ops that it is, or is called by.
    line, indent : int
        Where the text stands in its file.
    """

    module: str
    qualname: str
    source: str = field(repr=False)
    rows: tuple
    line: int
    indent: int

    @property
    def file(self):
        return self.module.rpartition(".")[2]

    @property
    def name(self):
        return f"{self.file}.{self.qualname}"

    @property
    def ops(self):
        """The ops of the rows."""
        return tuple(dict.fromkeys(op for op, _ in self.rows))

    @property
    def path(self):
        return Path(sys.modules[self.module].__file__)

    @property
    def found(self):
        """What now stands where the function was defined: itself, or what its decorators have made of it."""
        found = importlib.import_module(self.module)
        for part in self.qualname.split("."):
            found = inspect.getattr_static(found, part)
        return found

    @property
    def function(self):
        """The function itself, under its decorators."""
        return inspect.unwrap(plain(self.found))


def targets_in(modules=ROOM):
    """The targets of modules of ops, file by file in the order of the text."""
    reached = {}
    for name, public in registry.items():
        if public.__module__ in modules:
            for function in functions_of(public.op, modules):
                rows_of(function, reached).update((name, k) for k in range(len(SPECS.get(name, ()))))
    for name, rows in SPECS.items():
        for k, row in enumerate(rows):
            for function in functions_around(row, modules):
                rows_of(function, reached).add((name, k))
    found = []
    for (module, qualname), rows in reached.items():
        node, text = definitions(module)[qualname]
        found.append(Target(module, qualname, text, tuple(sorted(rows)), node.lineno, node.col_offset))
    return sorted(found, key=lambda target: (target.module, target.line))


def rows_of(function, reached):
    return reached.setdefault((function.__module__, function.__qualname__), set())


def functions_of(record, modules):
    """The functions that make the gradients of an op: VJP, composite, and whatever plain function these reach."""
    return reach([f for f in (record.pull, record.composite) if isinstance(f, FunctionType)], modules)


def functions_around(row, modules):
    """The functions whose gradients the tape makes of those of ops:
    what a row calls instead of its op, and what this reaches."""
    called = [row.function, getattr(tinymm.functional, row.public or "", None)]
    return reach([f for f in called if isinstance(f, FunctionType) and f.__module__ in modules
                  and not hasattr(f, "op")], modules)


def reach(functions, modules):
    """These functions and the plain functions of the same modules that they call."""
    found, waiting = [], list(functions)
    while waiting:
        function = waiting.pop(0)
        if function not in found and function.__qualname__ in definitions(function.__module__):
            found.append(function)
            waiting += called_by(function, modules)
    return found


def called_by(function, modules):
    """The plain functions and the methods of classes of these modules that a function names,
    by themselves or as `module.name`."""
    node, _ = definitions(function.__module__)[function.__qualname__]
    for value in {id(v): v for v in map(lambda n: named(n, function.__globals__), ast.walk(node))
                  if v is not None}.values():
        if getattr(value, "__module__", None) not in modules or hasattr(value, "op"):
            continue
        members = vars(value).values() if isinstance(value, type) else [value]
        yield from (f for f in map(plain, members) if isinstance(f, FunctionType) and f.__module__ in modules)


def named(node, names):
    """What a name, or a name in a module, stands for; None if neither."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = names.get(node.value.id)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return None


def plain(member):
    """The function inside a property, a classmethod, a staticmethod or a cache."""
    inside = "__wrapped__" if hasattr(member, "cache_clear") else "__func__"
    return getattr(member, "fget", None) or getattr(member, inside, member)


@cache
def definitions(module):
    """Qualified name -> (node, text without decorators) of every function of a module, and of its classes."""
    lines = inspect.getsource(sys.modules[module]).splitlines()
    found = {}
    for node in ast.parse("\n".join(lines)).body:
        inner = [(f"{node.name}.", n) for n in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        for prefix, f in inner:
            if isinstance(f, ast.FunctionDef) and not any(ast.unparse(d).endswith((".setter", "overload"))
                                                          for d in f.decorator_list):
                found[prefix + f.name] = f, textwrap.dedent("\n".join(lines[f.lineno - 1:f.end_lineno]))
    return found
