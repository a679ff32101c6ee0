"""Pictures of what `benchmarks.costs` found: time, memory and the share of a product's rate over the length, and the
roofline.

They are drawn from its JSON, at any time:  python -m benchmarks.plots costs.json DIR
"""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tinymm.extras import need
from tinymm.viz.figures import DASHES, INK, QUIET, SERIES, STYLE

from .laws import UNSURE

__all__ = ["draw_all", "draw_memory", "draw_rate", "draw_roofline", "draw_time"]

FORMS = ("tiled", "explicit", "fused", "PyTorch", "PyTorch math", "autograd", "MyGrad", "JAX")
LOOKS = dict(zip(FORMS, zip((*SERIES, QUIET, QUIET, QUIET), (*DASHES, "-", "--", ":"))))
MARKERS = dict(zip(FORMS, "osD^vx+*"))
PASSES = {"forward": False, "forward and backward": True}


def draw_all(found, folder):
    """Write every picture into a folder; their paths."""
    paths = []
    for draw in (draw_time, draw_memory, draw_roofline, draw_rate):
        paths.append(Path(folder) / f"attention_{draw.__name__.removeprefix('draw_')}.png")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        draw(found, paths[-1])
    return paths


def draw_time(found, target):
    """Milliseconds over T on logarithmic axes: points measured, lines fitted from T = 512 on, with their exponents."""
    with panels(target, list(PASSES), "T, positions", "milliseconds") as axes:
        for axis, backward in zip(axes, PASSES.values()):
            for form, (colour, dashes) in LOOKS.items():
                points = curve(found, form, backward)
                if not points:
                    continue
                T, ms = np.array([(row["setting"]["T"], row["seconds"][1] * 1e3) for row in points]).T
                fit, = [e for e in found["exponents"] if (e["axis"], e["form"], e["is_causal"], e["backward"]) ==
                        ("T", form, False, backward) and e["error"] < UNSURE] or [None]
                name = f"{form}, $T^{{{fit['exponent']:.2f}}}$" if fit else form
                axis.plot(T, ms, MARKERS[form], color=colour, markersize=4, label=None if fit else name)
                if fit:
                    long = T[T >= 512]
                    axis.plot(long, fit["factor"] * 1e3 * long ** fit["exponent"], color=colour, linestyle=dashes,
                              linewidth=1.5, label=name)
            axis.legend(loc="upper left", labelcolor=INK, fontsize=8.5)


def draw_memory(found, target):
    """Peak bytes over T, forward and backward: points measured, lines the law."""
    with panels(target, ["forward and backward, 8 heads of width 64"], "T, positions",
                "megabytes beside the inputs") as (axis,):
        for form, (colour, dashes) in LOOKS.items():
            points = [row for row in curve(found, form, True) if row["peak_bytes"]]
            if points:
                T, held, law = np.array([(r["setting"]["T"], r["peak_bytes"] / 1e6, r["predicted_bytes"] / 1e6)
                                         for r in points]).T
                axis.plot(T, held, MARKERS[form], color=colour, markersize=4)
                axis.plot(T, law, color=colour, linestyle=dashes, linewidth=1.5, label=form)
        axis.legend(loc="upper left", labelcolor=INK)


def draw_roofline(found, target):
    """Operations per second over operations per byte, with the two ceilings of this machine."""
    rates = found["rates"]
    products = rates["products"] / 1e9
    memory = rates["memory"] / 1e9
    with panels(target, list(PASSES), "operations per byte", "GFLOP/s") as axes:
        for axis, backward in zip(axes, PASSES.values()):
            x = np.geomspace(1, 3000, 200)
            axis.plot(x, np.minimum(products, memory * x), color=QUIET, linewidth=1.2)
            axis.text(2900, products * 1.03, "a large product", color=QUIET, ha="right", va="bottom", fontsize=8.5)
            axis.text(1.1, memory * 1.6, "memory,\none thread", color=QUIET, fontsize=8.5, va="bottom")
            thin = rates["tiles"]["64"] / 1e9
            axis.plot(x[x > thin / memory], np.full_like(x, thin)[x > thin / memory], color=QUIET, linewidth=1,
                      linestyle=":")
            axis.text(2900, thin * 0.97, "products of tiles", color=QUIET, ha="right", va="top", fontsize=8.5)
            for form, (colour, _) in LOOKS.items():
                points = [row for row in curve(found, form, backward) if row["operations"]]
                if points:
                    xy = [(r["operations"] / r["bytes_moved"], r["operations"] / r["seconds"][1] / 1e9) for r in points]
                    axis.plot(*np.array(xy).T, MARKERS[form], color=colour, markersize=4.5, label=form, alpha=0.8)
            axis.yaxis.set_major_formatter("{x:.0f}")
            axis.yaxis.set_minor_formatter("{x:.0f}")
            axis.legend(loc="lower right", labelcolor=INK)


def draw_rate(found, target):
    """The share of a product's rate over T, with and without a causal mask, forward and backward."""
    with panels(target, ["no mask", "causal mask"], "T, positions", "operations of its products / a product's rate",
                log_y=False) as axes:
        for axis, causal in zip(axes, (False, True)):
            for form, (colour, dashes) in LOOKS.items():
                points = curve(found, form, True, causal)
                if points:
                    T, share = np.array([(row["setting"]["T"], row["of_products"][1]) for row in points]).T
                    axis.plot(T, share, MARKERS[form], color=colour, linestyle=dashes, markersize=4,
                              linewidth=1.5, label=form)
            axis.set_ylim(0, 1.3)
        axes[0].legend(loc="upper left", labelcolor=INK, fontsize=8.5, ncols=3)


def curve(found, form, backward, causal=False):
    """The rows of one form over T."""
    rows = [row for row in found["costs"] if row["form"] == form and row["setting"]["axis"] == "T"
            and row["setting"]["backward"] == backward and row["setting"]["is_causal"] == causal]
    return sorted(rows, key=lambda row: row["setting"]["T"])


@contextmanager
def panels(target, titles, xlabel, ylabel, log_y=True):
    """Axes side by side, on white; saved at the end."""
    matplotlib = need("matplotlib", extra="viz", feature="plot a benchmark")
    Figure = need("matplotlib.figure", extra="viz", feature="plot a benchmark").Figure
    with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white", "font.size": 10}):
        figure = Figure(figsize=(4.2 * len(titles) + 0.4 + 0.8 * (len(titles) == 1), 3.6), layout="constrained")
        axes = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
        for axis, title in zip(axes, titles):
            axis.set_xscale("log", base=10 if xlabel.startswith("operations") else 2)
            axis.set_yscale("log" if log_y else "linear")
            axis.grid()
            axis.set_title(title, color=INK, fontsize=10, loc="left")
            axis.set_xlabel(xlabel, color=INK)
        axes[0].set_ylabel(ylabel, color=INK)
        yield axes
        figure.savefig(target, dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    for path in draw_all(json.loads(Path(sys.argv[1]).read_text("utf-8")), sys.argv[2]):
        print(path)
