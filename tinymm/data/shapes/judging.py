"""The judge of the shapes world: is a caption true of a scene, whatever its wording?

The caption is parsed, not compared with references, so every sentence of the grammar can be judged.
"""

from dataclasses import dataclass
from itertools import permutations

from .language import PLACE_PHRASES, RELATION_PHRASES, parse
from .scene import place_holds, relation_holds

__all__ = ["Verdict", "judge", "truth_accuracy"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found.

    Attributes
    ----------
    grammatical : bool
        The caption is a sentence of the grammar.
    true : bool
        It is grammatical, and everything it states holds for distinct things in the scene.
    complete : bool
        Every thing in the scene is mentioned, with its colour and shape and no wrong size.
    claims : tuple of (str, bool)
        Each thing mentioned and each claim made, in words, and whether it holds.
    """

    grammatical: bool
    true: bool
    complete: bool
    claims: tuple[tuple[str, bool], ...] = ()


def judge(caption, scene):
    """Judge a caption of a scene.

    The mentions are matched to distinct things so that as many of them as possible are right, and then as many claims;
    the caption is true if all are. Of more mentions than things, those go without one that fit worst, wherever they
    stand. A relation or place holds if the geometry agrees by a small margin, even where no reference would claim it.

    Parameters
    ----------
    caption : str
    scene : Scene

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> a = Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11)
    >>> b = Thing("blue", "cross", "large", x=0.7, y=0.3, radius=0.2)
    >>> verdict = judge("a blue cross is right of a red circle", Scene((a, b)))
    >>> verdict.true, verdict.complete
    (True, True)
    >>> for claim in judge("a large red circle right of a blue cross", Scene((a, b))).claims: print(claim)
    ('a large red circle', False)
    ('a blue cross', True)
    ('a large red circle right of a blue cross', False)
    """
    reading = parse(caption)
    if reading is None:
        return Verdict(grammatical=False, true=False, complete=False)

    def recognised(findings):
        return sum(holds for _, holds in findings[:len(reading.mentions)])  # the mentions come first

    findings = max(
        (_findings(reading, things) for things in _assignments(reading, scene.things)),
        key=lambda findings: (recognised(findings), sum(holds for _, holds in findings)),
    )
    return Verdict(
        grammatical=True,
        true=all(holds for _, holds in findings),
        complete=recognised(findings) == len(scene.things),
        claims=findings,
    )


def truth_accuracy(captions, scenes):
    """The share of captions that are true of their scene and mention all of it.

    Completeness counts because short captions are trivially true.

    Parameters
    ----------
    captions : sequence of str
    scenes : sequence of Scene
        As many.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the lengths differ or are zero.

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> scene = Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11),))
    >>> truth_accuracy(["a red circle", "a small red circle on the right"], [scene, scene])
    0.5
    """
    if not captions or len(captions) != len(scenes):
        raise ValueError(
            f"truth_accuracy: needs one caption per scene, at least one; got {len(captions)} and {len(scenes)}"
        )
    verdicts = [judge(caption, scene) for caption, scene in zip(captions, scenes)]
    return sum(verdict.true and verdict.complete for verdict in verdicts) / len(verdicts)


def _assignments(reading, things):
    """Iterator of tuples: the thing that each mention may mean, or None for those beyond the number of things."""
    number = len(reading.mentions)
    if number <= len(things):
        yield from permutations(things, number)
        return
    fitting = _best_fitting(reading, things)
    for order in permutations(things):
        meant = dict(zip(fitting, order))
        yield tuple(meant.get(i) for i in range(number))


def _best_fitting(reading, things):
    """Numbers of as many mentions as there are things, that fit distinct ones best; then, whose places do."""
    from scipy.optimize import linear_sum_assignment
    fits = [[_matches(mention, thing) * (len(reading.claims) + 1) for mention in reading.mentions] for thing in things]
    for claim in reading.claims:
        for row, thing in zip(fits, things):
            row[claim.subject] += claim.other is None and place_holds(claim.word, thing)
    return linear_sum_assignment(fits, maximize=True)[1].tolist()


def _findings(reading, things):
    """Each mention, then each claim, in words, and whether it holds if mention i means things[i]."""
    findings = [(str(mention), _matches(mention, thing)) for mention, thing in zip(reading.mentions, things)]
    for claim in reading.claims:
        mention = reading.mentions[claim.subject]
        subject = things[claim.subject]
        if claim.other is None:
            words = f"{mention} {PLACE_PHRASES[claim.word]}"
            holds = subject is not None and place_holds(claim.word, subject)
        else:
            words = f"{mention} {RELATION_PHRASES[claim.word][0]} {reading.mentions[claim.other]}"
            other = things[claim.other]
            holds = subject is not None and other is not None and relation_holds(claim.word, subject, other)
        findings.append((words, holds))
    return tuple(findings)


def _matches(mention, thing):
    return (
        thing is not None
        and (mention.colour, mention.shape) == (thing.colour, thing.shape)
        and mention.size in (None, thing.size)
    )
