r"""Drawn digits: strokes of a pen, each time a little different, without fonts or files.

A digit is one or more strokes, each a few points that a smooth curve passes through. The points are jittered, the whole
is slanted, turned, scaled and moved, and drawn with a pen of some thickness t: a pixel at the distance d from the
nearest point of a curve has the ink

$$ \operatorname{clip}\big((t - d)/b + \tfrac12,\; 0,\; 1\big), $$

b the width of the pen's soft edge. Noise is added in the end.
"""

import math

import numpy as np

from ...cores import parallel_for

__all__ = ["draw_digits"]

# Points (x, y) of a unit square, y downward. Of each digit several ways of writing it, each a list of strokes; "|"
# between strokes, "^" after a point at which the pen turns a corner.
SHAPES = {
    0: (".50,.05 .22,.22 .18,.55 .32,.90 .60,.93 .80,.62 .78,.25 .55,.05",),
    1: (".50,.04 .50,.96", ".30,.26 .52,.05^ .52,.96", ".30,.26 .52,.05^ .52,.95 | .30,.95 .74,.95"),
    2: (".22,.28 .40,.06 .70,.10 .74,.36 .50,.66 .20,.94^ .82,.92", ".20,.24 .46,.05 .74,.22 .56,.58 .28,.92 .22,.78 "
        ".46,.78 .82,.94"),
    3: (".22,.16 .46,.04 .74,.16 .68,.40 .44,.47^ .72,.56 .76,.80 .50,.96 .20,.86",
        ".22,.06 .74,.06^ .46,.42^ .74,.56 .72,.86 .46,.96 .20,.84"),
    4: (".62,.96 .62,.05^ .16,.66^ .86,.66", ".26,.05 .22,.52^ .78,.52 | .74,.05 .72,.96"),
    5: (".76,.06 .30,.06^ .26,.44^ .54,.38 .78,.58 .70,.88 .42,.96 .18,.84",),
    6: (".68,.06 .38,.26 .22,.62 .34,.92 .62,.94 .76,.72 .60,.52 .36,.56 .23,.70",),
    7: (".18,.07 .80,.07^ .52,.50 .40,.96", ".18,.20 .20,.07^ .80,.08^ .44,.96", ".18,.07 .80,.07^ .42,.96 | .32,.52 "
        ".70,.52"),
    8: (".70,.16 .46,.04 .24,.20 .40,.42 .68,.60 .72,.86 .48,.96 .24,.84 .30,.60 .60,.42 .74,.22 .66,.12",),
    9: (".74,.24 .52,.05 .26,.20 .30,.46 .56,.50 .74,.28^ .72,.60 .60,.96", ".72,.22 .46,.05 .24,.28 .42,.52 .70,.36 "
        ".73,.22^ .74,.60 .56,.92 .26,.94"),
}
STEP = 0.05                     # between points of a curve, about
JITTER = 0.030                  # standard deviation of a point's place
SLANT = 0.30                    # largest shift of the top against the bottom
TURN = math.radians(10)         # largest angle
SIZES = (0.55, 0.74)            # of the digit, as a share of the picture's side: the least and the most
NARROW = (0.70, 1.0)            # its width in shares of its height
REACH = 0.04                    # largest shift, as a share of the side
PEN = (0.03, 0.065)             # half the thickness of a line, as a share of the side
EDGE = 0.035                    # b
INK = (0.7, 1.0)
GRAIN = 0.08                    # standard deviation of the noise


