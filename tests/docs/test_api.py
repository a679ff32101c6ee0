"""The pages of the API: docstrings translated for Sphinx, every public name in its file, names resolved to entries."""

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the book needs the extra docs")

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def script(monkeypatch):
    """A script of the book's, imported as its configuration does."""
    monkeypatch.syspath_prepend(DOCS)
    yield importlib.import_module
    for name in ("docstrings", "generate_api", "links"):
        sys.modules.pop(name, None)


def translated(script, text, kind="function"):
    return "\n".join(script("docstrings").as_rst(text.splitlines(), kind))


@pytest.mark.parametrize("text, expected", [
    ("The `x` of ``y``.", "The ``x`` of ``y``."),
    ("Softmax: $y_i = e^{x_i}$,\nof $x$.", "Softmax: :math:`y_i = e^{x_i}`,\nof :math:`x`."),
    ("Over $a\n+ b$.", "Over :math:`a + b`."),
    ("It is *this*, **never** that; a * b, (*shape).", r"It is *this*, **never** that; a \* b, (\*shape)."),
    (r"The size |x| of x_, a\b and x_i.", r"The size \|x\| of x\_, a\\b and x_i."),
    ("Text.\n\n>>> 2 * 3, `x_`\n6\n\nMore |x|.", "Text.\n\n>>> 2 * 3, `x_`\n6\n\nMore \\|x\\|."),
])
def test_inline_markup_of_docstrings(script, text, expected):
    assert translated(script, text) == expected


def test_displayed_formulas_become_blocks_at_their_indent(script):
    assert translated(script, "So that $$a =\n  b$$ holds.").split("\n") == \
        ["So that", "", ".. math::", "", "   a = b", "", "holds."]
    assert "\n  .. math::\n\n     a = b\n" in script("docstrings").translated("x\n  $$a\n  = b$$")


def test_sections_of_docstrings(script):
    text = "Add.\n\nParameters\n----------\na, b : Tensor, (..., *shape)\n    Both $x$.\n\nAttributes\n----------\n" \
           "c, d : int\n\nExamples\n--------\n>>> 2 * 3\n6"
    told = translated(script, text, "class")
    assert r"**a, b** (*Tensor, (..., \*shape)*) – Both :math:`x`." in told
    assert "**c, d** (*int*)" in told
    assert ".. rubric:: Examples\n\n>>> 2 * 3\n6" in told


def test_a_property_has_no_sections(script):
    assert translated(script, "The length: as `len` has it.", "property") == "The length: as ``len`` has it."


@pytest.mark.parametrize("name, entry", [
    ("F.softmax", "tinymm.functional.softmax"),
    ("tm.grad", "tinymm.autograd.grad"),
    ("tm.autograd.tape.grad", "tinymm.autograd.grad"),
    ("nn.Linear.state_dict", "tinymm.nn.Module.state_dict"),
    ("nn.init.uniform_", "tinymm.nn.init.uniform_"),
    ("tinymm.data.speech.read_wave", "tinymm.data.read_wave"),
    ("tinymm.data.speech.speak", "tinymm.data.speech.speak"),
    ("tinymm.testing.complexstep", "tinymm.testing.complexstep"),
    ("tinymm.recipes.captioning.run", "tinymm.recipes.captioning.run"),
    ("tm.nosuch.thing", "tinymm.nosuch.thing"),
])
def test_names_resolve_to_entries(script, name, entry):
    assert script("links").entry(name) == entry


def test_every_public_name_stands_in_one_file(script):
    api = script("generate_api")
    placed = [name for names in api.offered().values() for name in names]
    assert sorted(placed) == sorted(api.public())
    for room in api.rooms():
        names = importlib.import_module(f"tinymm.{room}").__all__
        assert {f"tinymm.{room}.{name}" for name in names} <= set(api.documented())
        assert set(api.offered()) <= set(api.documented())


def test_pages_are_written_only_where_they_change(script, tmp_path):
    api = script("generate_api")
    (tmp_path / "bygone.md").write_text("# A room that is no more\n", "utf-8")
    api.write_pages(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"index", *api.rooms()}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "nn.md").write_text("# Changed\n", "utf-8")
    api.write_pages(tmp_path)
    changed = [path.stem for path, time in before.items() if path.stat().st_mtime_ns != time]
    assert changed == ["nn"]
    assert ".. autoclass:: tinymm.nn.Linear\n" in (tmp_path / "nn.md").read_text("utf-8")
    assert ".. py:data:: PAD\n   :module: tinymm.data\n   :value: 0\n" in (tmp_path / "data.md").read_text("utf-8")
