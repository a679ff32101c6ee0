"""Write the museum of wrong gradients into `gradients.md`: `python docs/generate_museum.py`."""

import importlib
import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the museum of this checkout

TARGET = Path(__file__).with_name("gradients.md")
BEGIN, END = "<!-- The museum, written by docs/generate_museum.py -->\n", "<!-- End of the museum -->\n"
HALLS = ("products", "sums", "elements", "tape")


def tables():
    """The text between the marks: a table for each hall."""
    parts, museum = [], importlib.import_module("tests.testing.museum.exhibit").Exhibit.museum
    for hall in HALLS:
        module = importlib.import_module(f"tests.testing.museum.{hall}")
        exhibits = [item for item in museum if item.__module__ == module.__name__]
        parts.append(f"\n**{words(module)}** In `tests/testing/museum/{hall}.py`.\n")
        parts.append("| exhibit | what is wrong | caught by | let through by |\n|---|---|---|---|")
        parts += [f"| `{item.__name__}` | {words(item)} | {item.rung} | {let_through_by(item)} |" for item in exhibits]
    return "\n".join(parts) + "\n\n"


def let_through_by(exhibit):
    """The popular check that is blind to it, and under which condition."""
    check = words(exhibit.blind).partition(":")[0]
    conditions = [words(f) for f in (exhibit.harmless, exhibit.used_naively) if f.__doc__]
    return f"{check}, for {conditions[0]}" if conditions else check


def words(documented):
    """A docstring that may stand in a table, where a bar divides cells."""
    return " ".join(inspect.getdoc(documented).split()).replace("|", r"\|")


def written(text):
    """The chapter with the tables of today."""
    head, _, rest = text.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise ValueError(f"{TARGET.name}: no marks of the museum")
    return head + BEGIN + tables() + END + tail


if __name__ == "__main__":
    TARGET.write_text(written(TARGET.read_text("utf-8")), "utf-8")
    print(f"{TARGET.name}: {tables().count(chr(10) + '| `')} exhibits")
