"""What the two ways to paint share in a recipe: grids of pictures, the judge over many of them, the nearest picture."""

import math

import numpy as np

from ....cores import ceil_div
from ....data.shapes.picture_judge import ASKED, asked_attributes
from ....data.shapes.seeing import read_scene
from ....viz import to_png
from ....writing import replaced
from ..results import Scores

__all__ = ["beside", "distances", "grid", "judged", "own_is_nearer", "strip", "write_png"]

EDGE = 2  # pixels between pictures
ENLARGED = 4  # times, in files of their own
WHITE = 1.0


def grid(images, columns):
    """Pictures (N, 3, H, W) as one, row by row, white where there is none: (3, rows·(H + 2) − 2, columns·(W + 2) − 2).

    Examples
    --------
    >>> grid(np.zeros((3, 3, 8, 8), np.float32), 2).shape
    (3, 18, 18)
    """
    n, channels, height, width = images.shape
    rows = ceil_div(n, columns)
    laid = np.full((rows * columns, channels, height + EDGE, width + EDGE), WHITE, np.float32)
    laid[:n, :, :height, :width] = images
    laid = laid.reshape(rows, columns, channels, height + EDGE, width + EDGE).transpose(2, 0, 3, 1, 4)
    return laid.reshape(channels, rows * (height + EDGE), columns * (width + EDGE))[:, :-EDGE, :-EDGE]


def strip(sketch, path, columns=8):
    """The way of each picture, a row for each: its sketch (N, 3, H, W), then about `columns` of the arrays (N, 3, H, W)
    of `path`, from noise on, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(path) - 1, columns).round().astype(int))
    shown = np.stack([sketch, *(path[k] for k in chosen)], 1)            # (N, 1 + columns, 3, H, W)
    return grid(shown.reshape(-1, *shown.shape[2:]), shown.shape[1])


def beside(*pictures):
    """Pictures (3, H, W) side by side."""
    return grid(np.stack(pictures), len(pictures))


def write_png(path, image):
    """Write a picture to a file in one stroke, each pixel a square of 4 × 4."""
    png = to_png(image, ENLARGED)
    with replaced(path) as file:
        file.write(png)


def judged(captions, images, pairs=None):
    """Scores of pictures painted for captions of the shapes world, by what `read_scene` finds in them.

    Parameters
    ----------
    captions : sequence of N str
    images : array (N, 3, H, W)
    pairs : sequence of N (colour, shape), optional
        Of each caption a pair that was never seen in training.

    Returns
    -------
    Scores
        Of each picture "attributes", the share of the asked attributes that it shows; "exact", whether it shows all
        that was asked for and no more things; "pair", whether the pair is there in one thing. Of all pictures together
        "colour", "shape", "size" and "position", the share of the attributes of this kind.
    """
    seen = [read_scene(image) for image in images]
    rows = [asked_attributes(caption, scene) for caption, scene in zip(captions, seen, strict=True)]
    shown = [[holds for kind in ASKED for holds in row[kind]] for row in rows]
    each = {"attributes": np.array([np.mean(of) for of in shown]),
            "exact": np.array([all(of) and all(row["things"]) for of, row in zip(shown, rows)])}
    if pairs is not None:
        each["pair"] = np.array([pair in scene.compositions for pair, scene in zip(pairs, seen, strict=True)])
    asked = {kind: [holds for row in rows for holds in row[kind]] for kind in ASKED}
    return Scores(each, {kind: float(np.mean(of)) if of else math.nan for kind, of in asked.items()})


def own_is_nearer(images, real):
    """Scores of painted pictures where nobody can judge them: which real picture is each near to?

    Parameters
    ----------
    images, real : array (N, 3, H, W)
        Real picture i belongs to the caption for which picture i was painted.

    Returns
    -------
    Scores
        "own_is_nearer": the share of the other real pictures that are farther from the painted one than its own, by
        pixels; 1/2 is chance, and equal ones count half. "distance": to its own.

    Examples
    --------
    >>> real = np.arange(3.0).reshape(3, 1, 1, 1)
    >>> own_is_nearer(real + 0.1, real).each["own_is_nearer"]
    array([1., 1., 1.])
    """
    x, y = (of.reshape(len(of), -1).astype(np.float64) for of in (images, real))
    squared = (x * x).sum(1)[:, None] - 2 * x @ y.T + (y * y).sum(1)    # (N, N)
    own = np.diag(squared)[:, None]
    others = max(1, len(x) - 1)
    nearer = ((squared > own).sum(1) + ((squared == own).sum(1) - 1) / 2) / others
    return Scores({"own_is_nearer": nearer, "distance": distances(images, real)})


def distances(one, other):
    """Root of the mean squared difference of pixels, of each pair of pictures: float array (N,)."""
    return np.sqrt(((one - other) ** 2).mean((1, 2, 3), dtype=np.float64))
