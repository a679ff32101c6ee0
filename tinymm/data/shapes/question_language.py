"""The language of questions about scenes of the shapes world: what can be asked, and in which words.

::

    existence    is there a red circle?                        yes, no
    colour       what colour is the circle?                    red, green, ...
    shape        what shape is the large thing?                circle, square, ...
    count        how many red things are there?                0, 1, 2, 3
    relation     is the red thing left of the blue thing?      yes, no
    comparison   is the circle larger than the square?         yes, no
                 are there more circles than squares?          yes, no

A `Query` is what is meant; `phrasings` are all the texts that mean it, none of which means another query.
"""

from typing import NamedTuple

from .language import RELATION_PHRASES
from .scene import COLOURS, RELATIONS, SHAPES, SIZES

__all__ = ["ANSWERS", "COUNTS", "KINDS", "PHRASES", "PLURALS", "Description", "Query", "all_questions", "phrasings",
           "question_groups"]

COUNTS = ("0", "1", "2", "3")
ANSWERS = ("yes", "no", *COLOURS, *SHAPES, *COUNTS)
PLURALS = {"circle": "circles", "square": "squares", "triangle": "triangles", "cross": "crosses",
           "diamond": "diamonds", "thing": "things"}
# {a}, {the}, {many}: a description as "a red thing", "the red thing", "red things"; {the2}, {many2}: the other one.
PHRASES = {
    "existence": ("is there {a}?", "is there {a} in the picture?", "does the picture show {a}?"),
    "colour": ("what colour is {the}?", "which colour does {the} have?"),
    "shape": ("what shape is {the}?", "which shape does {the} have?"),
    "count": ("how many {many} are there?", "how many {many} does the picture show?"),
    "left": tuple(f"is {{the}} {phrase} {{the2}}?" for phrase in RELATION_PHRASES["left"]),
    "right": tuple(f"is {{the}} {phrase} {{the2}}?" for phrase in RELATION_PHRASES["right"]),
    "above": ("is {the} above {the2}?",),
    "below": ("is {the} below {the2}?",),
    "larger": ("is {the} larger than {the2}?", "is {the} bigger than {the2}?"),
    "smaller": ("is {the} smaller than {the2}?",),
    "more": ("are there more {many} than {many2}?", "does the picture show more {many} than {many2}?"),
    "fewer": ("are there fewer {many} than {many2}?", "does the picture show fewer {many} than {many2}?"),
}


class Description(NamedTuple):
    """What a thing is called: by its colour, its shape, its size, or by several of them; None where nothing is said.

    Examples
    --------
    >>> Description(colour="orange").singular, Description(shape="cross", size="small").plural
    ('orange thing', 'small crosses')
    """

    colour: str | None = None
    shape: str | None = None
    size: str | None = None

    @property
    def singular(self):
        return self._before_noun() + (self.shape or "thing")

    @property
    def plural(self):
        return self._before_noun() + PLURALS[self.shape or "thing"]

    def _before_noun(self):
        return "".join(f"{word} " for word in (self.size, self.colour) if word)


class Query(NamedTuple):
    """What is asked, whatever the words: `asks` is a key of `PHRASES`, about `first`, and perhaps `second`."""

    asks: str
    first: Description
    second: Description | None = None


def phrasings(query):
    """All texts that ask a query: list of str.

    Examples
    --------
    >>> for text in phrasings(Query("existence", Description(colour="orange"))): print(text)
    is there an orange thing?
    is there an orange thing in the picture?
    does the picture show an orange thing?
    >>> phrasings(Query("more", Description(shape="cross"), Description(shape="circle")))[0]
    'are there more crosses than circles?'
    """
    first = query.first
    second = query.second or first
    article = "an" if first.singular.startswith("orange") else "a"
    return [phrase.format(a=f"{article} {first.singular}", the=f"the {first.singular}", many=first.plural,
                          the2=f"the {second.singular}", many2=second.plural) for phrase in PHRASES[query.asks]]


def _alike(asked):
    """For each of the words `asked`, a query about every ordered pair of colours; and about every pair of shapes."""
    groups = []
    for descriptions in (_BY_COLOUR, _BY_SHAPE):
        pairs = [(first, second) for first in descriptions for second in descriptions if first != second]
        groups.append([Query(word, *pair) for word in asked for pair in pairs])
    return groups


_BY_COLOUR = [Description(colour=colour) for colour in COLOURS]
_BY_SHAPE = [Description(shape=shape) for shape in SHAPES]
_BY_BOTH = [Description(colour, shape) for colour in COLOURS for shape in SHAPES]
_BY_SIZE = [Description(size=size) for size in SIZES]
_GROUPS = {
    "existence": [[Query("existence", d) for d in group] for group in (_BY_COLOUR, _BY_SHAPE, _BY_BOTH)],
    "colour": [[Query("colour", d) for d in _BY_SHAPE + _BY_SIZE]],
    "shape": [[Query("shape", d) for d in _BY_COLOUR + _BY_SIZE]],
    "count": [[Query("count", d) for d in group] for group in (_BY_COLOUR, _BY_SHAPE, _BY_SIZE)],
    "relation": _alike(RELATIONS),
    "comparison": _alike(("larger", "smaller")) + _alike(("more", "fewer")),
}
KINDS = tuple(_GROUPS)


def question_groups(kind):
    """The queries of a kind, in groups that are asked equally often, such as all that compare sizes by colour.

    Returns
    -------
    list of list of Query

    Examples
    --------
    >>> {kind: [len(group) for group in question_groups(kind)] for kind in KINDS}
    {'existence': [6, 5, 30], 'colour': [7], 'shape': [8], 'count': [6, 5, 2], 'relation': [120, 80],
     'comparison': [60, 40, 60, 40]}
    """
    return [list(group) for group in _GROUPS[kind]]


def all_questions():
    """Every text that asks something: list of str, in a fixed order.

    Examples
    --------
    >>> len(all_questions()), all_questions()[0]
    (829, 'is there a red thing?')
    """
    queries = [query for kind in KINDS for group in question_groups(kind) for query in group]
    return list(dict.fromkeys(text for query in queries for text in phrasings(query)))
