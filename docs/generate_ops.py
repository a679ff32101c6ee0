"""Write `ops.md`, the tables of all functions of `F`, from the registry: `python docs/generate_ops.py`."""

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the ops of this checkout, installed or not

import tinymm as tm  # noqa: E402
import tinymm.functional as F  # noqa: E402

TARGET = Path(__file__).with_name("ops.md")
HEAD = """\
# All functions of `F`

Every public name of `tinymm.functional`, file by file: {ops} ops and {made} other functions, in {files} files. The
registry of ops, `tinymm.autograd.registry`, holds besides: {others}. This page is written by
`docs/generate_ops.py`.

An **op** has a gradient of its own. *The tape keeps* says what the vector-Jacobian product names beside the cotangent,
hence what stays in memory from the forward pass to the backward pass: arguments by their name, `y` for the result, and
extras that the forward saved. A *fused* op also keeps its arguments: differentiated twice, it runs its composite of
primitive ops. See [what the tape keeps](autograd.md#what-the-tape-keeps).

Any other **function** gets its gradient from the ops that it runs, or has none: windows, masks and indices are
constants. *Calls* names the functions of `F` in its text and in that of the helpers in its file. Operators, methods and
NumPy's functions run ops on Tensors too, and are not listed: `a @ b` runs `F.matmul`, `x.sum()` and `np.sum(x)` run
`F.sum`.
"""


def page():
    """The text of `ops.md`."""
    files = {}
    for name in F.__all__:
        files.setdefault(getattr(F, name).__module__, []).append(name)
    ops = [name for name in F.__all__ if is_op(name)]
    others = ", ".join(f"`{call.__module__.rpartition('.')[0]}.{name}`" for name, call in tm.autograd.registry.items()
                       if name not in F.__all__ and call.__module__.startswith("tinymm."))
    parts = [HEAD.format(ops=len(ops), made=len(F.__all__) - len(ops), files=len(files), others=others)]
    for module, names in sorted(files.items()):
        parts.append(f"## {module.replace('.', '/')}.py\n\n{first_line(sys.modules[module])}\n")
        parts += table("| op | what it computes | the tape keeps |", sorted(filter(is_op, names)), kept)
        parts += table("| function | what it computes | calls |", [name for name in sorted(names) if not is_op(name)],
                       calls)
    return "\n".join(parts)


def is_op(name):
    return hasattr(getattr(F, name), "op")


def table(head, names, last_cell):
    """The rows of some names, if there are any."""
    rows = [row(name, last_cell(getattr(F, name))) for name in names]
    return ["\n".join([head, "|---|---|---|", *rows]) + "\n"] if rows else []


def row(name, last_cell):
    """One function as a line of a table."""
    call = getattr(F, name)
    alias = is_op(name) and call.op.name != name
    what = f"Another name of `F.{call.op.name}`." if alias else first_line(call)
    return f"| `F.{name}{cell(signature(call))}` | {cell(what)} | {last_cell} |"


def signature(call):
    """The arguments, defaults as one writes them."""
    text = re.sub(r"<function (\w+) at \w+>", r"\1", str(inspect.signature(call)))
    return re.sub(r"<class 'numpy\.(\w+)'>", r"np.\1", text)


def kept(call):
    """What the tape keeps of an op."""
    names = ", ".join(f"`{want}`" for want in call.op.wants) or "nothing"
    return f"{names}; fused" if call.op.composite is not None else names


def calls(function):
    """The functions of `F` in the text of another."""
    public = {id(getattr(F, name)): f"`F.{name}`" for name in reversed(F.__all__)}  # of two names the first
    found, texts = [], [function]  # the list grows while it is read
    for text in texts:
        for called in named(text):
            is_helper = inspect.isfunction(called) and called.__module__ == function.__module__
            if id(called) in public and called is not function:
                found.append(public[id(called)])
            elif is_helper and called not in texts:
                texts.append(called)
    return ", ".join(dict.fromkeys(found)) or "none"


def named(function):
    """The global objects that a function's text names, in the order of the text."""
    definition, = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    local = function.__code__.co_varnames
    names = [node for node in ast.walk(definition) if isinstance(node, ast.Name) and node.id not in local]
    in_order = sorted(names, key=lambda node: (node.lineno, node.col_offset))
    return [function.__globals__.get(node.id) for node in in_order]


def first_line(documented):
    """The summary: the docstring up to its first empty line."""
    return " ".join(inspect.getdoc(documented).split("\n\n")[0].split())


def cell(text):
    """Text that may stand in a table, where a bar divides cells."""
    return text.replace("|", r"\|")


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
    print(f"{TARGET.name}: {len(F.__all__)} functions")
