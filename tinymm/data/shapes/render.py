"""Pictures of scenes: an anti-aliased rasteriser over signed distances.

Every shape is a signed distance d(u, v) from its outline, negative inside; a pixel's coverage is clip(1/2 − d, 0, 1)
with d in pixels. Colours, brightness, background and noise are drawn per picture, so no two pictures share pixels.
"""

import math

import numpy as np

from .scene import COLOURS, SHAPES

__all__ = ["background", "render"]

# Hues as far apart as six can be, on a background that is always darker.
PALETTE = np.array(
    [
        (0.90, 0.10, 0.12),  # red
        (0.10, 0.75, 0.20),  # green
        (0.15, 0.35, 1.00),  # blue
        (0.98, 0.92, 0.15),  # yellow
        (0.62, 0.15, 0.85),  # purple
        (1.00, 0.52, 0.05),  # orange
    ],
    dtype=np.float32,
)
CHUNK = 256  # pictures painted at a time: their pixels stay in cache


def _circle(u, v, r):
    return np.hypot(u, v) - r


def _square(u, v, r):
    return np.maximum(np.abs(u), np.abs(v)) - 0.84 * r


def _diamond(u, v, r):
    return (np.abs(u) + np.abs(v) - 1.15 * r) / math.sqrt(2)


def _triangle(u, v, r):
    # Apex at (0, −r), base at v = 0.85 r, where |u| = r; the right-hand side has the normal (1.85, −1).
    slant = (1.85 * np.abs(u) - (v + r)) / math.hypot(1.85, 1)
    return np.maximum(slant, v - 0.85 * r)


def _cross(u, v, r):
    # Of two equal bars the one nearer to the pixel counts: the larger coordinate runs along it, the smaller across.
    long = np.maximum(np.abs(u), np.abs(v))
    short = np.minimum(np.abs(u), np.abs(v))
    return np.maximum(long - 1.05 * r, short - 0.32 * r)


DISTANCES = {"circle": _circle, "square": _square, "triangle": _triangle, "cross": _cross, "diamond": _diamond}


def render(scenes, rng, size=32):
    """Paint scenes.

    Parameters
    ----------
    scenes : sequence of Scene
    rng : numpy.random.Generator
        Draws the background, the jitter and the noise.
    size : int
        Height and width in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (B, 3, size, size) in [0, 1].

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> scene = Scene((Thing("red", "circle", "large", 0.5, 0.5, 0.2),))
    >>> images = render([scene], np.random.default_rng(0))
    >>> images.shape, images.dtype, images[0, :, 16, 16].round().tolist()
    ((1, 3, 32, 32), dtype('float32'), [1.0, 0.0, 0.0])
    """
    images = np.empty((len(scenes), 3, size, size), dtype=np.float32)
    for start in range(0, len(scenes), CHUNK):
        chunk = scenes[start : start + CHUNK]
        canvas = images[start : start + CHUNK]
        canvas[...] = background(len(chunk), rng, size)
        for layer in range(max(len(scene.things) for scene in chunk)):
            members = [i for i, scene in enumerate(chunk) if layer < len(scene.things)]
            _paint(canvas, members, [chunk[i].things[layer] for i in members], rng)
        canvas += 0.02 * rng.standard_normal(canvas.shape, dtype=np.float32)
        np.clip(canvas, 0, 1, out=canvas)
    return images


def background(n, rng, size):
    """Dark cloth: one brightness for each picture, a smooth tinted stain, a fine grain: float32 (n, 3, size, size).

    Examples
    --------
    >>> background(2, np.random.default_rng(0), size=8).shape
    (2, 3, 8, 8)
    """
    level = 0.06 + 0.10 * rng.random((n, 1, 1, 1), dtype=np.float32)
    stain = 0.05 * rng.standard_normal((n, 3, 5, 5), dtype=np.float32)
    stretch = _linear_upsampling(5, size)
    grain = 0.03 * rng.standard_normal((n, 1, size, size), dtype=np.float32)
    return level + stretch @ stain @ stretch.T + grain  # (B, 3, size, size)


def _linear_upsampling(coarse, fine):
    """The (fine, coarse) matrix that interpolates linearly between `coarse` knots."""
    position = np.linspace(0, coarse - 1, fine, dtype=np.float32)[:, None]
    return np.maximum(0, 1 - np.abs(position - np.arange(coarse, dtype=np.float32)))


def _paint(canvas, members, things, rng):
    """Paint one thing over each of the pictures whose numbers are `members`."""
    size = canvas.shape[-1]
    places = np.array([(thing.x, thing.y, thing.radius) for thing in things], dtype=np.float32) * size
    x, y, r = places.T[:, :, None, None]  # each (B, 1, 1)
    pixel = np.arange(size, dtype=np.float32) + 0.5
    u = pixel - x  # (B, 1, W)
    v = pixel[:, None] - y  # (B, H, 1)

    shapes = np.array([SHAPES.index(thing.shape) for thing in things])
    coverage = np.empty((len(things), size, size), dtype=np.float32)
    for index, shape in enumerate(SHAPES):
        chosen = shapes == index
        coverage[chosen] = np.clip(0.5 - DISTANCES[shape](u[chosen], v[chosen], r[chosen]), 0, 1)

    colour = PALETTE[[COLOURS.index(thing.colour) for thing in things]]
    colour = colour + 0.04 * rng.standard_normal(colour.shape, dtype=np.float32)
    colour *= 0.85 + 0.15 * rng.random((len(things), 1), dtype=np.float32)
    coverage = coverage[:, None]  # (B, 1, H, W)
    canvas[members] += coverage * (colour[:, :, None, None] - canvas[members])
