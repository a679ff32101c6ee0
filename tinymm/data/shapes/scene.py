"""Scenes of the shapes world: coloured shapes in a unit square, and what the words for them mean.

A scene is a tuple of things; x runs right and y runs down, both from 0 to 1, as pixels do. A spatial word has one
meaning and two degrees of strictness: *clear*, which a reference caption must satisfy before it uses the word, and
*true*, the weaker rule by which every caption is judged. What is true but not clear stands in no reference, and counts
as right in a caption.
"""

from dataclasses import dataclass

__all__ = [
    "COLOURS",
    "PLACES",
    "RELATIONS",
    "SHAPES",
    "SIZES",
    "Scene",
    "Thing",
    "clear_place",
    "clear_relation",
    "place_holds",
    "relation_holds",
]

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("circle", "square", "triangle", "cross", "diamond")
SIZES = ("small", "large")
RELATIONS = ("left", "right", "above", "below")
PLACES = ("top left", "top right", "bottom left", "bottom right", "top", "bottom", "left", "right", "middle")

TRUE_LEAD = 0.05  # how far apart two centres must lie for a true relation
CLEAR_LEAD = 0.2  # ... and for a clear one
TRUE_MARGIN = 0.05  # how far from the centre lines a place begins, by the rule for true ones
CLEAR_MARGIN = 0.14  # ... and by the rule for clear ones
DOMINANCE = 1.5  # a clear relation is at least this many times as long as the distance along the other axis


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape: its words, then its centre and its radius as fractions of the frame."""

    colour: str
    shape: str
    size: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Things that do not touch; no two share both colour and shape.

    Examples
    --------
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.3, radius=0.2)
    >>> sorted(Scene((a, b)).compositions)
    [('blue', 'cross'), ('red', 'circle')]
    """

    things: tuple[Thing, ...]

    @property
    def compositions(self):
        """The (colour, shape) pairs in the scene, as a set."""
        return {(thing.colour, thing.shape) for thing in self.things}


def relation_holds(relation, a, b):
    """Whether thing `a` is `relation` ("left", "right", "above", "below") thing `b`.

    Examples
    --------
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.5, radius=0.2)
    >>> [relation for relation in RELATIONS if relation_holds(relation, a, b)]
    ['left', 'above']
    """
    return _leads(a, b)[relation] > TRUE_LEAD


def clear_relation(a, b):
    """The one relation of `a` to `b` that nobody would dispute; None if they are too close or lie too diagonally.

    Examples
    --------
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.5, radius=0.2)
    >>> clear_relation(a, b), clear_relation(b, a)
    ('left', 'right')
    """
    leads = _leads(a, b)
    first, second, *_ = sorted(leads, key=leads.get, reverse=True)
    is_clear = leads[first] >= CLEAR_LEAD and leads[first] >= DOMINANCE * leads[second]
    return first if is_clear else None


def place_holds(place, thing):
    """Whether the thing's centre lies in `place` ("top left", "bottom", "middle", ...) of the frame.

    Examples
    --------
    >>> thing = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> [place for place in PLACES if place_holds(place, thing)]
    ['top left', 'top', 'left']
    """
    return _in_place(place, thing, TRUE_MARGIN)


def clear_place(thing):
    """The one place that a reference may name for the thing, a corner if it is in one; None if no place is clear.

    Examples
    --------
    >>> clear_place(Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11))
    'top left'
    """
    return next((place for place in PLACES if _in_place(place, thing, CLEAR_MARGIN)), None)


def _leads(a, b):
    """How far `a` lies from `b` in each direction; negative if it lies in the opposite one."""
    return {"left": b.x - a.x, "right": a.x - b.x, "above": b.y - a.y, "below": a.y - b.y}


def _in_place(place, thing, margin):
    x = thing.x - 0.5  # from the centre
    y = thing.y - 0.5
    holds = {
        "left": x < -margin,
        "right": x > margin,
        "top": y < -margin,
        "bottom": y > margin,
        "middle": max(abs(x), abs(y)) < 0.25 - margin,
    }
    return all(holds[word] for word in place.split())
