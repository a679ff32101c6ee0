"""Draw `images/vilbert.png`, how two streams and one are wired: `python docs/draw_vilbert.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from tinymm import nn  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.fusion import CoAttentionBlock  # noqa: E402
from tinymm.pretraining import SingleStream, Vilbert  # noqa: E402
from tinymm.pretraining.bert import BertEmbeddings  # noqa: E402
from tinymm.pretraining.vilbert import RegionEmbeddings  # noqa: E402
from tinymm.viz.figures import INK, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "vilbert.png"
WHOLE = nn.TransformerEncoderLayer, CoAttentionBlock, BertEmbeddings, RegionEmbeddings  # each is one box
WORDS, REGIONS, FEATURES = 7, 4, 64
TEXT, IMAGE = {"width": 96, "heads": 4, "feedforward": 384}, {"width": 64, "heads": 4, "feedforward": 128}
APART, TITLE = 0.5, 0.35  # inches


class Sequences(nn.Module):
    """What is drawn of a model: features and places of regions, beside a text, to its two sequences."""

    def __init__(self, model):
        self.model = model

    def forward(self, features, places):
        found = self.model(np.ones((1, WORDS), int), features, places)
        return found.text.sequence, found.image.sequence


def wirings():
    """The Diagram of each model: four text layers, two image layers and two blocks; and six layers for both."""
    rng = np.random.default_rng(0)
    two = Vilbert(60, FEATURES, TEXT | {"layers": 4}, IMAGE | {"layers": 2}, {"width": 96, "layers": 2, "heads": 4},
                  rng=rng)
    one = SingleStream(60, FEATURES, {"width": 104, "layers": 6, "heads": 4, "feedforward": 416}, rng=rng)
    given = np.ones((1, REGIONS, FEATURES), np.float32), np.ones((1, REGIONS, 5), np.float32)
    return {name: nn.wiring(Sequences(model).eval(), *given, names=("features", "places"), whole=WHOLE)
            for name, model in (("Vilbert", two), ("SingleStream", one))}


def draw(target=TARGET):
    """Both side by side, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    diagrams = wirings()
    sizes = [diagram.edges() for diagram in diagrams.values()]
    wide = sum(right - left for left, right, _, _ in sizes) + APART
    high = TITLE + max(bottom - top for *_, top, bottom in sizes) + 0.1
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white"}):
        figure, x = Figure(figsize=(wide, high)), 0.0
        for (name, diagram), (left, right, top, _) in zip(diagrams.items(), sizes):
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(left - x, left - x + wide)
            axes.set_ylim(top - TITLE + high, top - TITLE)
            axes.text(left + 0.1, top - TITLE / 2, name, color=INK, fontsize=9.5, fontweight="bold", va="center")
            diagram.draw(axes)
            x += right - left + APART
        figure.savefig(target, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
