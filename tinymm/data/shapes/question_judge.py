"""The judge of questions: the answer to any question of the language, read from its text and the scene alone.

It knows nothing of how questions are drawn. What nobody could answer for certain it leaves unanswered: "the red thing"
where there is none or where there are two, and relations that are not clear.
"""

import re

from .language import RELATION_PHRASES
from .question_language import COUNTS, PHRASES, PLURALS
from .scene import COLOURS, SHAPES, SIZES, clear_relation

__all__ = ["scene_answer"]

OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
_NOUN = rf"(?:(?P<size{{0}}>{'|'.join(SIZES)}) )?(?:(?P<colour{{0}}>{'|'.join(COLOURS)}) )?"
_ONE = f"{_NOUN}(?P<noun{{0}}>{'|'.join(PLURALS)})"
_MANY = f"{_NOUN}(?P<noun{{0}}>{'|'.join(PLURALS.values())})"
_ARTICLE = "(?:a(?! orange)|an(?= orange))"
_SINGULARS = {plural: singular for singular, plural in PLURALS.items()}


def scene_answer(question, scene):
    """The answer to a question about a scene.

    Parameters
    ----------
    question : str
    scene : Scene

    Returns
    -------
    str or None
        One of `ANSWERS`; None if the question is not of the language or has no certain answer: it asks about the one
        thing of a description that fits none or several, about a relation of things that do not lie clearly beside or
        above one another on its axis, compares sizes that are alike, compares the numbers of what is not there at all,
        or the number is above 3.

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.3, radius=0.2)
    >>> for question in ("is there an orange thing?", "what colour is the cross?", "how many things are there?",
    ...                  "is the circle left of the cross?", "is the red thing bigger than the blue thing?",
    ...                  "what shape is the thing?"):
    ...     print(question, scene_answer(question, Scene((a, b))))
    is there an orange thing? no
    what colour is the cross? blue
    how many things are there? 2
    is the circle left of the cross? yes
    is the red thing bigger than the blue thing? no
    what shape is the thing? None
    """
    for asks, pattern in _PATTERNS:
        found = pattern.fullmatch(question)
        if found:
            words = found.groupdict()
            named = [_named(words, place, scene.things) for place in ("1", "2") if f"noun{place}" in words]
            return _ANSWERS_TO[asks](*named, asks)
    return None


def _pattern(phrase):
    """The regular expression of a phrase."""
    return re.compile(phrase.replace("?", r"\?").format(
        a=f"{_ARTICLE} {_ONE.format(1)}", the=f"the {_ONE.format(1)}", the2=f"the {_ONE.format(2)}",
        many=_MANY.format(1), many2=_MANY.format(2)))


_PATTERNS = [(asks, _pattern(phrase)) for asks, phrases in PHRASES.items() for phrase in phrases]


def _named(words, place, things):
    """The things that a description of the question fits."""
    noun = _SINGULARS.get(words[f"noun{place}"], words[f"noun{place}"])
    wanted = {"size": words[f"size{place}"], "colour": words[f"colour{place}"],
              "shape": noun if noun in SHAPES else None}
    return [thing for thing in things
            if all(word is None or getattr(thing, name) == word for name, word in wanted.items())]


def _yes_or_no(holds):
    return "yes" if holds else "no"


def _exists(named, _):
    return _yes_or_no(named)


def _attribute(named, asks):
    return getattr(named[0], asks) if len(named) == 1 else None


def _count(named, _):
    return str(len(named)) if str(len(named)) in COUNTS else None


def _relation(first, second, asks):
    if len(first) != 1 or len(second) != 1 or first == second:
        return None
    relation = clear_relation(first[0], second[0])
    return _yes_or_no(relation == asks) if relation in (asks, OPPOSITES[asks]) else None


def _compare_sizes(first, second, asks):
    if len(first) != 1 or len(second) != 1 or first[0].size == second[0].size:
        return None
    return _yes_or_no((first[0].size == "large") == (asks == "larger"))


def _compare_numbers(first, second, asks):
    if not first and not second:
        return None
    return _yes_or_no(len(first) > len(second) if asks == "more" else len(first) < len(second))


_ANSWERS_TO = {"existence": _exists, "colour": _attribute, "shape": _attribute, "count": _count,
               **dict.fromkeys(RELATION_PHRASES, _relation),
               "larger": _compare_sizes, "smaller": _compare_sizes,
               "more": _compare_numbers, "fewer": _compare_numbers}