def draw_digits(labels, rng, size=28):
    """Draw a picture for each label: light strokes on a dark ground.

    Parameters
    ----------
    labels : sequence of int
        From 0 to 9.
    rng : numpy.random.Generator
    size : int
        Pixels a side, at least 8.

    Returns
    -------
    float32 array (N, 1, size, size)
        In [0, 1].

    Raises
    ------
    ValueError
        If a label is no digit, or the size is below 8.

    Examples
    --------
    >>> for row in draw_digits([1], np.random.default_rng(8), size=12)[0, 0, 1:-1]:
    ...     print("|" + "".join(" .oO"[int(3.99 * ink)] for ink in row) + "|")
    |    o       |
    |    o.      |
    |   .oo      |
    |   . o      |
    |     o      |
    |     o      |
    |     O      |
    |     .o     |
    |     .o .   |
    |    oooOo   |
    """
    labels = np.asarray(labels)
    if size < 8 or not np.isin(labels, range(10)).all():
        raise ValueError("draw_digits: needs digits from 0 to 9 and 8 pixels a side or more; "
                         f"got {sorted(set(labels.tolist()) - set(range(10)))} and {size}")
    each = rng.spawn(len(labels))  # a Generator for each picture, so that pictures can be drawn side by side
    pictures = np.empty((len(labels), 1, size, size), np.float32)

    def draw(start, stop):
        for i in range(start, stop):
            pictures[i, 0] = _drawn(int(labels[i]), each[i], size)

    parallel_for(len(labels), draw, work=math.inf)
    return pictures


def _drawn(digit, rng, size):
    """One picture (size, size)."""
    ways = SHAPES[digit]
    points = np.concatenate([_curve(*_parsed(stroke), rng) for stroke in ways[rng.integers(len(ways))].split("|")])
    x, y = _placed(points - 0.5, rng).T                                     # in shares of the side
    centres = (np.arange(size) + 0.5) / size
    across = (centres[:, None] - x) ** 2                                    # (size, P)
    down = (centres[:, None] - y) ** 2
    d = np.sqrt((down[:, None, :] + across[None, :, :]).min(-1))            # (size, size)
    ink = np.clip((rng.uniform(*PEN) - d) / EDGE + 0.5, 0.0, 1.0) * rng.uniform(*INK)
    return np.clip(ink + GRAIN * rng.standard_normal(ink.shape), 0.0, 1.0)


def _parsed(stroke):
    """Points (n, 2), and the numbers of those at which there is a corner."""
    words = stroke.split()
    corners = [i for i, word in enumerate(words) if word.endswith("^")]
    return np.array([[float(number) for number in word.rstrip("^").split(",")] for word in words]), corners


def _curve(points, corners, rng):
    r"""Points on the Catmull-Rom curve through jittered points; at a corner one curve ends and another begins.

    From $p_1$ to $p_2$, between $p_0$ and $p_3$, at $0 \le u < 1$:
    $\tfrac12\,[2p_1 + (p_2 - p_0)u + (2p_0 - 5p_1 + 4p_2 - p_3)u^2 + (3p_1 - p_0 - 3p_2 + p_3)u^3]$.
    """
    points = points + JITTER * rng.standard_normal(points.shape)
    found = []
    for first, last in zip([0, *corners], [*corners, len(points) - 1]):
        piece = points[first:last + 1]
        padded = np.concatenate([2 * piece[:1] - piece[1:2], piece, 2 * piece[-1:] - piece[-2:-1]])
        for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:]):
            u = np.arange(0.0, 1.0, STEP / max(STEP, math.dist(p1, p2)))[:, None]
            found.append(0.5 * (2 * p1 + (p2 - p0) * u + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2
                                + (3 * p1 - p0 - 3 * p2 + p3) * u**3))
    return np.concatenate([*found, points[-1:]])


def _placed(points, rng):
    """Points around the origin, scaled, slanted, turned, and moved to about the middle of the picture."""
    height = rng.uniform(*SIZES)
    x = points[:, 0] * height * rng.uniform(*NARROW) - points[:, 1] * height * rng.uniform(-SLANT, SLANT)
    y = points[:, 1] * height
    angle = rng.uniform(-TURN, TURN)
    turned = np.stack([math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y], 1)
    return 0.5 + turned + rng.uniform(-REACH, REACH, 2)
