"""Write `ops.md`, the table of all ops, from the registry: `python docs/generate_ops.py`."""

import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the ops of this checkout, installed or not

import tinymm as tm  # noqa: E402

TARGET = Path(__file__).with_name("ops.md")
HEAD = """\
# All ops

Every op of the registry, `tinymm.autograd.registry`, file by file. This page is written by `docs/generate_ops.py`.

*The tape keeps* says what the vector-Jacobian product names beside the cotangent, hence what stays in memory from the
forward pass to the backward pass: arguments by their name, `y` for the result, and extras that the forward saved. A
*fused* op also keeps its arguments: differentiated twice, it runs its composite of primitive ops. See
[what the tape keeps](autograd.md#what-the-tape-keeps).
"""


def page():
    """The text of `ops.md`."""
    files = {}
    for name, call in tm.autograd.registry.items():
        if call.__module__.startswith("tinymm."):
            files.setdefault(call.__module__, []).append((name, call))
    parts = [HEAD, f"{sum(map(len, files.values()))} ops in {len(files)} files.\n"]
    for module, ops in sorted(files.items()):
        parts.append(f"## {module.replace('.', '/')}.py\n\n{first_line(sys.modules[module])}\n")
        rows = [row(name, call) for name, call in sorted(ops)]
        parts.append("\n".join(["| op | what it computes | the tape keeps |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def row(name, call):
    """One op as a line of the table."""
    kept = ", ".join(f"`{want}`" for want in call.op.wants) or "nothing"
    fused = "; fused" if call.op.composite is not None else ""
    return f"| `{name}{inspect.signature(call)}` | {cell(first_line(call))} | {kept}{fused} |"


def first_line(documented):
    """The summary: the docstring up to its first empty line."""
    return " ".join(inspect.getdoc(documented).split("\n\n")[0].split())


def cell(text):
    """Text that may stand in a table, where a bar divides cells."""
    return text.replace("|", r"\|")


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
    print(f"{TARGET.name}: {page().count(chr(10) + '| `')} ops")
