"""What is timed computes the same in both libraries; the program runs on sizes that take no time."""

import json

import numpy as np
import pytest

from benchmarks import inference
from tinymm.encoders import ResidualEncoder, VisionTransformer
from tinymm.recipes.captioning import SHAPES

SMALL = SHAPES | {"widths": [[4], [8]], "width": 16}
ROWS = {
    "stack": inference.encoder(2, T=5, D=8, heads=2, layers=2),
    "ResNet": inference.image_encoder("ResidualEncoder", ResidualEncoder, 1),
    "ViT": inference.image_encoder("VisionTransformer", VisionTransformer, 1),
    "LSTM": inference.lstm(2, 3, 4),
    "captioner": inference.caption(SMALL, 11, 3),
}
SHAPES_OF = {"stack": (2, 5, 8), "ResNet": (1, 64, 64), "ViT": (1, 64, 64), "LSTM": (2, 3, 4), "captioner": (3, 30)}


@pytest.mark.parametrize("name", ROWS)
def test_each_row_runs_without_its_peer(name, rng):
    (library, run), = ROWS[name](None, rng).items()
    y = run()
    assert library == "tinymm" and y.shape == SHAPES_OF[name] and np.isfinite(y).all()


@pytest.mark.parametrize("name", ROWS)
def test_each_row_is_checked_against_its_peer(name, rng):
    torch = pytest.importorskip("torch")
    found = ROWS[name](torch, rng)
    in_runtime = ["ONNX Runtime"] if inference.runtime() and name != "captioner" else []
    assert [*found] == ["tinymm", *in_runtime, "PyTorch"]
    assert {run().shape for run in found.values()} == {SHAPES_OF[name]}


def test_onnx_runtime_is_a_peer_where_it_is_installed(rng):
    torch = pytest.importorskip("torch")
    for module in ("onnx", "onnxruntime"):
        pytest.importorskip(module)
    found = ROWS["ViT"](torch, rng)
    np.testing.assert_allclose(found["ONNX Runtime"](), found["PyTorch"](), rtol=1e-4, atol=1e-4)


def test_another_result_is_found_out(rng, monkeypatch):
    torch = pytest.importorskip("torch")
    load = inference.loaded

    def changed(torch, theirs, ours):
        theirs = load(torch, theirs, ours)
        with torch.no_grad():
            for p in theirs.parameters():
                p += 0.1
        return theirs

    monkeypatch.setattr(inference, "loaded", changed)
    for name in ("stack", "captioner"):
        with pytest.raises(AssertionError, match="differ"):
            ROWS[name](torch, rng)


def test_the_program_writes_what_it_times(timed_at_once, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(inference, "ROWS", {"stack": ROWS["stack"], "captioner": ROWS["captioner"]})
    inference.main(["--repeats", "1", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert [row["name"] for row in found["comparisons"]] == ["stack", "captioner"]
    assert "2/2 captioner" in capsys.readouterr().err and found["machine"]["threads"] == "1"
