"""One shape to a picture: the shapes world as a task of recognition, the class being the shape."""

import numpy as np

from ..images.labelled import LabelledImages
from .render import render
from .scene import COLOURS, SHAPES, SIZES, Scene, Thing
from .world import EDGE, RADII, REACH

__all__ = ["draw_shapes"]


def draw_shapes(n, rng, size=32):
    """Draw pictures of one shape each, of any colour and size, anywhere in the frame.

    Nothing but the outline tells the class: colour, size and place are drawn without regard to it.

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
    stored = np.rint(render(scenes, rng, size) * 255).astype(np.uint8)  # as files hold them: a quarter of the memory
    return LabelledImages(labels, list(SHAPES), (3, size, size),
                          lambda rows: stored[rows].astype(np.float32) / np.float32(255))


def _thing(shape, rng):
    kind = SIZES[rng.integers(len(SIZES))]
    radius = rng.uniform(*RADII[kind])
    reach = REACH * radius + EDGE
    x, y = rng.uniform(reach, 1 - reach, 2)
    return Thing(COLOURS[rng.integers(len(COLOURS))], shape, kind, float(x), float(y), float(radius))
