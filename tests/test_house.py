"""The house rules a machine can check: imports run downward, extras are lazy, every module has its face."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tinymm"
# From the roof to the ground; a room imports itself and what stands below it.
ROOMS = ["__main__", "cli", "recipes", "pretraining", "mapping", "fusion", "encoders", "testing", "nn", "training",
         "optim", "functional", "autograd", "interop", "machine", "viz", "data", "metrics", "cores", "extras",
         "writing", "letters", "moved", "_version", "exits"]
FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)
IMPORTERS = {"import_module", "__import__", "run_module", "find_spec"}
EXTRAS = {"matplotlib", "tqdm", "PIL", "threadpoolctl", "hypothesis", "torch", "safetensors", "tokenizers", "mpi4py"}


@cache
def parsed(path):
    """The syntax tree of a file, of which several tests ask something."""
    return ast.parse(path.read_text("utf-8"))


def room_of(path):
    return path.parts[0].removesuffix(".py")


def imported_rooms(path):
    """(room, line) of every tinymm import in a file, inside functions too."""
    package = ("tinymm", *path.parent.parts)
    for node in ast.walk(parsed(PACKAGE / path)):
        if isinstance(node, ast.Import):
            modules = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[:len(package) - node.level + 1]) if node.level else []
            module = base + (node.module.split(".") if node.module else [])
            modules = [module + [alias.name] for alias in node.names] if module == ["tinymm"] else [module]
        else:
            continue
        yield from ((module[1], node.lineno) for module in modules if module[0] == "tinymm" and len(module) > 1)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_run_only_downward(path):
    here = room_of(path)
    assert here in ROOMS, f"{path}: a room that has no place in the order"
    for room, line in imported_rooms(path):
        if room in ROOMS:
            assert ROOMS.index(room) >= ROOMS.index(here), f"{path}:{line}: {here} stands below {room} and imports it"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_package_does_not_import_its_benchmarks(path):
    """Nor by a string: they stand above it, in the repository alone."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [] if node.level else [node.module]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in IMPORTERS:
            names = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant) and str(node.value).startswith("benchmarks."):
            names = [node.value]
        else:
            continue
        imported = [name for name in names if str(name).partition(".")[0] == "benchmarks"]
        assert not imported, f"{path}:{node.lineno}: imports {imported[0]}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_extras_are_imported_inside_the_function_that_needs_them(path):
    if path.parts[:2] in (("testing", "strategies.py"),):
        return  # the one file that is hypothesis's own
    for node in parsed(PACKAGE / path).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] \
            if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not {name.split(".")[0] for name in names} & EXTRAS, f"{path}:{node.lineno} imports an extra at the top"


def test_importing_tinymm_pulls_in_no_extra_and_leaves_the_environment_alone():
    code = ("import os, sys; before = dict(os.environ); import tinymm; "
            f"print(sorted(set(sys.modules) & {EXTRAS!r}), before == dict(os.environ))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[0] != "__main__.py"], ids=str)
def test_every_module_says_what_it_is_and_what_it_offers(path):
    tree = parsed(PACKAGE / path)
    assert ast.get_docstring(tree), f"{path}: no module docstring"
    if path.name not in ("_version.py", "methods.py") and "specs" not in path.parts:
        names = {t.id for node in tree.body if isinstance(node, ast.Assign)
                 for t in node.targets if isinstance(t, ast.Name)}
        assert "__all__" in names, f"{path}: no __all__"


def test_no_pickle_and_no_global_seed():
    for path in FILES:
        text = (PACKAGE / path).read_text("utf-8")
        for forbidden in ("allow_pickle=True", "import pickle", "np.random.seed"):
            assert forbidden not in text, f"{path}: {forbidden}"


def test_no_line_is_longer_than_120_characters():
    for path in sorted(p for room in ("tinymm", "tests", "benchmarks", "docs") for p in (ROOT / room).rglob("*.py")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert len(line) <= 120, f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"


def test_what_only_its_own_file_uses_begins_with_an_underscore():
    """A file's public names are its `__all__` and what other files of the package take from it."""
    taken = {}
    for path in (p for room in ("tinymm", "benchmarks", "docs") for p in (ROOT / room).rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom):
                taken.setdefault((node.module or "").rpartition(".")[2], set()).update(a.name for a in node.names)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                taken.setdefault(node.value.id, set()).add(node.attr)
    for path in (p for p in FILES if "specs" not in p.parts and p.name != "methods.py"):
        tree = parsed(PACKAGE / path)
        offered = {e.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"
                   for e in ast.walk(n.value) if isinstance(e, ast.Constant)}
        place = path.parent if path.name == "__init__.py" else path
        offered |= taken.get(place.stem, set()) | taken.get("", set())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                marks = " ".join(map(ast.unparse, node.decorator_list))
                is_rule = any(word in marks for word in ("op", "vjp", "composite"))
                told = f"{path}:{node.lineno}: {node.name} is used here alone, so it is called _{node.name}"
                assert is_rule or node.name in offered, told
