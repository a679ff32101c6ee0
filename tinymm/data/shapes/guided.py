"""A picture of two things, and a text that says which of them is meant: what shape has it?

Three ways to say it differ in what the text is good for.

- "hint": the large thing is always meant, and the text names its colour. The picture alone tells the answer; the text
  adds nothing to it but where to look.
- "size": either thing may be meant, and the text names its size. Without it half of the answers are right at most. The
  text goes with no answer more than with another.
- "colour": either may be meant, and the text names its colour. Where some pairs of colour and shape are held out, the
  text goes with some answers: who has never seen a red circle may learn that red says "no circle".

"nothing" is "hint" with a text that names nothing.
"""

from typing import NamedTuple

import numpy as np

from .question_language import Description, Query, phrasings
from .sampling import one_of
from .scene import COLOURS, SHAPES, SIZES
from .world import ShapesWorld

__all__ = ["NAMINGS", "Guided", "draw_guided", "guiding_texts"]

NAMINGS = ("hint", "size", "colour", "nothing")


class Guided(NamedTuple):
    """Pictures with texts.

    Attributes
    ----------
    images : float32 array (N, 3, size, size)
    texts : list of str
    labels : int64 array (N,)
        The shape of what is meant, its place among `SHAPES`.
    meant, other : list of Thing
    """

    images: np.ndarray
    texts: list
    labels: np.ndarray
    meant: list
    other: list


def draw_guided(n, rng, naming="hint", compositions="seen", size=24):
    """Draw pictures of a large and a small thing of different colours and shapes, each with a text.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    naming : {"hint", "size", "colour", "nothing"}
        See above.
    compositions : {"seen", "held_out"}
        Of what is meant; the other thing is a seen pair.
    size : int
        Height and width in pixels.

    Returns
    -------
    Guided

    Raises
    ------
    ValueError
        For another naming; and as `ShapesWorld.sample`.

    Examples
    --------
    >>> data = draw_guided(3, np.random.default_rng(0))
    >>> data.texts[0], data.meant[0].colour, data.meant[0].size, SHAPES[data.labels[0]] == data.meant[0].shape
    ('what shape is the orange thing?', 'orange', 'large', True)
    """
    if naming not in NAMINGS:
        raise ValueError(f"draw_guided: naming must be one of {', '.join(NAMINGS)}; got {naming!r}")
    world, scenes, meant = ShapesWorld(size=size, objects=(2,)), [], []
    while len(scenes) < n:
        for scene in world.sample(n, rng, compositions):
            thing = _meant(scene, world.held_out if compositions == "held_out" else world.seen, naming, rng)
            if thing:
                scenes.append(scene)
                meant.append(thing)
    scenes, meant = scenes[:n], meant[:n]
    texts = [one_of(phrasings(_query(thing, naming)), rng) for thing in meant]
    other = [next(one for one in scene.things if one is not thing) for scene, thing in zip(scenes, meant)]
    return Guided(world.render(scenes, rng), texts, np.array([SHAPES.index(thing.shape) for thing in meant]), meant,
                  other)


def guiding_texts():
    """All texts that there are, for a tokenizer: list of str."""
    return [text for description in (Description(), *(Description(colour=colour) for colour in COLOURS),
                                     *(Description(size=size) for size in SIZES))
            for text in phrasings(Query("shape", description))]


def _meant(scene, pairs, naming, rng):
    """Which thing of a scene is meant, one of these pairs; None if the scene is not of the kind."""
    one, other = scene.things
    if one.size == other.size or one.colour == other.colour or one.shape == other.shape:
        return None
    fit = [thing for thing in scene.things if (thing.colour, thing.shape) in pairs
           and (thing.size == "large" or naming in ("size", "colour"))]
    return one_of(fit, rng) if fit else None


def _query(thing, naming):
    named = {"hint": {"colour": thing.colour}, "size": {"size": thing.size}, "colour": {"colour": thing.colour}}
    return Query("shape", Description(**named.get(naming, {})))
