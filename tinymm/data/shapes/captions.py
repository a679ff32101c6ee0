"""Reference captions: several ways to describe a scene of the shapes world in its language.

A caption is outlined first (which thing is related to which, or lies where) and then phrased ("there is", "is", with
or without sizes). Only clear relations and places are asserted, and every thing is always mentioned.
"""

from itertools import permutations

from .language import PLACE_PHRASES, RELATION_PHRASES, Mention
from .sampling import one_of
from .scene import clear_place, clear_relation

__all__ = ["references"]

LONGEST = 20  # words
SIZED = 0.8  # the share of captions that state sizes
FRAMES = (("there is ", ""), ("", "is "), ("", ""))  # what stands before the caption, and between subject and claims


def references(scene, rng, n=5):
    """Describe a scene in `n` different captions.

    Parameters
    ----------
    scene : Scene
    rng : numpy.random.Generator
    n : int
        How many; every scene of a `ShapesWorld` allows at least 8.

    Returns
    -------
    list of str
        Distinct, true and complete captions of at most 20 words.

    Raises
    ------
    ValueError
        If the scene has fewer than `n` clear descriptions.

    Examples
    --------
    >>> import numpy as np
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.45, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.5, radius=0.2)
    >>> for caption in references(Scene((a, b)), np.random.default_rng(0), n=3):
    ...     print(caption)
    a large blue cross is right of a small red circle
    there is a small red circle on the left and a large blue cross on the right
    a blue cross is to the right of a red circle
    """
    outlines = _outlines(scene.things)
    captions = []
    for _ in range(100 * n if outlines else 0):
        caption = _phrase(one_of(outlines, rng), rng)
        if caption not in captions and len(caption.split()) <= LONGEST:
            captions.append(caption)
        if len(captions) == n:
            return captions
    raise ValueError(f"references: the scene must have {n} clear descriptions; got {len(captions)} for {scene}")


def _outlines(things):
    """All clear ways to say where every thing is: lists of clauses (subject, [(word, other or None), ...]).

    The first thing is related to the next `linked` ones. The rest, and the first if it has no relation, get a place.
    """
    outlines = []
    for first, *others in permutations(things):
        for linked in range(len(others) + 1):
            relations = [(clear_relation(first, other), other) for other in others[:linked]]
            clauses = [(first, relations or [(clear_place(first), None)])]
            clauses += [(thing, [(clear_place(thing), None)]) for thing in others[linked:]]
            if all(word for _, claims in clauses for word, _ in claims):
                outlines.append(clauses)
    return outlines


def _phrase(outline, rng):
    """An outline in words, drawn from the ways there are to put it."""
    sized = rng.random() < SIZED
    there, verb = one_of(FRAMES, rng)

    def mention(thing):
        return str(Mention(thing.colour, thing.shape, thing.size if sized else None))

    def claim(word, other):
        if other is None:
            return PLACE_PHRASES[word]
        phrases = RELATION_PHRASES[word]
        return f"{one_of(phrases, rng)} {mention(other)}"

    def clause(subject, claims):
        return f"{mention(subject)} {verb}{' and '.join(claim(word, other) for word, other in claims)}"

    return there + " and ".join(clause(subject, claims) for subject, claims in outline)
