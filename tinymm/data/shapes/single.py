"""One shape in each picture: the shapes world as a recognition task, whose class is the shape."""

import numpy as np

from ..images.labelled import LabelledImages
from .render import render
from .sampling import one_of
from .scene import COLOURS, SHAPES, SIZES, Scene, Thing
from .world import EDGE, RADII, REACH

__all__ = ["draw_pairs", "draw_shapes"]


def draw_shapes(n, rng, size=32):
    """Draw pictures of one shape each, of any colour and size, anywhere in the frame.

    Nothing but the outline tells the class: colour, size and place are drawn independently of it.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    size : int
        Height and width of the pictures.

    Returns
    -------
    LabelledImages

    Examples
    --------
    >>> data = draw_shapes(10, np.random.default_rng(0))
    >>> data.names, data.load(np.arange(3)).shape
    (['circle', 'square', 'triangle', 'cross', 'diamond'], (3, 3, 32, 32))
    """
    labels = rng.integers(0, len(SHAPES), n)
    scenes = [Scene((_thing(SHAPES[label], rng),)) for label in labels]
    stored = np.rint(render(scenes, rng, size) * 255).astype(np.uint8)  # bytes, as in files: a quarter of the memory

    def load(rows):
        return stored[rows].astype(np.float32) / np.float32(255)

    return LabelledImages(labels, list(SHAPES), size=(3, size, size), load=load)


def draw_pairs(pairs, n, rng, size=32):
    """Draw pictures of one thing each, of these pairs of a colour and a shape in turn, of any size, anywhere.

    Parameters
    ----------
    pairs : sequence of (str, str)
    n : int
    rng : numpy.random.Generator
    size : int
        Height and width of the pictures.

    Returns
    -------
    images : float32 array (n, 3, size, size)
    labels : int array (n,)
        Which pair each is of.

    Examples
    --------
    >>> images, labels = draw_pairs([("red", "circle"), ("blue", "cross")], 4, np.random.default_rng(0))
    >>> images.shape, labels
    ((4, 3, 32, 32), array([0, 1, 0, 1]))
    """
    labels = np.arange(n) % len(pairs)
    scenes = [Scene((_thing(pairs[label][1], rng, pairs[label][0]),)) for label in labels]
    return render(scenes, rng, size), labels


def _thing(shape, rng, colour=None):
    """A shape of any size, of this colour or of any, at any place where all of it is in the frame."""
    size = one_of(SIZES, rng)
    radius = rng.uniform(*RADII[size])
    reach = REACH * radius + EDGE
    x, y = rng.uniform(reach, 1 - reach, 2)
    colour = COLOURS[rng.integers(len(COLOURS))] if colour is None else colour
    return Thing(colour, shape, size, x=float(x), y=float(y), radius=float(radius))
