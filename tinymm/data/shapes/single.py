"""One shape in each picture: the shapes world as a recognition task, whose class is the shape."""

import numpy as np

from ..images.labelled import LabelledImages
from .language import PLACE_PHRASES, Mention
from .render import render
from .sampling import one_of
from .scene import COLOURS, SHAPES, SIZES, Scene, Thing, clear_place
from .world import EDGE, RADII, REACH

__all__ = ["draw_shapes", "partial_caption", "single_captions", "single_scenes"]


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


def single_scenes(pairs, n, rng, radii=RADII):
    """Scenes of one thing each, of these pairs of a colour and a shape in turn, of any size, anywhere.

    Parameters
    ----------
    pairs : sequence of (str, str)
    n : int
    rng : numpy.random.Generator
    radii : dict of str to (float, float)
        By size the least and the largest radius, as fractions of the frame; at most 0.4, so that there is room.

    Returns
    -------
    list of Scene

    Examples
    --------
    >>> scenes = single_scenes([("red", "circle"), ("blue", "cross")], 3, np.random.default_rng(0))
    >>> [sorted(scene.compositions) for scene in scenes]
    [[('red', 'circle')], [('blue', 'cross')], [('red', 'circle')]]
    """
    return [Scene((_thing(pairs[i % len(pairs)][1], rng, pairs[i % len(pairs)][0], radii),)) for i in range(n)]


def single_captions(scene, rng, n=5):
    """Captions of a scene of one thing: its colour and shape alone, and others that add its size, its place or both.

    Parameters
    ----------
    scene : Scene
    rng : numpy.random.Generator
    n : int
        At most.

    Returns
    -------
    list of str
        Different ones, true and complete; without a clear place there are fewer.

    Examples
    --------
    >>> scene = Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.13),))
    >>> single_captions(scene, np.random.default_rng(0), n=3)
    ['a red circle', 'a small red circle in the top left', 'there is a red circle in the top left']
    """
    thing, = scene.things
    place = clear_place(thing)
    told = [" ".join(filter(None, (there, str(Mention(thing.colour, thing.shape, size)), where)))
            for there in ("", "there is") for size in (None, thing.size)
            for where in ("", place and PLACE_PHRASES[place])]
    told = list(dict.fromkeys(told))
    return [told[0], *(told[1 + i] for i in rng.permutation(len(told) - 1)[:n - 1])]


def partial_caption(scene, rng, told=0.8):
    """Keywords for a scene of one thing, of which some may be left out: its size, colour, shape and place.

    The word for the shape is "thing" where the shape is not told. There is no article: "an" would give away that the
    thing is orange.

    Parameters
    ----------
    scene : Scene
    rng : numpy.random.Generator
    told : float
        The probability of each of the four to be told, on its own. A place is told only where it is clear.

    Returns
    -------
    str

    Examples
    --------
    >>> scene = Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.13),))
    >>> [partial_caption(scene, np.random.default_rng(seed)) for seed in range(3)]
    ['small red circle in the top left', 'small circle', 'small red thing in the top left']
    """
    thing, = scene.things
    size, colour, shape, place = rng.random(4) < told
    where = clear_place(thing)
    return " ".join(filter(None, (size and thing.size, colour and thing.colour, thing.shape if shape else "thing",
                                  place and where and PLACE_PHRASES[where])))


def _thing(shape, rng, colour=None, radii=RADII):
    """A shape of any size, of this colour or of any, at any place where all of it is in the frame."""
    size = one_of(SIZES, rng)
    radius = rng.uniform(*radii[size])
    reach = REACH * radius + EDGE
    x, y = rng.uniform(reach, 1 - reach, 2)
    colour = COLOURS[rng.integers(len(COLOURS))] if colour is None else colour
    return Thing(colour, shape, size, x=float(x), y=float(y), radius=float(radius))
