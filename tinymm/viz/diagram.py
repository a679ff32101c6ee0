"""Boxes and arrows: a picture of what flows where, laid out from top to bottom."""

from dataclasses import dataclass

from ..extras import need
from ..writing import replaced
from .figures import INK, QUIET, SERIES, STYLE

__all__ = ["Box", "Diagram"]

FILLS = {"input": "#dbe5fb", "output": "#dbe5fb", "layer": "#f3ead9", "function": "#ffffff", "parameter": "#e2f1ec"}
WIDTH, HEIGHT = 1.55, 0.46  # of a box, in inches
GAP = 0.22  # between two boxes of a row, in inches
LANE = 0.16  # the room that a passing arrow takes in a row, in inches
DOWN = 0.78  # from one row to the next, in inches
SWEEPS = 24  # of ordering each row by where its neighbours are


@dataclass(frozen=True)
class Box:
    """A box: its label, a smaller line below, and its kind: input, output, layer, function or parameter."""

    label: str
    detail: str = ""
    kind: str = "function"


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
        members = {r: [] for r in range(max(row, default=0) + 1)}            # of each row: boxes, and lanes of arrows
        for i, r in enumerate(row):
            members[r].append(i)
        chains = []                                                          # each arrow from row to row
        for number, (source, target) in enumerate(self.arrows):
            lanes = [("lane", number, r) for r in range(row[source] + 1, row[target])]
            for lane in lanes:
                members[lane[2]].append(lane)
            chains.append([source, *lanes, target])
        near = {item: [] for items in members.values() for item in items}
        for chain in chains:
            for above, below in zip(chain, chain[1:]):
                near[above].append(below)
                near[below].append(above)
        x = {}
        for items in members.values():
            x |= _spread(items)
        for sweep in range(SWEEPS):                                          # down, up, down, ...
            for r in sorted(members, reverse=sweep % 2 == 1):
                middle = {i: sum(x[j] for j in near[i]) / len(near[i]) if near[i] else x[i] for i in members[r]}
                members[r].sort(key=middle.get)
                x |= _spread(members[r], middle)
        at = {item: (x[item], r * DOWN) for r, items in members.items() for item in items}
        return [at[i] for i in range(len(self.boxes))], [[at[item] for item in chain] for chain in chains]

    def save(self, path):
        """Write a PNG."""
        matplotlib = need("matplotlib", extra="viz", feature="draw a diagram")
        Figure = need("matplotlib.figure", extra="viz", feature="draw a diagram").Figure
        places, routes = self.places()
        points = [*places, *(point for route in routes for point in route)]
        left, right = min(x for x, _ in points) - WIDTH / 2 - 0.1, max(x for x, _ in points) + WIDTH / 2 + 0.1
        bottom = max(y for _, y in points) + HEIGHT / 2 + 0.1
        with matplotlib.rc_context(STYLE | {"figure.facecolor": "white", "savefig.facecolor": "white"}):
            figure = Figure(figsize=(right - left, bottom + HEIGHT / 2 + 0.1))
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set_xlim(left, right)
            axes.set_ylim(bottom, -HEIGHT / 2 - 0.1)
            for route in routes:
                _draw_arrow(axes, route)
            for box, place in zip(self.boxes, places):
                _draw_box(axes, box, place)
            with replaced(path) as file:
                figure.savefig(file, format="png", dpi=150, metadata={"Software": None})


def _room(item):
    return LANE if isinstance(item, tuple) else WIDTH + GAP


def _spread(items, wanted=None):
    """x of each member of a row in this order: as near to `wanted` as the room that they take allows."""
    if wanted is None:
        wanted = dict.fromkeys(items, 0.0)
    x, edge = {}, None
    for item in items:                                                       # from the left: never over a neighbour
        x[item] = wanted[item] if edge is None else max(wanted[item], edge + _room(item) / 2)
        edge = x[item] + _room(item) / 2
    if items:                                                                # and back, all by the same amount
        shift = sum(wanted[item] - x[item] for item in items) / len(items)
        x = {item: value + shift for item, value in x.items()}
    return x


def _draw_arrow(axes, route):
    """From the lower edge of a box through its lanes to the upper edge of another."""
    points = [(route[0][0], route[0][1] + HEIGHT / 2)]
    for x, y in route[1:-1]:
        points += [(x, y - HEIGHT / 2), (x, y + HEIGHT / 2)]
    points.append((route[-1][0], route[-1][1] - HEIGHT / 2))
    for start, end in zip(points, points[1:-1]):
        axes.plot(*zip(start, end), color=QUIET, linewidth=0.9, solid_capstyle="round")
    axes.annotate("", points[-1], points[-2], arrowprops={
        "arrowstyle": "-|>", "color": QUIET, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0})


def _draw_box(axes, box, place):
    x, y = place
    edge = SERIES[0] if box.kind in ("input", "output") else QUIET
    axes.add_patch(_rounded(x, y, FILLS[box.kind], edge))
    axes.text(x, y - (0.08 if box.detail else 0), _cut(box.label, 24), ha="center", va="center", fontsize=8.5,
              color=INK)
    if box.detail:
        axes.text(x, y + 0.11, _cut(box.detail, 30), ha="center", va="center", fontsize=7, color=QUIET)


def _cut(text, letters):
    return text if len(text) <= letters else f"…{text[1 - letters:]}"


def _rounded(x, y, fill, edge):
    patches = need("matplotlib.patches", extra="viz", feature="draw a diagram")
    return patches.FancyBboxPatch((x - WIDTH / 2 + 0.05, y - HEIGHT / 2 + 0.05), WIDTH - 0.1, HEIGHT - 0.1,
                                  boxstyle="round,pad=0.05", facecolor=fill, edgecolor=edge, linewidth=0.9)
