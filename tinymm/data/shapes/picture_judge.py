"""The judge of painted pictures: are the attributes there that a caption asks for?"""

from itertools import permutations

from .language import parse
from .scene import place_holds, relation_holds

__all__ = ["asked_attributes"]

ASKED = ("colour", "shape", "size", "position")  # kinds of attributes


def asked_attributes(caption, scene):
    """Each attribute that a caption asks for, and whether the scene shows it.

    A caption asks for a colour and a shape of each thing it mentions, for the sizes it states, and for its positions:
    one for each relation and each place. Mentions are matched to distinct things so that as many attributes as possible
    hold; of a thing that is missing none does.

    Parameters
    ----------
    caption : str
        In the grammar of `language.py`.
    scene : Scene
        What there is, such as `read_scene` finds in a picture.

    Returns
    -------
    dict of str to list of bool
        By kind, "colour", "shape", "size" and "position"; and "things": one entry, whether there are as many things as mentions.

    Raises
    ------
    ValueError
        If the caption is not in the grammar.

    Examples
    --------
    >>> from .scene import Scene, Thing
    >>> scene = Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.13),
    ...                Thing("blue", "cross", "small", x=0.7, y=0.3, radius=0.13)))
    >>> for kind, shown in asked_attributes("a small red circle left of a large blue square", scene).items():
    ...     print(kind, shown)
    colour [True, True]
    shape [True, False]
    size [True, False]
    position [True]
    things [True]
    """
    reading = parse(caption)
    if reading is None:
        raise ValueError(f"asked_attributes: the caption must be in the grammar of the shapes world; got {caption!r}")
    number = len(reading.mentions)
    missing = [None] * max(0, number - len(scene.things))
    matchings = [_shown(reading, things) for things in permutations([*scene.things, *missing], number)]
    shown = max(matchings, key=lambda shown: sum(map(sum, shown.values())))
    return {**shown, "things": [len(scene.things) == number]}


def _shown(reading, things):
    """What holds if mention i means things[i]; None is a thing that is not there."""
    pairs = list(zip(reading.mentions, things))
    return {
        "colour": [thing is not None and thing.colour == mention.colour for mention, thing in pairs],
        "shape": [thing is not None and thing.shape == mention.shape for mention, thing in pairs],
        "size": [thing is not None and thing.size == mention.size for mention, thing in pairs if mention.size],
        "position": [_holds(claim, things) for claim in reading.claims],
    }


def _holds(claim, things):
    """Whether a claim is true; not if a thing it is about is missing."""
    subject = things[claim.subject]
    if claim.other is None:
        return subject is not None and place_holds(claim.word, subject)
    other = things[claim.other]
    return subject is not None and other is not None and relation_holds(claim.word, subject, other)
