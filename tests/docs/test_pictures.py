"""The pictures of the book can be drawn again."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tinymm import fusion, nn

DOCS = Path(__file__).resolve().parents[2] / "docs"


def script(name):
    """The script that draws a picture, as a module."""
    file = importlib.util.spec_from_file_location(f"draw_{name}", DOCS / f"draw_{name}.py")
    module = importlib.util.module_from_spec(file)
    before = list(sys.path)
    file.loader.exec_module(module)
    sys.path[:] = before
    return module


def same_format(drawn, name):
    """Signature and size are those of the kept picture; the pixels are matplotlib's."""
    return drawn.read_bytes()[:24] == (DOCS / "images" / f"{name}.png").read_bytes()[:24]


@pytest.mark.parametrize("name", ["step_sizes", "speech_features", "images", "geometry", "bert"])
def test_pictures_can_be_drawn_again(name, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    script(name).draw(tmp_path / "picture.png")
    assert same_format(tmp_path / "picture.png", name)


def test_the_geometry_is_what_the_fusions_compute():
    """By hand; and the lower row: three of four points by a line, all four by the others."""
    module = script("geometry")
    for name, expected in (("sum", module.U + module.V), ("gate", module.G * module.U + (1 - module.G) * module.V),
                           ("product", module.U * module.V)):
        np.testing.assert_allclose(module.plane(name)(module.U[None])[0], expected, rtol=1e-12)
    x, y = np.array(list(module.LABELS), float).T
    right = {name: int(((module.differs(name, x, y) > 0) == list(module.LABELS.values())).sum())
             for name in ("linear", "sum", "gate", "product", "attention")}
    assert right == {"linear": 3, "sum": 4, "gate": 4, "product": 4, "attention": 4}


def test_the_picture_of_the_transformer_after_two_steps(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    module = script("transformer")
    for name, value in dict(STEPS=2, WARMUP=2, RATES=(1e-3, 1e-2), SEEDS=(0,)).items():
        monkeypatch.setattr(module, name, value)
    module.draw(tmp_path / "picture.png")
    assert same_format(tmp_path / "picture.png", "transformer")
    assert capsys.readouterr().out.count("0.001: ") == 3


def test_the_picture_of_the_flow_after_two_steps(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    assert script("text_to_image").draw(tmp_path / "picture.png", steps=2).startswith("loss ")
    assert same_format(tmp_path / "picture.png", "text_to_image")


def test_the_wiring_of_every_fusion_can_be_drawn_again(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    module = script("fusions")
    for picture, rows in module.PICTURES.items():
        module.draw(tmp_path / "picture.png", rows)
        assert same_format(tmp_path / "picture.png", f"fusion_{picture}"), picture
    kept = {path.stem.removeprefix("fusion_") for path in (DOCS / "images").glob("fusion_*.png")}
    assert kept == set(module.PICTURES)


def test_every_public_fusion_is_drawn_and_every_picture_shown():
    module = script("fusions")
    public = {name for name in fusion.__all__ if isinstance(getattr(fusion, name), type)
              and issubclass(getattr(fusion, name), nn.Module)} - {"FusedClassifier", "FusedOverTime"}
    drawn = [name for rows in module.PICTURES.values() for names in rows for name in names]
    assert sorted([*drawn, "ModalityDropout"]) == sorted(module.ROWS) == sorted(public)
    pages = "".join((DOCS / page).read_text("utf-8") for page in ("fusion.md", "fusion_sequences.md"))
    assert [name for name in module.PICTURES if f"images/fusion_{name}.png" not in pages] == []


def test_the_pictures_of_the_costs_are_those_that_the_benchmark_draws():
    kept = {path.name for path in (DOCS / "images").glob("attention_*.png")}
    assert kept == {"attention_time.png", "attention_memory.png", "attention_roofline.png", "attention_rate.png"}


def test_the_wiring_of_two_streams_is_the_codes(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    module = script("vilbert")
    two, one = module.wirings().values()
    labels = [box.label for box in two.boxes]
    assert [label for label in labels if label.startswith(("text.", "connection."))] == [
        "text.0", "text.1", "connection.0", "text.2", "connection.1", "text.3"]
    assert not any(box.label.startswith("connection") for box in one.boxes)
    module.draw(tmp_path / "picture.png")
    assert same_format(tmp_path / "picture.png", "vilbert")
