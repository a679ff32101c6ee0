"""Write the tables of what each fusion costs into the chapters, from the fusions: `python docs/generate_costs.py`."""

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]  # this checkout

from fusions import ROWS, inputs, made, names  # noqa: E402

from tinymm import nn  # noqa: E402

PAGES = [Path(__file__).with_name(name) for name in ("fusion.md", "fusion_sequences.md")]
PLACE = re.compile(r"(<!-- costs: (?P<kinds>[\w, ]+) -->\n).*?(<!-- end of costs -->)", re.S)
HEAD = "| fusion | parameters | FLOPs | pick it where |\n|---|--:|--:|---|\n"


def table(kinds):
    """The rows of some kinds of fusion."""
    return HEAD + "".join(row(name) for kind in kinds for name in names(kind))


def row(name):
    """One line: the class and what it was given beside the common sizes, its numbers, and when."""
    model, given = made(name), ", ".join(f"{option}={value}" for option, value in ROWS[name].options.items())
    found = nn.summary(model, inputs(model))
    what = f"`tinymm.fusion.{name}`" + (f", {given}" if given else "")
    return f"| {what} | {found.parameters:,} | {found.flops:,} | {ROWS[name].when} |\n"


def page(path):
    """The text of a chapter with its tables as they should be."""
    return PLACE.sub(lambda match: match[1] + table(match["kinds"].split(", ")) + match[3], path.read_text("utf-8"))


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(page(path), "utf-8")
        print(path.name)
