"""Charts as SVG text that sits inside a page: lines over training steps, bars over systems.

Colours are CSS variables with a fallback, so that a chart follows its page from light to dark. The caller's matplotlib
settings and backend are left as they were: no pyplot, and every setting is restored.
"""

import contextlib
import io
import itertools
import re
import warnings

import numpy as np

from ..extras import need
from .cells import format_column
from .elements import Markup, element

__all__ = ["bar_chart", "histogram", "interval_chart", "line_chart", "scatter_chart"]

INK = "#1c1d21"
QUIET = "#6b6e76"
GRID = "#e3e4e8"
BAR = "#c6c8ce"
# The first two, all that most charts need, are blue and orange, which colour-blind readers can tell apart.
SERIES = ("#2457c5", "#d5730a", "#0f8a6c", "#b0468f", "#8a6d3b")
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 3)))  # tell curves apart without colour
VARIABLES = {INK: "ink", QUIET: "quiet", GRID: "line", BAR: "bar"}
VARIABLES |= {colour: f"series-{i}" for i, colour in enumerate(SERIES, 1)}

BINS = 24  # of a histogram
LONGEST = 36  # letters of a name inside a chart
STYLE = {
    "svg.fonttype": "none",     # text stays text, in the page's own font
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": QUIET,
    "axes.edgecolor": GRID, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.7,
    "xtick.color": GRID, "ytick.color": GRID, "xtick.labelcolor": QUIET, "ytick.labelcolor": QUIET,
    "ytick.major.size": 0, "xtick.major.size": 3,
    "legend.frameon": False, "legend.handlelength": 2.2,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}  # fmt: skip


def line_chart(series, xlabel, alt):
    """One panel of curves.

    Parameters
    ----------
    series : mapping of str to (x, y)
        For each curve its name and two sequences of equal length.
    xlabel : str
    alt : str
        The same in words, for readers who cannot see the chart.

    Returns
    -------
    Markup
        An `<svg>` element.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> line_chart({"train": ([1, 2, 3], [2.3, 1.1, 0.4])}, xlabel="epoch", alt="loss falls")[:4]
    '<svg'
    """
    with _figure(4.6, 2.7, alt) as (figure, axes):
        looks = itertools.cycle(zip(SERIES, DASHES, strict=True))
        for (name, (x, y)), (colour, dashes) in zip(series.items(), looks, strict=False):
            marker = "o" if len(x) <= 20 else None
            # A space before the name: matplotlib leaves names that begin with an underscore out of legends.
            axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.7, marker=marker, markersize=3.2,
                      label=f" {_short(name)}")
        axes.grid(axis="y")
        axes.margins(x=0.02)
        axes.locator_params(axis="y", nbins=5)
        axes.locator_params(axis="x", nbins=6,
                            integer=all(float(v).is_integer() for x, _ in series.values() for v in x))
        axes.set_xlabel(xlabel, parse_math=False)
        _legend(axes)
        return _svg(figure, alt)


def histogram(values, xlabel, alt):
    """How numbers of several kinds are spread: for each kind the share of its numbers in each of 24 equal bins.

    Parameters
    ----------
    values : mapping of str to array
        For each kind its numbers; the bins are the same for all, and reach from the least number to the largest.
    xlabel : str
        What is measured.
    alt : str
        The same in words, for readers who cannot see the chart.

    Returns
    -------
    Markup
        An `<svg>` element.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> histogram({"text": [0.1, 0.2, 0.2], "image": [0.9, 0.8, 0.8]}, xlabel="gate", alt="the image has more")[:4]
    '<svg'
    """
    edges = np.histogram_bin_edges(np.concatenate([np.ravel(numbers) for numbers in values.values()]), BINS)
    with _figure(4.6, 2.7, alt) as (figure, axes):
        for (name, numbers), colour, dashes in zip(values.items(), itertools.cycle(SERIES), itertools.cycle(DASHES)):
            shares = np.histogram(numbers, edges)[0] / np.size(numbers)
            axes.stairs(shares, edges, color=colour, linestyle=dashes, linewidth=1.7, label=f" {_short(name)}")
        axes.grid(axis="y")
        axes.margins(x=0.02)
        axes.set_ylim(bottom=0)
        axes.locator_params(nbins=6)
        axes.set_xlabel(xlabel, parse_math=False)
        _legend(axes)
        return _svg(figure, alt)


