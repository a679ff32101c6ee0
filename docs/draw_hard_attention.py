"""Draw `images/hard_attention.png`: bias and variance of gradient estimators, `python docs/draw_hard_attention.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the style of this checkout

import tinymm.functional as F  # noqa: E402
from benchmarks.estimators import SCORES, exact_gradient, gumbel, reward  # noqa: E402
from tinymm.extras import need  # noqa: E402
from tinymm.viz.figures import DASHES, INK, QUIET, SERIES, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "hard_attention.png"
DRAWS = 200_000
TEMPERATURES = np.geomspace(0.1, 4, 13)
CURVES = {"relaxed": (False, 2), "straight-through": (True, 2), "straight-through, fourth power": (True, 4)}


def bias_and_variance(tau, hard, power):
    """Both in units of the exact gradient: distance over length, variance over squared length."""
    found, exact = gumbel(tau, hard, DRAWS, 0, power), exact_gradient(power)
    return np.linalg.norm(found.mean(0) - exact) / np.linalg.norm(exact), found.var(0).sum() / (exact @ exact)


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(7.6, 3.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, (hard, power)), colour, dashes in zip(CURVES.items(), SERIES, DASHES):
            points = np.array([bias_and_variance(tau, hard, power) for tau in TEMPERATURES])
            for axes, y in zip((left, right), points.T):
                axes.loglog(TEMPERATURES, y, color=colour, linestyle=dashes, linewidth=1.9, label=name)
        rewards, exact = reward(np.eye(4)), exact_gradient()
        for name, b in (("REINFORCE,\nno baseline", 0.0),
                        ("REINFORCE,\noptimal b", F.optimal_baseline(SCORES, rewards))):
            level = F.reinforce_variance(SCORES, rewards, b) / (exact @ exact)
            right.axhline(level, color=QUIET, linewidth=0.9)
            right.text(5.2, level, name, color=QUIET, va="center", fontsize=9)
        for axes, title in ((left, "bias / length of the gradient"), (right, "variance of a draw / squared length")):
            axes.grid()
            axes.set_xlabel("temperature τ", color=INK)
            axes.set_title(title, color=INK, fontsize=10, loc="left")
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=3, labelcolor=INK)
        figure.savefig(target, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
