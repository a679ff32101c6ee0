"""Frames of the moving shapes: the rasteriser of `render.py` on a torus, on a cloth that lies still."""

import numpy as np

from .render import DISTANCES, PALETTE, background
from .scene import COLOURS, SHAPES

__all__ = ["render_clips"]

CHUNK = 64      # clips painted at a time: their frames stay in cache
SHINE = 0.75    # how far what is lit is from its colour towards white


def render_clips(clips, rng, size=24):
    """Paint clips.

    Parameters
    ----------
    clips : sequence of Clip
        All of as many things and frames.
    rng : numpy.random.Generator
        Draws the cloth and the things' tints, once for each clip, and the noise of each frame.
    size : int
        Height and width in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (B, T, 3, size, size) in [0, 1].

    Examples
    --------
    >>> from tinymm.data.shapes.clip import Clip, Track
    >>> places = ((0.9, 0.5), (0.0, 0.5))
    >>> clip = Clip((Track("red", "circle", 0.2, places, visible=(True, True), lit=(False, True)),))
    >>> frames = render_clips([clip], np.random.default_rng(0))
    >>> frames.shape, frames[0, 0, :, 12, 0].round().tolist(), frames[0, 1, :, 12, 0].round().tolist()
    ((1, 2, 3, 24, 24), [1.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    """
    frames = len(clips[0].tracks[0].places) if clips else 0
    videos = np.empty((len(clips), frames, 3, size, size), dtype=np.float32)
    for start in range(0, len(clips), CHUNK):
        canvas = videos[start:start + CHUNK]
        canvas[...] = background(len(canvas), rng, size)[:, None]
        for tracks in zip(*(clip.tracks for clip in clips[start:start + CHUNK])):
            _paint(canvas, tracks, rng)
        canvas += 0.02 * rng.standard_normal(canvas.shape, dtype=np.float32)
        np.clip(canvas, 0, 1, out=canvas)
    return videos


def _paint(canvas, tracks, rng):
    """Paint one thing over all frames of each clip."""
    size = canvas.shape[-1]
    x, y = np.array([track.places for track in tracks], dtype=np.float32).transpose(2, 0, 1)[..., None, None] * size
    r = np.array([track.radius for track in tracks], dtype=np.float32)[:, None, None, None] * size
    pixel = np.arange(size, dtype=np.float32) + 0.5
    u = _around(pixel - x, size)            # (B, T, 1, W)
    v = _around(pixel[:, None] - y, size)   # (B, T, H, 1)

    shapes = np.array([SHAPES.index(track.shape) for track in tracks])
    coverage = np.empty((*canvas.shape[:2], size, size), dtype=np.float32)
    for index, shape in enumerate(SHAPES):
        chosen = shapes == index
        coverage[chosen] = np.clip(0.5 - DISTANCES[shape](u[chosen], v[chosen], r[chosen]), 0, 1)
    coverage *= np.array([track.visible for track in tracks], dtype=np.float32)[..., None, None]

    colour = PALETTE[[COLOURS.index(track.colour) for track in tracks]]
    colour = colour + 0.04 * rng.standard_normal(colour.shape, dtype=np.float32)
    colour *= 0.85 + 0.15 * rng.random((len(tracks), 1), dtype=np.float32)
    shine = SHINE * np.array([track.lit for track in tracks], dtype=np.float32)[..., None]  # (B, T, 1)
    colour = colour[:, None] + shine * (1 - colour[:, None])                                # (B, T, 3)
    coverage = coverage[:, :, None]
    canvas += coverage * (colour[..., None, None] - canvas)


def _around(offset, size):
    """Offsets on the torus: in [−size/2, size/2)."""
    return (offset + size / 2) % size - size / 2
