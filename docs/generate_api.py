"""The API pages, one per room, made anew from the docstrings whenever the book is built.

A page goes through the files of its room: what the file is, then the names it offers to users. Those are
the names in the `__all__` of a package, each under the shortest path by which it can be imported.
"""

import ast
import importlib
import inspect
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the library of this checkout, installed or not

import tinymm  # noqa: E402

PACKAGE = Path(tinymm.__file__).parent
HEAD = """\
# API

What each room offers, made from the docstrings. `tinymm` itself has the names one needs most: {names}.
Functions that one file offers only to its neighbours have no entry.

| room | what lives there |
|---|---|
{rows}

```{{toctree}}
:hidden:

{pages}
```
"""


def write_pages(folder):
    """Write the pages into a folder, whose pages of rooms that are no more are deleted."""
    pages = {f"{room}.md": page(room) for room in rooms()}
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in {"index.md", *pages}:
            old.unlink()
    for name, text in {**pages, "index.md": contents()}.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:  # what has not changed is not read again
            path.write_text(text, "utf-8")


def rooms():
    """The packages of the library that offer anything."""
    names = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    return [name for name in names if getattr(importlib.import_module(f"tinymm.{name}"), "__all__", ())]


def contents():
    """The first page."""
    names = ", ".join(f"`tm.{name}`" for name in tinymm.__all__ if not name.startswith("_"))
    rows = [f"| [{room}]({room}.md) | {summary(f'tinymm.{room}')} |" for room in rooms()]
    return HEAD.format(names=names, rows="\n".join(rows), pages="\n".join(rooms()))


def page(room):
    """One room, file by file."""
    parts = [f"# {room}\n"]
    for module in modules(room):
        path = source(module).relative_to(PACKAGE.parent).as_posix().removesuffix("__init__.py")
        if module != f"tinymm.{room}":
            parts.append(f"## `{path}`\n")
        if documented()[module] is None:  # no function is called as its file is
            parts.append(f"```{{py:module}} {module}\n```\n")
        parts.append(f"{docstring(module)}\n")
        entries = [directive(name) for name in offered().get(module, ())]
        if entries:
            parts.append("\n".join(["```{eval-rst}", *entries, "```\n"]))
    return "\n".join(parts)


def directive(name):
    """What asks autodoc for the entry of a name. A constant has no docstring: its value says what it is."""
    thing = public()[name]
    if inspect.isclass(thing):
        return f".. autoclass:: {name}\n   :members:\n"
    if callable(thing):
        return f".. autofunction:: {name}\n"
    module, _, constant = name.rpartition(".")
    value = f"   :value: {thing!r}\n" if isinstance(thing, (int, tuple)) else ""
    return f".. py:data:: {constant}\n   :module: {module}\n{value}"


@cache
def documented():
    """Everything that has an entry: full name → object, None for a module."""
    return {module: None for room in rooms() for module in modules(room)} | public()


@cache
def public():
    """The names that a package offers, or a file that its package lists: full name → object."""
    found, seen = {}, set()
    for module in (module for room in rooms() for module in modules(room) if is_face(module)):
        face = sys.modules[module]
        for name in getattr(face, "__all__", ()):
            thing = getattr(face, name)
            if not inspect.ismodule(thing) and (name, id(thing)) not in seen:  # a shorter name comes before
                seen.add((name, id(thing)))
                found[f"{module}.{name}"] = thing
    return found


def is_face(module):
    above, _, last = module.rpartition(".")
    package, face = sys.modules.get(above), sys.modules.get(module)
    listed = last in getattr(package, "__all__", ()) and getattr(package, last) is face
    return face is not None and (source(module).name == "__init__.py" or listed)


@cache
def offered():
    """File → the public names of what it defines, each in full."""
    files = {}
    for name, thing in public().items():
        files.setdefault(getattr(thing, "__module__", None) or home(name), []).append(name)
    return files


def home(name):
    """The file of a constant: the one whose own `__all__` lists it, else the package's."""
    place, _, last = name.rpartition(".")
    files = [module for module in modules(place.split(".")[1]) if module.startswith(f"{place}.")]
    loaded = [module for module in files if module in sys.modules and source(module).name != "__init__.py"]
    return next((module for module in loaded if last in getattr(sys.modules[module], "__all__", ())), place)


@cache
def modules(room):
    """The files of a room, a package before its files. Spec rows are tables of the tests."""
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in (PACKAGE / room).rglob("*.py")]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    return sorted((name for name in names if ".specs." not in name), key=lambda name: name.split("."))


def summary(module):
    return " ".join(docstring(module).split("\n\n")[0].split())


def docstring(module):
    return ast.get_docstring(tree(module)) or ""


@cache
def tree(module):
    return ast.parse(source(module).read_text("utf-8"))


def source(module):
    """The file of a module, found without importing it: some need an extra."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
