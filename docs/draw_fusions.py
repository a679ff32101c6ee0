"""Draw `images/fusion_*.png`, how each fusion is wired, from the fusions themselves: `python docs/draw_fusions.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]  # this checkout

from fusions import ROWS, WIDTHS, inputs, made  # noqa: E402

from tinymm import nn  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.fusion.blocks import AttentionBlock, CrossAttention, FeedForward  # noqa: E402
from tinymm.viz.figures import INK, STYLE  # noqa: E402

FOLDER = Path(__file__).with_name("images")
WHOLE = AttentionBlock, CrossAttention, FeedForward  # each is one box
APART, TITLE = 0.25, 0.3  # between two drawings, and for the name above each, in inches
# Of each picture, rows of fusions side by side. `ModalityDropout` is not drawn: but for training it is what it wraps.
PICTURES = {
    "sums": [["ConcatenationFusion", "AdditionFusion"]],
    "gates": [["GatingFusion", "GatedMultimodalUnit"], ["FiLMFusion"]],
    "bilinear": [["BilinearFusion", "MLBFusion"], ["MFBFusion", "MCBFusion"]],
    "cores": [["MUTANFusion", "MFHFusion"], ["BLOCKFusion"]],
    "tensors": [["TensorFusion", "LowRankFusion"]],
    "decisions": [["MeanOfDecisions", "ProductOfExperts"], ["WeightedDecisions", "StackedDecisions"]],
    "around": [["AtEachPosition", "MissingTokens"]],
    "attention": [["AttentionFusion", "HardAttentionFusion"], ["GumbelAttentionFusion"]],
    "early": [["EarlyFusion", "PrefixFusion"], ["JoinedChannels"]],
    "intermediate": [["IntermediateFusion"]],
    "parallel": [["ParallelCoAttention"]],
    "alternating": [["AlternatingCoAttention"]],
    "block": [["CoAttentionBlock"]],
    "causal": [["CausalCoAttention"]],
    "glimpses": [["GlimpseFusion"]],
    "mult": [["MulTFusion"]],
    "bottleneck": [["BottleneckFusion"]],
    "gated": [["GatedCrossAttention"]],
    "perceiver": [["PerceiverResampler"]],
    "querying": [["QueryingTransformer"]],
}


def wiring(name):
    """The Diagram of a fusion; of one that replaces what is missing, with an example that lacks each."""
    model = made(name, drawn=True)
    present = (None, np.eye(1, len(WIDTHS), dtype=bool) < 0.5) if name == "MissingTokens" else ()
    return nn.wiring(model, inputs(model), *present, names=list(WIDTHS), whole=WHOLE)


def draw(target, rows):
    """One picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    drawn, high, wide = [], 0.1, 0.0                                     # name, Diagram, and where its upper left is
    for names in rows:
        diagrams = {name: wiring(name) for name in names}
        x = 0.0
        for name, diagram in diagrams.items():
            left, right, top, bottom = diagram.edges()
            drawn.append((name, diagram, x - left, high + TITLE - top))
            x += right - left + APART
        wide = max(wide, x - APART)
        high += TITLE + max(bottom - top for *_, top, bottom in (d.edges() for d in diagrams.values())) + APART
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white"}):
        figure = Figure(figsize=(wide, high - APART))
        for name, diagram, x, y in drawn:
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(-x, wide - x)
            axes.set_ylim(high - APART - y, -y)
            left, _, top, _ = diagram.edges()
            axes.text(left + 0.1, top - TITLE / 2, name, color=INK, fontsize=9.5, fontweight="bold", va="center")
            diagram.draw(axes)
        figure.savefig(target, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    for picture, rows in PICTURES.items():
        draw(FOLDER / f"fusion_{picture}.png", rows)
        print(f"fusion_{picture}.png")
    left_out = set(ROWS) - {name for rows in PICTURES.values() for names in rows for name in names}
    print("not drawn:", ", ".join(sorted(left_out)))
