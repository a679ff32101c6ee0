r"""What the words of a caption tell about a colour that is hidden in it: computed, the ceiling of whoever reads only.

A scene's pairs of a colour and a shape are drawn without replacement, all equally likely; sizes, places and the wording
do not depend on them, but for "an", which stands before "orange" alone. A caption names every thing once. So, given all
words but one colour, the colours that remain possible are equally likely, and the best guess is right with probability
one over their number.
"""

from collections import Counter, defaultdict
from itertools import permutations

import numpy as np

from .language import Mention
from .scene import COLOURS, SIZES

__all__ = ["colour_ceiling", "enumerated_ceiling", "possible_colours"]


def possible_colours(words, place, world, compositions="seen"):
    """Which colours may stand at a place of a caption, given all other words; they are equally likely.

    Parameters
    ----------
    words : sequence of str
        Of a reference caption of the shapes world.
    place : int
        Where the colour is; the word that stands there is not looked at.
    world : ShapesWorld
    compositions : {"seen", "held_out"}
        As of `ShapesWorld.sample`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If there is none: no such scene has this caption.

    Examples
    --------
    >>> from .world import ShapesWorld
    >>> possible_colours("a ? circle is left of a blue circle".split(), 1, ShapesWorld())
    ['green', 'yellow', 'purple']
    >>> possible_colours("an ? cross is left of a blue circle".split(), 1, ShapesWorld())
    ['orange']
    """
    others = {(word, words[k + 1]) for k, word in enumerate(words) if word in COLOURS and k != place}
    pairs = world.seen
    if compositions == "held_out" and not others & set(world.held_out):  # each scene has exactly one such pair
        pairs = world.held_out
    article, shape = words[place - 1], words[place + 1]
    allowed = COLOURS if article in SIZES else ("orange",) if article == "an" else [c for c in COLOURS if c != "orange"]
    found = [colour for colour in allowed if (colour, shape) in pairs and (colour, shape) not in others]
    if not found:
        raise ValueError(f"possible_colours: some {compositions.replace('_', '-')} scene must have the caption; "
                         f"got {' '.join(words)!r}")
    return found


def colour_ceiling(captions, world, compositions="seen"):
    r"""The expected accuracy of the best guess of a hidden colour by the caption's other words: the mean of $1 / n$.

    Parameters
    ----------
    captions : sequence of str
        Reference captions; every colour of each is hidden in turn, the others are shown.
    world : ShapesWorld
    compositions : {"seen", "held_out"}
        What the captions' scenes were drawn from; the guesser knows it.

    Returns
    -------
    float64 array
        For each colour of each caption in turn, one over the number of possible colours.

    Raises
    ------
    ValueError
        If there is no colour in any caption.

    Examples
    --------
    >>> from .world import ShapesWorld
    >>> colour_ceiling(["a red cross is left of an orange square"], ShapesWorld()).round(3)
    array([0.25, 1.  ])
    """
    found = []
    for words in map(str.split, captions):
        found += [1 / len(possible_colours(words, k, world, compositions))
                  for k, word in enumerate(words) if word in COLOURS]
    if not found:
        raise ValueError(f"colour_ceiling: a caption must have a colour; got {len(captions)} without")
    return np.array(found)


def enumerated_ceiling(world, things, sized):
    r"""The accuracy of the best guess of a hidden colour in a caption of the seen world, from all scenes, one by one.

    $$ \sum_{\text{rest}} \max_c\, p(c, \text{rest}), \qquad \text{all choices of pairs equally likely} $$

    The long way, beside the short one of `possible_colours`: a test says that both are one number.

    Parameters
    ----------
    world : ShapesWorld
    things : int
        How many things a scene has.
    sized : bool
        Whether the caption states sizes. If not, "a" or "an" stands before the colour.

    Returns
    -------
    float

    Examples
    --------
    >>> from .world import ShapesWorld
    >>> [round(enumerated_ceiling(ShapesWorld(), 2, sized), 4) for sized in (True, False)]
    [0.2174, 0.3841]
    """
    counts = defaultdict(Counter)                                        # rest of the caption -> colour -> scenes
    for (colour, shape), *others in permutations(world.seen, things):
        article = None if sized else str(Mention(colour, shape)).split()[0]
        counts[article, shape, tuple(others)][colour] += 1
    return sum(max(colours.values()) for colours in counts.values()) / sum(map(Counter.total, counts.values()))