def scatter_chart(points, xlabel, alt):
    """Points of several kinds in a plane, on which both axes have one scale.

    Parameters
    ----------
    points : mapping of str to (n, 2) array
        For each kind its points.
    xlabel : str
        What the plane is.
    alt : str
        The same in words, for readers who cannot see the chart.

    Returns
    -------
    Markup
        An `<svg>` element.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> scatter_chart({"image": np.eye(2), "text": -np.eye(2)}, xlabel="two directions", alt="two clouds")[:4]
    '<svg'
    """
    with _figure(4.6, 3.6, alt) as (figure, axes):
        for (name, xy), colour, marker in zip(points.items(), itertools.cycle(SERIES), itertools.cycle("o^sDv")):
            axes.plot(*np.asarray(xy).T, marker, color=colour, markersize=3, alpha=0.7, label=f" {_short(name)}")
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid()
        axes.locator_params(nbins=5)
        axes.set_xlabel(xlabel, parse_math=False)
        _legend(axes)
        return _svg(figure, alt)


def bar_chart(values, xlabel, alt):
    """A horizontal bar for each system: the mean over its seeds, a dot for every seed, a line from lowest to highest.

    Parameters
    ----------
    values : mapping of str to sequence of float
        For each system one value per seed. The first system is drawn in the accent colour, the others in grey.
    xlabel : str
        What is measured.
    alt : str
        The same in words, for readers who cannot see the chart.

    Returns
    -------
    Markup
        An `<svg>` element.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> bar_chart({"ours": [0.8, 0.9], "chance": [0.5]}, xlabel="accuracy", alt="ours is better")[:4]
    '<svg'
    """
    runs = [np.asarray(seeds, dtype=np.float64) for seeds in values.values()]
    means = [float(seeds.mean()) for seeds in runs]
    with _figure(6.0, 0.65 + 0.33 * len(values), alt) as (figure, axes):
        for row, (seeds, mean, label) in enumerate(zip(runs, means, format_column(means), strict=True)):
            axes.barh(row, mean, height=0.56, color=SERIES[0] if row == 0 else BAR)
            if seeds.size > 1:
                axes.plot([seeds.min(), seeds.max()], [row, row], color=INK, linewidth=1.2)
                axes.plot(seeds, np.full(seeds.size, row), "o", color=INK, markersize=2.6)
            axes.annotate(label, (max(seeds.max(), 0), row), (7, 0), textcoords="offset points", va="center",
                          color=INK, weight="bold" if row == 0 else "normal")  # fmt: skip
        axes.set_yticks(range(len(values)), labels=[_short(name) for name in values], parse_math=False, color=INK)
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=6)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(xlabel, parse_math=False)
        return _svg(figure, alt)


def interval_chart(values, xlabel, alt):
    """Differences with their intervals, one below the other, and a line at 0; those apart from 0 are coloured.

    Parameters
    ----------
    values : mapping of str to (value, low, high)
    xlabel : str
        What is compared.
    alt : str
        The same in words, for readers who cannot see the chart.

    Returns
    -------
    Markup
        An `<svg>` element.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> interval_chart({"unique": (0.5, 0.4, 0.6), "redundant": (0.0, -0.1, 0.1)}, "gain", alt="unique gains")[:4]
    '<svg'
    """
    with _figure(6.0, 0.65 + 0.33 * len(values), alt) as (figure, axes):
        for row, (value, low, high) in enumerate(values.values()):
            colour = SERIES[0] if low > 0 else SERIES[1] if high < 0 else QUIET
            axes.plot([low, high], [row, row], color=colour, linewidth=1.7)
            axes.plot([value], [row], "o", color=colour, markersize=4.0)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(values)), labels=[_short(name) for name in values], parse_math=False, color=INK)
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.margins(x=0.05, y=0.5 / len(values))
        axes.locator_params(axis="x", nbins=6)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(xlabel, parse_math=False)
        return _svg(figure, alt)


@contextlib.contextmanager
def _figure(width, height, alt):
    """Context manager: a figure and its axes, in our style; the caller's settings and warnings are restored."""
    matplotlib = need("matplotlib", extra="viz", feature="draw a chart")
    Figure = need("matplotlib.figure", extra="viz", feature="draw a chart").Figure
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Text is laid out by the browser, so a glyph that matplotlib's own font lacks is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["svg.hashsalt"] = alt  # ids are the same in every run, but differ from chart to chart
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def _legend(axes):
    """Names above the axes, where they can hide no curve."""
    legend = axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(SERIES), labelcolor=INK, borderpad=0)
    for label in legend.get_texts():
        label.set_parse_math(False)


def _short(name):
    """The name, cut where it would leave the chart no room; `alt` holds the whole name."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _svg(figure, alt):
    """Matplotlib's SVG as an element of a page: it scales, is described by `alt`, and has no links or clashing ids."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()
    view = re.search(r'viewBox="([^"]*)"', text).group(1)
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # group names repeat from chart to chart; the ids in use are hashes
    for colour, name in VARIABLES.items():
        body = re.sub(rf"(fill|stroke): {colour}", rf"\1: var(--{name}, {colour})", body)
    return element("svg", Markup(body.strip()), viewBox=view, role="img", aria_label=alt)
