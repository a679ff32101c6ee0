"""The pictures show what was found: every form has a curve, and the files are pictures."""

import pytest

from benchmarks import costs, laws, plots

RATES = {"products": 4e11, "memory": 4e10, "tiles": {"64": 3e11}}


def found(forms=("tiled", "fused", "PyTorch")):
    """What `costs` would write if time were T² nanoseconds."""
    rows, exponents = [], []
    for form in forms:
        for causal in (False, True):
            for backward in (False, True):
                law = laws.Fit(2.0, 1e-9, 0.0)
                exponents.append({"axis": "T", "form": form, "is_causal": causal, "backward": backward,
                                  "exponent": law.exponent, "factor": law.factor, "error": law.error})
                for T in (128, 512, 1024, 2048):
                    ours = None if form == "PyTorch" else 1e6 * T
                    rows.append({"setting": {"axis": "T", "T": T, "is_causal": causal, "backward": backward},
                                 "form": form, "seconds": [T**2 * 1e-9] * 3, "of_products": [0.5] * 3,
                                 "peak_bytes": ours, "predicted_bytes": ours,
                                 "operations": ours and 256.0 * T**2, "bytes_moved": ours and 4.0 * T**2})
    return {"rates": RATES, "costs": rows, "exponents": exponents}


def test_every_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    paths = plots.draw_all(found(), tmp_path / "new")
    assert [path.name for path in paths] == [
        "attention_time.png", "attention_memory.png", "attention_roofline.png", "attention_rate.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_forms_are_told_apart_and_named(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="pictures need the extra viz")
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *words, **options: drawn.append(figure))
    plots.draw_time(found(), tmp_path / "x.png")
    axes = drawn[0].axes[1]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["tiled, $T^{2.00}$", "fused, $T^{2.00}$", "PyTorch, $T^{2.00}$"]
    points, line = axes.lines[:2]
    assert points.get_xdata().tolist() == [128, 512, 1024, 2048] and line.get_xdata().tolist() == [512, 1024, 2048]
    assert line.get_ydata() == pytest.approx(points.get_ydata()[1:])
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert len({line.get_color() for line in axes.lines}) == 3


def test_every_form_of_the_sweep_has_a_look():
    assert set(plots.LOOKS) >= {*costs.OURS, "PyTorch", "PyTorch math", *costs.PEERS}
