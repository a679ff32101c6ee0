"""The pictures of the book can be drawn again."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["step_sizes", "speech_features", "images"])
def test_pictures_can_be_drawn_again(name, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    file = importlib.util.spec_from_file_location(f"draw_{name}", DOCS / f"draw_{name}.py")
    script = importlib.util.module_from_spec(file)
    file.loader.exec_module(script)
    script.draw(tmp_path / "picture.png")
    drawn, kept = (place.read_bytes()[:24] for place in (tmp_path / "picture.png", DOCS / "images" / f"{name}.png"))
    assert drawn == kept  # signature and size; the pixels are matplotlib's
