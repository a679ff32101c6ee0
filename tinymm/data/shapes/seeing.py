r"""A reader of pictures of the shapes world: pixels to `Scene`, by analysis through synthesis, with nothing learned.

Bright pixels that hang together are a thing. Its colour is the palette's nearest hue. How much of each pixel it covers,
$\alpha = (p - b)\cdot(c - b) / \lVert c - b \rVert^2$ with c its colour and b the cloth's, is compared with what each
shape would cover; area and centroid tell where a shape would lie and how large it would be, and the shape with the
smallest squared error is it. What fits nothing is "unclear", and counts as none of the shapes or colours.
"""

import math

import numpy as np

from .render import DISTANCES, PALETTE
from .scene import COLOURS, Scene, Thing
from .world import RADII

__all__ = ["read_scene"]

UNCLEAR = "unclear"
BRIGHT = 0.45  # of the brightest channel: the cloth stays below, every thing above
FEWEST = 10  # pixels of a thing; the smallest has about 28
MOST_THINGS = 6  # the largest ones
REACH = 2  # pixels around a thing in which its soft edge lies
FARTHEST_HUE = 0.35  # of a colour from the palette's, as a distance between RGB that are scaled to a brightest 1
LARGEST_ERROR = 0.10  # squared, as a share of the covered area
AREAS = {"circle": math.pi, "square": 1.68 ** 2, "diamond": 2 * 1.15 ** 2, "triangle": 1.85,
         "cross": 2 * 2.1 * 0.64 - 0.64 ** 2}  # of radius 1
TRIANGLE_CENTROID = 1.85 * 2 / 3 - 1  # below the centre, in radii
TRIED = np.array([(x, y, r) for x in (-0.3, 0, 0.3) for y in (-0.3, 0, 0.3) for r in (0.95, 1, 1.05)], np.float32)
BORDER = sum(sum(RADII.values(), ())[1:3]) / 2  # between a small radius and a large one


def read_scene(image):
    """Read a picture of the shapes world.

    Parameters
    ----------
    image : float array (3, H, H)
        In [0, 1].

    Returns
    -------
    Scene
        Of the things that are seen, the largest first; none in a picture without any. What is not told apart is called
        "unclear".

    Examples
    --------
    >>> from tinymm.data.shapes.render import render
    >>> there = Scene((Thing("red", "circle", "small", 0.3, 0.3, 0.13), Thing("blue", "cross", "large", 0.7, 0.6, 0.2)))
    >>> for thing in read_scene(render([there], np.random.default_rng(0))[0]).things:
    ...     print(thing.size, thing.colour, thing.shape, round(thing.x, 1), round(thing.y, 1))
    large blue cross 0.7 0.6
    small red circle 0.3 0.3
    """
    from scipy import ndimage

    labels, number = ndimage.label(image.max(0) > BRIGHT)
    sizes = np.bincount(labels.ravel(), minlength=number + 1)[1:]
    found = [k + 1 for k in np.argsort(-sizes, kind="stable")[:MOST_THINGS] if sizes[k] >= FEWEST]
    cloth = np.median(image[:, labels == 0], 1) if (labels == 0).any() else np.zeros(3, np.float32)
    things = []
    for k in found:
        near = ndimage.binary_dilation(labels == k, iterations=REACH) & ((labels == k) | (labels == 0))
        things.append(_thing(image, labels == k, near, cloth))
    return Scene(tuple(things))


def _thing(image, inside, near, cloth):
    """The thing whose bright pixels are `inside`; `near`, boolean like it, has its soft edge too."""
    pixels = image[:, inside]                                            # (3, n)
    core = pixels[:, pixels.max(0) >= 0.85 * np.quantile(pixels.max(0), 0.9)].mean(1)
    size = image.shape[-1]
    towards = core - cloth
    coverage = np.tensordot(towards, image - cloth[:, None, None], 1) / (towards @ towards)
    coverage = np.where(near, np.clip(coverage, 0, 1), 0).astype(np.float32)
    shape, x, y, radius = _fit(coverage)
    return Thing(_colour(core), shape, "small" if radius / size < BORDER else "large", x / size, y / size,
                 radius / size)


def _colour(rgb):
    """The palette's colour of the nearest hue."""
    distances = np.linalg.norm(PALETTE / PALETTE.max(1, keepdims=True) - rgb / max(rgb.max(), 1e-3), axis=1)
    return COLOURS[distances.argmin()] if distances.min() <= FARTHEST_HUE else UNCLEAR


def _fit(coverage):
    """(shape, x, y, radius), in pixels, of what covers so much of each pixel, (H, W)."""
    height, width = coverage.shape
    across, down = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5
    area = float(coverage.sum())
    x, y = float(coverage.sum(0) @ across) / area, float(coverage.sum(1) @ down) / area
    best = (np.inf,)
    for shape, distance in DISTANCES.items():
        radius = math.sqrt(area / AREAS[shape])
        centre = y - TRIANGLE_CENTROID * radius if shape == "triangle" else y
        tried = TRIED * (1, 1, radius) + np.array([x, centre, 0], np.float32)        # (27, 3)
        xs, ys, rs = tried.T[:, :, None, None].astype(np.float32)
        would = np.clip(0.5 - distance(across - xs, down[:, None] - ys, rs), 0, 1)   # (27, H, W)
        errors = ((would - coverage) ** 2).sum((1, 2)) / area
        k = errors.argmin()
        best = min(best, (float(errors[k]), shape, *map(float, tried[k])))
    error, shape, x, y, radius = best
    return shape if error <= LARGEST_ERROR else UNCLEAR, x, y, radius
