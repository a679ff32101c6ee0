"""Draw `images/transformer.png`, the norm before or after each sub-layer: `python docs/draw_transformer.py` (minutes).

An encoder of six layers learns to reverse sequences of digits. Left: the loss with one step size, three seeds each.
Right: what is right in the end, with one step size or another.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

import tinymm as tm  # noqa: E402
import tinymm.functional as F  # noqa: E402
from tinymm import nn  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.viz.figures import DASHES, INK, SERIES, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "transformer.png"
DIGITS, LENGTH, BATCH, STEPS, WARMUP = 10, 12, 32, 400, 100
RATES, SHOWN, SEEDS = (1e-3, 2e-3, 5e-3, 1e-2, 2e-2), 1e-2, (0, 1, 2)
KINDS = {"norm first": (True, 0), "norm last": (False, 0), "norm last, warm-up": (False, WARMUP)}


class Reverser(nn.Module):
    """Digits (B, T) to scores of a digit for each place (B, T, 10)."""

    def __init__(self, layers, norm_first, width=32, heads=4, *, rng):
        self.embedding = nn.Embedding(DIGITS, width, rng=rng)
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.encoder = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, norm_first=norm_first, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(width) if norm_first else None)
        self.digits = nn.Linear(width, DIGITS, rng=rng)

    def forward(self, ids):
        return self.digits(self.encoder(self.positions(self.embedding(ids))))


def loss_of(model, ids):
    return F.cross_entropy(model(ids).reshape(-1, DIGITS), ids[:, ::-1].reshape(-1))


def train(norm_first, warmup, rate, seed, layers=6):
    """The loss of each step of Adam, and then the share of digits that are right on new sequences."""
    rng = np.random.default_rng(seed)
    model = Reverser(layers, norm_first, rng=rng)
    optimizer, losses = tm.optim.Adam(model.parameters(), lr=rate), []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / warmup) if warmup else rate
        optimizer.zero_grad()
        loss = loss_of(model, rng.integers(0, DIGITS, (BATCH, LENGTH)))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    ids = np.random.default_rng(1000 + seed).integers(0, DIGITS, (500, LENGTH))
    with tm.no_grad():
        return losses, float((model(ids).data.argmax(-1) == ids[:, ::-1]).mean())


def draw(target=TARGET):
    """The picture, on white, for a page of any colour; the numbers of its right half are printed."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(7.6, 3.7), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, (norm_first, warmup)), colour, dashes in zip(KINDS.items(), SERIES, DASHES):
            runs = {rate: [train(norm_first, warmup, rate, seed) for seed in SEEDS] for rate in RATES}
            losses = np.array([losses for losses, _ in runs[SHOWN]])                        # (seeds, steps)
            left.plot(losses.T, color=colour, linewidth=0.4, alpha=0.5)
            left.plot(np.median(losses, 0), color=colour, linestyle=dashes, linewidth=1.8)
            found = np.array([[right_share for _, right_share in runs[rate]] for rate in RATES])
            print(f"{name:>18}: "
                  + "; ".join(f"{rate:g}: " + " ".join(f"{x:.3f}" for x in row) for rate, row in zip(RATES, found)))
            right.semilogx(RATES, np.median(found, 1), color=colour, linestyle=dashes, linewidth=1.8, label=name)
            right.plot(np.repeat(RATES, len(SEEDS)), found.ravel(), "o", color=colour, markersize=3)
        for axes, title, xlabel in ((left, f"loss, step size {SHOWN:g}", "step"),
                                    (right, "share of digits right after training", "step size")):
            axes.grid()
            axes.set_title(title, color=INK, fontsize=10, loc="left")
            axes.set_xlabel(xlabel, color=INK)
        left.axhline(np.log(DIGITS), color="0.6", linewidth=0.8)
        right.axhline(1 / DIGITS, color="0.6", linewidth=0.8)
        figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=3, labelcolor=INK)
        figure.savefig(target, dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
