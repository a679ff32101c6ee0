"""The world of moving shapes: an embedded task of video question answering in which no single frame is enough.

Two shapes move, flash, appear and vanish in eight frames. Question and answer are drawn first, independently; then
what happens, from all that makes the answer true (`moving_scripts.py`), and who does it. How far one gets without the
video, with one frame of it, or with its frames in no order, is computed: `MovingWorld.ceilings`.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from .clip import CLIP_PHRASES, FRAMES, Clip, Track
from .moving_render import render_clips
from .moving_scripts import MOVING_KINDS, asked_in, best_known, one_frame, scripts, shuffled_frames
from .question_language import Description
from .sampling import one_of, systematic
from .world import EDGE, GAP, HELD_OUT, REACH, ShapesWorld

__all__ = ["ClipQuestion", "MovingWorld"]

RADIUS = (0.17, 0.20)
STEP = (0.08, 0.12)         # from one frame to the next; seven of them do not lead around the torus
ATTRIBUTES = ("colour", "shape")


class ClipQuestion(NamedTuple):
    """A clip, a question about it, the answer, and the kind of question: one of `MOVING_KINDS`."""

    clip: Clip
    question: str
    answer: str
    kind: str


class MovingWorld:
    """A generator of clips, questions and answers.

    Parameters
    ----------
    held_out : sequence of (colour, shape)
        Pairs that occur in no seen clip; in a held-out clip exactly one of the two things is one of them.
    size : int
        Height and width of the frames.
    kinds : sequence of str
        Which kinds of question are asked, equally often.

    Raises
    ------
    ValueError
        For an unknown kind, or what `ShapesWorld` refuses.

    Examples
    --------
    >>> world, rng = MovingWorld(), np.random.default_rng(0)
    >>> asked = world.sample(4, rng)
    >>> for _, question, answer, kind in asked: print(f"{kind}: {question} {answer}")
    before_after: which way does the green thing move after the yellow thing flashes? up
    direction: which way does the purple thing move? down
    before_after: which way does the diamond move before the triangle flashes? right
    count: how many times does the circle flash? 2
    >>> world.render([clip for clip, *_ in asked], rng).shape
    (4, 8, 3, 24, 24)
    """

    def __init__(self, held_out=HELD_OUT, size=24, kinds=MOVING_KINDS):
        self.shapes = ShapesWorld(held_out, size)
        self.size = size
        self.kinds = tuple(kinds)
        if not self.kinds or not set(self.kinds) <= set(MOVING_KINDS) or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"MovingWorld: kinds must be distinct and among {', '.join(MOVING_KINDS)}; got {kinds}")

    def sample(self, n, rng, compositions="seen", each=1):
        """Draw `n` clips, each with its questions.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        compositions : {"seen", "held_out"}
            Clips of seen pairs only; or clips with exactly one held-out pair each.
        each : int
            How many questions about each clip. If there are several, the clip is drawn for one of them, which is then
            forgotten, and all are drawn from P(question | clip), as in `QuestionsWorld`.

        Returns
        -------
        list of ClipQuestion
            n · each, those about one clip in turn.

        Raises
        ------
        ValueError
            For other `compositions`, held-out clips of a world without held-out pairs, or `each` below 1.
        """
        if each < 1:
            raise ValueError(f"MovingWorld: each must be at least 1; got {each}")
        couples = self._couples(compositions)
        return [question for _ in range(n) for question in self._draw(couples, each, rng)]

    def render(self, clips, rng):
        """Paint clips: float32 (B, 8, 3, size, size) in [0, 1]."""
        return render_clips(clips, rng, self.size)

    def ceilings(self, compositions="seen"):
        """The expected accuracy of the best that is shown less than the clip.

        Returns
        -------
        dict of str to dict of str to float
            For each kind of the world, and for "all" of them together: "blind" sees the question alone; "random_frame"
            one frame without knowing which; "single_frame" the one that tells most about the question, and knows
            which; "shuffled_frames" all of them in no order.

        Examples
        --------
        >>> for kind, ceilings in MovingWorld().ceilings().items():
        ...     print(kind, *(f"{value:.3f}" for value in ceilings.values()))
        direction 0.250 0.250 0.250 0.500
        order 0.183 0.383 0.581 0.509
        count 0.333 0.333 0.333 0.333
        before_after 0.250 0.250 0.250 0.500
        all 0.254 0.304 0.354 0.460
        """
        couples = self._couples(compositions)
        ceilings = {kind: _mean([_ceilings(asks, couples) for asks in asked_in(kind)]) for kind in self.kinds}
        return {**ceilings, "all": _mean(list(ceilings.values()))}

    def _draw(self, couples, each, rng):
        """So many questions about one clip."""
        kind = one_of(self.kinds, rng)
        asks = one_of(asked_in(kind), rng)
        ways = _SCRIPTS[asks]
        attribute = _asked_attribute(asks)
        answer = one_of(list(couples[attribute]), rng) if attribute else one_of(list(ways), rng)
        pairs = one_of(couples[attribute][answer if attribute else None], rng)
        script = one_of(ways[None if attribute else answer], rng)
        asked = [(asks, pairs, answer)]
        if each > 1:
            possible, weights = _possible(kind, pairs, script, couples)
            asked = [possible[i] for i in systematic(weights, each, rng)]
        told = [(_text(asks, pairs, rng), answer) for asks, pairs, answer in asked]
        clip = _clip(pairs, script, kind, rng)
        return [ClipQuestion(clip, text, answer, kind) for text, answer in told]

    def _couples(self, compositions):
        if compositions not in ("seen", "held_out"):
            raise ValueError(f'MovingWorld: compositions must be "seen" or "held_out"; got {compositions!r}')
        if compositions == "held_out" and not self.shapes.held_out:
            raise ValueError("MovingWorld: held-out clips need a world with held_out pairs; it has none")
        return self._seen if compositions == "seen" else self._unseen

    @cached_property
    def _seen(self):
        return _by_attribute([(a, b) for a in self.shapes.seen for b in self.shapes.seen])

    @cached_property
    def _unseen(self):
        mixed = [(a, b) for a in self.shapes.seen for b in self.shapes.held_out]
        return _by_attribute([*mixed, *((b, a) for a, b in mixed)])


_SCRIPTS = {asks: scripts(asks) for asks in CLIP_PHRASES}
_ANSWERS = {asks: {script: answer for answer, some in ways.items() for script in some}  # None: colour or shape
            for asks, ways in _SCRIPTS.items()}


def _possible(kind, pairs, script, couples):
    """All that may be asked about a clip, (asks, pairs, answer) with the thing asked about first; and how likely each
    is, but for a factor: P(asks) P(answer | asks) P(pairs | answer) P(script | answer)."""
    possible, weights = [], []
    for asks in asked_in(kind):
        ways, attribute = _SCRIPTS[asks], _asked_attribute(asks)
        for named, acted in ((pairs, script), (pairs[::-1], script[::-1])):
            if acted in _ANSWERS[asks]:
                answer = of_script = _ANSWERS[asks][acted]
                if attribute:
                    answer = named[0][ATTRIBUTES.index(attribute)]
                answers, alike = (len(couples[attribute]), couples[attribute][answer]) if attribute else (
                    len(ways), couples[None][None])
                possible.append((asks, named, answer))
                weights.append(1 / (answers * len(alike) * len(ways[of_script])))
    return possible, np.array(weights)


def _text(asks, pairs, rng):
    """A question in words; things are called by their colour or by their shape."""
    word = ATTRIBUTES[rng.integers(2)]
    the, the2 = (f"the {Description(**{word: pair[word == 'shape']}).singular}" for pair in pairs)
    return one_of(CLIP_PHRASES[asks], rng).format(the=the, the2=the2)


def _asked_attribute(asks):
    """Which of `ATTRIBUTES` is asked for; None where it is something else."""
    return next((attribute for attribute in ATTRIBUTES if asks.startswith(attribute)), None)


def _by_attribute(couples):
    """The couples that differ in colour and shape, in lists: all, by the colour, and by the shape of the first."""
    couples = [(a, b) for a, b in couples if a[0] != b[0] and a[1] != b[1]]
    lists = {None: {None: couples}}
    for k, attribute in enumerate(ATTRIBUTES):
        names = sorted({a[k] for a, _ in couples})
        lists[attribute] = {name: [couple for couple in couples if couple[0][k] == name] for name in names}
    return lists


def _clip(pairs, script, kind, rng):
    """A clip in which the two pairs act a script, in random order; but what flashes beside a path lies on top."""
    radii = rng.uniform(*RADIUS, 2)
    starts = rng.random((2, 2))
    if kind in ("order", "count"):
        starts = _apart(radii, rng)
    elif kind == "before_after":
        starts[1] = _inside(radii[1], rng)
    tracks = [_track(*each, rng) for each in zip(pairs, radii, starts, script)]
    is_turned = kind != "before_after" and rng.integers(2)
    return Clip(tuple(tracks[::-1] if is_turned else tracks))


def _track(pair, radius, start, course, rng):
    step = rng.uniform(*STEP)
    places = (start + step * np.array(course.steps)) % 1
    return Track(*pair, float(radius), tuple(map(tuple, places.tolist())), course.visible, course.lit)


def _inside(radius, rng):
    """A place for things that do not move, where all of them is in the frame: float64 (2,), x and y."""
    reach = REACH * radius + EDGE
    return rng.uniform(reach, 1 - reach, 2)


def _apart(radii, rng):
    """Places of two things that do not touch."""
    while True:
        places = np.array([_inside(radius, rng) for radius in radii])
        if np.hypot(*(places[0] - places[1])) > REACH * radii.sum() + GAP:
            return places


def _ceilings(asks, couples):
    """The ceilings of one key of `CLIP_PHRASES`."""
    ways = _SCRIPTS[asks]
    attribute = _asked_attribute(asks)
    # Who acts has to do with the answer only where colour or shape are asked.
    named = couples[attribute] if attribute else dict.fromkeys(ways, [("first", "second")])
    frames = range(FRAMES)
    at_any = {answer: [(script, frame) for script in some for frame in frames] for answer, some in ways.items()}
    return {"blind": 1 / len(named),
            "random_frame": best_known(at_any, named, lambda each: one_frame(each[1])(each[0])),
            "single_frame": max(best_known(ways, named, one_frame(frame)) for frame in frames),
            "shuffled_frames": best_known(ways, named, shuffled_frames)}


def _mean(rows):
    """The mean of dicts with the same keys."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
