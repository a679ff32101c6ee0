"""Draw `images/step_sizes.png`: the error of a finite difference against its step, `python docs/draw_step_sizes.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the style of this checkout

from tinymm.extras import need  # noqa: E402
from tinymm.viz.figures import DASHES, INK, QUIET, SERIES, STYLE  # noqa: E402

TARGET = Path(__file__).with_name("images") / "step_sizes.png"
POINTS = np.linspace(-2, 2, 41)
SLOPES = 1 / np.cosh(POINTS) ** 2


def central(h):
    return (np.tanh(POINTS + h) - np.tanh(POINTS - h)) / (2 * h)


ESTIMATES = {
    "one-sided": lambda h: (np.tanh(POINTS + h) - np.tanh(POINTS)) / h,
    "central": central,
    "central, extrapolated": lambda h: (4 * central(h) - central(2 * h)) / 3,
    "complex step": lambda h: np.tanh(POINTS + 1j * h).imag / h,
}


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a picture of the book")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a picture of the book").Figure
    steps = 10.0 ** np.arange(-16, -0.49, 0.125)
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, estimate), colour, dashes in zip(ESTIMATES.items(), SERIES, DASHES):
            errors = [max(np.abs(estimate(h) - SLOPES).max(), 2e-17) for h in steps]
            axes.loglog(steps, errors, color=colour, linestyle=dashes, linewidth=1.9, label=name)
        for tolerance in (1e-2, 1e-6):
            axes.axhline(tolerance, color=QUIET, linewidth=0.9)
            label = f"tolerance {tolerance:.0e}".replace("e-0", "e-")
            axes.text(2e-9, tolerance * 1.3, label, color=QUIET, va="bottom", fontsize=9)
        axes.grid()
        axes.set_xlabel("step h", color=INK)
        axes.set_ylabel("largest error of the slope of tanh", color=INK)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=4, labelcolor=INK, columnspacing=1.4)
        figure.savefig(target, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    print(TARGET.name)
