"""Boxes and arrows: a picture of what flows where, laid out from top to bottom."""

from dataclasses import dataclass

from ..extras import need
from ..writing import replaced
from .figures import INK, QUIET, SERIES, STYLE
from .layers import ordered, placed

__all__ = ["Box", "Diagram"]

FILLS = {"input": "#dbe5fb", "output": "#dbe5fb", "layer": "#f3ead9", "function": "#ffffff", "parameter": "#e2f1ec"}
WIDTH, HEIGHT = 1.55, 0.46  # of a box, in inches
GAP = 0.22  # between two boxes of a row, in inches
LANE = 0.16  # the room that a passing arrow takes in a row, in inches
DOWN = 0.78  # from one row to the next, in inches


@dataclass(frozen=True)
class Box:
    """A box: its label, a smaller line below, and its kind: input, output, layer, function or parameter.

    Examples
    --------
    >>> Box("+").width, Box("query", "Linear", "layer").width                # in inches
    (0.46, 1.55)
    """

    label: str
    detail: str = ""
    kind: str = "function"

    @property
    def width(self):
        """A function of a sign or two, such as +, is a square."""
        return HEIGHT if len(self.label) <= 3 and not self.detail and self.kind == "function" else WIDTH


@dataclass(frozen=True)
class Diagram:
    """Boxes, and arrows between them.

    Attributes
    ----------
    boxes : list of Box
    arrows : list of (int, int)
        From which box to which, without cycles.

    Examples
    --------
    >>> diagram = Diagram([Box("x", kind="input"), Box("W", kind="parameter"), Box("product"), Box("y", kind="output")],
    ...                   [(0, 2), (1, 2), (2, 3)])
    >>> diagram.rows()
    [0, 0, 1, 2]
    """

    boxes: list
    arrows: list

    def rows(self):
        """The row of each box: below the last one that flows into it; inputs and parameters right above their use."""
        found = [0] * len(self.boxes)
        for _ in self.boxes:
            before = list(found)
            for source, target in self.arrows:
                found[target] = max(found[target], found[source] + 1)
            if found == before:
                break
        last = max(found, default=0)
        for i, box in enumerate(self.boxes):
            after = [found[target] for source, target in self.arrows if source == i]
            if box.kind == "output":
                found[i] = last
            elif box.kind in ("parameter", "input") and after:
                found[i] = min(after) - 1
        return found

    def places(self):
        """Where to draw: (x, y) of each box in inches, y downwards, and for each arrow the points that it passes."""
        row = self.rows()
        rows = [[] for _ in range(max(row, default=0) + 1)]                  # of each: boxes, and lanes of arrows
        for i, r in enumerate(row):
            rows[r].append(i)
        chains = []                                                          # each arrow from row to row
        for number, (source, target) in enumerate(self.arrows):
            lanes = [("lane", number, r) for r in range(row[source] + 1, row[target])]
            for lane in lanes:
                rows[lane[2]].append(lane)
            chains.append([source, *lanes, target])
        links = [link for chain in chains for link in zip(chain, chain[1:])]
        rooms = {item: LANE if isinstance(item, tuple) else self.boxes[item].width + GAP
                 for items in rows for item in items}
        x = placed(ordered(rows, links), links, rooms, lambda item: isinstance(item, tuple))
        at = {item: (x[item], r * DOWN) for r, items in enumerate(rows) for item in items}
        return [at[i] for i in range(len(self.boxes))], [[at[item] for item in chain] for chain in chains]

    def edges(self):
        """Left, right, top and bottom of what `draw` draws, in inches."""
        places, routes = self.places()
        sides = [(x - box.width / 2, x + box.width / 2) for box, (x, _) in zip(self.boxes, places)]
        sides += [(x, x) for route in routes for x, _ in route]
        bottom = max(y for _, y in places) + HEIGHT / 2
        left, right = min(left for left, _ in sides), max(right for _, right in sides)
        return left - 0.1, right + 0.1, -HEIGHT / 2 - 0.1, bottom + 0.1

    def draw(self, axes):
        """Draw it into axes of matplotlib on which an inch is a unit, y downwards."""
        places, routes = self.places()
        for route in routes:
            _draw_arrow(axes, route)
        for box, place in zip(self.boxes, places):
            _draw_box(axes, box, place)

    def save(self, path):
        """Write a PNG."""
        matplotlib = need("matplotlib", extra="viz", feature="draw a diagram")
        Figure = need("matplotlib.figure", extra="viz", feature="draw a diagram").Figure
        left, right, top, bottom = self.edges()
        with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white"}):
            figure = Figure(figsize=(right - left, bottom - top))
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(left, right)
            axes.set_ylim(bottom, top)
            self.draw(axes)
            with replaced(path) as file:
                figure.savefig(file, format="png", dpi=150, metadata={"Software": None})


def _draw_arrow(axes, route):
    """From the lower edge of a box through its lanes to the upper edge of another, upright at both."""
    patches, Path = (need(f"matplotlib.{name}", extra="viz", feature="draw a diagram") for name in ("patches", "path"))
    points, codes = [(route[0][0], route[0][1] + HEIGHT / 2)], [Path.Path.MOVETO]
    for i, (x, y) in enumerate(route[1:], 1):
        (start, above), top = points[-1], y - HEIGHT / 2
        points += [(start, (above + top) / 2), (x, (above + top) / 2), (x, top)]
        codes += [Path.Path.CURVE4] * 3
        if i < len(route) - 1:                                               # straight down beside the boxes of a row
            points.append((x, y + HEIGHT / 2))
            codes.append(Path.Path.LINETO)
    axes.add_patch(patches.FancyArrowPatch(path=Path.Path(points, codes), arrowstyle="-|>,head_length=4,head_width=2",
                                           color=QUIET, linewidth=0.9, shrinkA=0, shrinkB=0))


def _draw_box(axes, box, place):
    x, y = place
    edge = SERIES[0] if box.kind in ("input", "output") else QUIET
    axes.add_patch(_rounded(x, y, box.width, FILLS[box.kind], edge))
    axes.text(x, y - (0.08 if box.detail else 0), _cut(box.label, 24), ha="center", va="center", fontsize=8.5,
              color=INK)
    if box.detail:
        axes.text(x, y + 0.11, _cut(box.detail, 30), ha="center", va="center", fontsize=7, color=QUIET)


def _cut(text, letters):
    return text if len(text) <= letters else f"…{text[1 - letters:]}"


def _rounded(x, y, width, fill, edge):
    patches = need("matplotlib.patches", extra="viz", feature="draw a diagram")
    return patches.FancyBboxPatch((x - width / 2 + 0.05, y - HEIGHT / 2 + 0.05), width - 0.1, HEIGHT - 0.1,
                                  boxstyle="round,pad=0.05", facecolor=fill, edgecolor=edge, linewidth=0.9)
