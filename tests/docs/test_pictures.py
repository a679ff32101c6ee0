"""The pictures of the book can be drawn again."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_step_sizes(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    file = importlib.util.spec_from_file_location("draw_step_sizes", DOCS / "draw_step_sizes.py")
    script = importlib.util.module_from_spec(file)
    file.loader.exec_module(script)
    script.draw(tmp_path / "picture.png")
    drawn, kept = ((place / name).read_bytes()[:24] for place, name in ((tmp_path, "picture.png"), (DOCS / "images", "step_sizes.png")))
    assert drawn == kept  # signature and size; the pixels are matplotlib's
