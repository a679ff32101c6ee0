"""Captions that are nearly right: the words of a true one, with colours, shapes, things or relations exchanged.

Whoever reads a caption as a bag of words cannot tell most of them from the true one.
"""

from .judging import judge
from .scene import COLOURS, RELATIONS, SHAPES, SIZES

__all__ = ["FOILS", "caption_foils"]

# What is done to the caption, and whether its words stay the same ones in another order.
FOILS = {"colours exchanged": True, "shapes exchanged": True, "things exchanged": True, "words shuffled": True,
         "relation reversed": False, "size changed": False}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above", "small": "large", "large": "small"}


def caption_foils(caption, scene, rng):
    """False captions of a scene that hardly differ from a true one.

    Parameters
    ----------
    caption : str
        True of the scene, in the language of the shapes world.
    scene : Scene
    rng : numpy.random.Generator
        Shuffles words.

    Returns
    -------
    dict of str to str
        By what was done to the caption, a key of `FOILS`. Only kinds that apply, and whose result the judge finds not
        true: red and blue circles with their shapes exchanged are the same two things.

    References
    ----------
    Yuksekgonul et al. (2023), When and why vision-language models behave like bags-of-words, and what to do about it,
    §2; Thrush et al. (2022), Winoground.

    Examples
    --------
    >>> import numpy as np
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("orange", "cross", "large", x=0.7, y=0.3, radius=0.2)
    >>> found = caption_foils("a red circle left of an orange cross", Scene((a, b)), np.random.default_rng(0))
    >>> for kind, foil in found.items(): print(f"{kind}: {foil}")
    colours exchanged: an orange circle left of a red cross
    shapes exchanged: a red cross left of an orange circle
    things exchanged: an orange cross left of a red circle
    words shuffled: circle of left orange an a red cross
    relation reversed: a red circle right of an orange cross
    """
    words = caption.split()
    changed = {
        "colours exchanged": _exchanged(words, COLOURS),
        "shapes exchanged": _exchanged(words, SHAPES),
        "things exchanged": _exchanged(words, COLOURS, SHAPES, SIZES),
        "words shuffled": [words[i] for i in rng.permutation(len(words))],
        "relation reversed": _opposite(words, RELATIONS),
        "size changed": _opposite(words, SIZES),
    }
    said = {kind: " ".join(_with_articles(words) if kind != "words shuffled" else words)
            for kind, words in changed.items()}
    return {kind: foil for kind, foil in said.items() if foil != caption and not judge(foil, scene).true}


def _exchanged(words, *kinds):
    """The first two words of each of these kinds, each in the other's place."""
    words = list(words)
    for kind in kinds:
        places = [i for i, word in enumerate(words) if word in kind][:2]
        if len(places) == 2:
            i, j = places
            words[i], words[j] = words[j], words[i]
    return words


def _opposite(words, kind):
    """The first word of a kind, turned into its opposite."""
    first = next((i for i, word in enumerate(words) if word in kind), None)
    return [OPPOSITE[word] if i == first else word for i, word in enumerate(words)]


def _with_articles(words):
    """"a" and "an" as the next word wants them."""
    after = [*words[1:], ""]
    return [("an" if following == "orange" else "a") if word in ("a", "an") else word
            for word, following in zip(words, after)]
