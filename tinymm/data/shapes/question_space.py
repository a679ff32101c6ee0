"""All that can be seen and asked in the world of questions: its sketches and layouts, listed, and their counts.

A *sketch* is three or four things, each with colour, shape and size; a *layout* says in which quarter of the picture
each one lies. Every answer depends on the two alone. Those to questions of relation depend on the layout, all others
on the sketch.
"""

from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from .question_judge import OPPOSITES
from .question_language import ANSWERS, COUNTS, KINDS, question_groups
from .sampling import systematic
from .scene import COLOURS, RELATIONS, SHAPES, SIZES, Scene, Thing

__all__ = ["LAYOUTS", "NUMBERS", "QuestionSpace"]

NUMBERS = (3, 4)                                        # how many things a scene has
MOST = max(NUMBERS)
RADII = {"small": (0.115, 0.130), "large": (0.180, 0.195)}
ROOM = {"small": 0.045, "large": 0.015}                 # how far from the middle of its quarter a thing may lie
LAYOUTS = np.array(list(permutations(range(4))))        # (24, 4): the quarter of each thing; 0 1 above 2 3
# A layout turned by 90° or seen in a mirror is another layout: of each such 8 one. They differ in who is opposite 0.
UNLIKE_LAYOUTS = [LAYOUTS.tolist().index(layout) for layout in ([0, 1, 2, 3], [0, 1, 3, 2], [0, 3, 1, 2])]
BESIDE = {"left": ((0, 1), (2, 3)), "right": ((1, 0), (3, 2)), "above": ((0, 2), (1, 3)), "below": ((2, 0), (3, 1))}
PLACED = 4 / len(LAYOUTS)                               # the share of layouts with one given thing left of another

YES, NO, FIRST_COLOUR, FIRST_SHAPE, ZERO = (  # int8, as all answers: 17 of them, in 190,000 sketches
    np.int8(ANSWERS.index(answer)) for answer in ("yes", "no", COLOURS[0], SHAPES[0], COUNTS[0]))
ABSENT = NOT_ASKED = np.int8(-1)


class QuestionSpace:
    """The sketches of given compositions, and how many of them have which answer to which question.

    Parameters
    ----------
    compositions : sequence of tuple of (colour, shape)
        Three or four distinct pairs each.

    Attributes
    ----------
    groups : dict of str to list of list of Query
        By kind: the queries with at least two possible answers, in groups of equal probability.
    kind_of : dict of Query to str
    possible : dict of Query to list of int
        A(q): the answers that some sketch of 3 things has, and some sketch of 4; they index `ANSWERS`.
    counts : dict of Query to int array (answers, 2)
        N(q, a, n): how many sketches have which answer, by number of things. For a relation how many hold both things,
        which for yes and for no are the same.
    """

    def __init__(self, compositions):
        parts = [_with_sizes([pairs for pairs in compositions if len(pairs) == number]) for number in NUMBERS]
        few = parts[0].shape[-1]
        self._spans = slice(0, few), slice(few, None)  # the sketches of 3 things, and of 4
        self._things = np.concatenate(parts, axis=-1)  # (3, 4, S): colour, shape and size of each thing
        self._finds = {}
        self.groups = {}
        self.kind_of = {}
        self.possible = {}
        self.counts = {}
        for kind in KINDS:
            askable = [[query for query in group if self._count(query, kind)] for group in question_groups(kind)]
            self.groups[kind] = [group for group in askable if group]

    def _count(self, query, kind):
        """Fill in what is known of a query; whether it has two possible answers."""
        codes = self._answers(query)
        counts = np.array([[np.count_nonzero(codes[span] == answer) for span in self._spans]
                           for answer in range(len(ANSWERS))])
        if query.asks in RELATIONS:
            counts[NO] = counts[YES]
        self.counts[query] = counts
        self.possible[query] = np.flatnonzero(counts.all(1)).tolist()
        self.kind_of[query] = kind
        return len(self.possible[query]) > 1

    def probabilities(self, kinds):
        """P(q) if kinds, groups and queries are drawn uniformly, one after the other: iterator of (query, P(q))."""
        for kind in kinds:
            for group in self.groups[kind]:
                for query in group:
                    yield query, 1 / (len(kinds) * len(self.groups[kind]) * len(group))

    def draw_sketches(self, query, number, answers, rng):
        """For each row, a sketch of so many things (indices into `NUMBERS`) with that answer: int array of numbers."""
        codes = self._answers(query)
        sketches = np.empty(len(answers), int)
        for n, answer in set(zip(number.tolist(), answers.tolist())):
            code = YES if query.asks in RELATIONS else answer
            rows = np.flatnonzero((number == n) & (answers == answer))
            fitting = np.flatnonzero(codes[self._spans[n]] == code)
            sketches[rows] = fitting[rng.integers(len(fitting), size=len(rows))] + self._spans[n].start
        return sketches

    def draw_layouts(self, query, sketches, answers, rng):
        """For each sketch, a layout that makes the answer to a question of relation true: int array of numbers."""
        first, second = (self._found(each).thing[sketches] for each in query[1:])
        fits = _beside(query.asks)[LAYOUTS[:, first], LAYOUTS[:, second]] == answers  # (24, n)
        return np.where(fits, rng.random(fits.shape), -1).argmax(0)

    def scenes(self, sketches, layouts, rng):
        """Put sketches into scenes, each thing somewhere about the middle of its quarter: list of Scene."""
        colour, shape, size = self._things[:, :, sketches].transpose(0, 2, 1)  # each (n, 4)
        low, high = np.array([RADII[name] for name in SIZES]).T
        growth, x, y = rng.random((3, *size.shape))
        radius = low[size] + (high - low)[size] * growth
        room = np.array([ROOM[name] for name in SIZES])[size]
        quarter = LAYOUTS[layouts]
        x = 0.25 + 0.5 * (quarter % 2) + room * (2 * x - 1)
        y = 0.25 + 0.5 * (quarter // 2) + room * (2 * y - 1)
        rows = zip(*(a.tolist() for a in (np.argsort(quarter), colour, shape, size, x, y, radius)))
        return [Scene(tuple(Thing(COLOURS[c[k]], SHAPES[s[k]], SIZES[z[k]], x[k], y[k], r[k])
                            for k in order if c[k] != ABSENT))
                for order, c, s, z, x, y, r in rows]

    def draw_questions(self, kinds, sketches, layouts, number, rng):
        """For each scene so many questions, each drawn from P(q | scene), seldom the same twice; and the answers.

        Returns
        -------
        queries : list of Query
            Those of the first scene, then those of the next.
        answers : int array (scenes · number,)
            They index `ANSWERS`.
        """
        queries, probabilities = zip(*self.probabilities(kinds))
        answers = [self._answers_in(query, sketches, layouts) for query in queries]      # (Q, scenes)
        weights = np.zeros((len(queries), len(sketches)))
        is_large = (sketches >= self._spans[1].start).astype(int)                        # an index into `NUMBERS`
        for row, query, p, own in zip(weights, queries, probabilities, answers):
            for answer, shares in self._shares(query, p):
                row += (own == answer) * shares[is_large]
        chosen = [systematic(column, number, rng) for column in weights.T]
        return ([queries[i] for some in chosen for i in some],
                np.concatenate([np.array([answers[i][scene] for i in some], int) for scene, some in enumerate(chosen)]))

    def image_only_ceiling(self, kinds):
        """As `QuestionsWorld.image_only_ceiling`."""
        weights = np.zeros((len(ANSWERS), self._things.shape[-1]))  # P(scene, a)
        asked = list(self.probabilities(kinds))
        self._add(weights, [each for each in asked if each[0].asks not in RELATIONS], 0)
        relations = [each for each in asked if each[0].asks in RELATIONS]
        return float(np.mean([self._add(weights.copy(), relations, layout).max(0).sum()
                              for layout in (UNLIKE_LAYOUTS if relations else UNLIKE_LAYOUTS[:1])]))

    def _add(self, weights, asked, layout):
        """The weights (answers, sketches) with those of some questions added, all scenes having one layout."""
        for query, p in asked:
            answers = self._answers_in(query, slice(None), layout)
            for answer, shares in self._shares(query, p):
                for span, share in zip(self._spans, shares):
                    weights[answer, span] += (answers[span] == answer) * share
        return weights

    def _shares(self, query, p):
        r"""P(q, scene) of the scenes in which a is the answer, but for a factor that all questions share.

        That is $P(q)\, P(n) / (|A(q)|\, N(q, a, n))$. A relation allows only a share of the layouts, each of which is
        as much more likely. Iterator of (answer, float array (2,), by the number of things).
        """
        places = PLACED if query.asks in RELATIONS else 1.0
        for answer in self.possible[query]:
            yield answer, p / len(NUMBERS) / len(self.possible[query]) / places / self.counts[query][answer]

    def _answers_in(self, query, sketches, layouts):
        """The answer in each scene, an index into `ANSWERS`, or -1 if it is not asked there."""
        answers = self._answers(query)[sketches]
        if query.asks not in RELATIONS:
            return answers
        first, second = (self._found(each).thing[sketches] for each in query[1:])
        return np.where(answers == YES, _beside(query.asks)[LAYOUTS[layouts, first], LAYOUTS[layouts, second]],
                        NOT_ASKED)

    def _answers(self, query):
        """The answer in each sketch (S,), an index into `ANSWERS`, or -1 if it is not asked there.

        For a relation it is `YES` wherever the two things are.
        """
        first = self._found(query.first)
        match query.asks:
            case "existence":
                return np.where(first.number > 0, YES, NO)
            case "count":
                return np.where(first.number < len(COUNTS), ZERO + first.number, NOT_ASKED)
            case "colour":
                return np.where(first.number == 1, FIRST_COLOUR + first.colour, NOT_ASKED)
            case "shape":
                return np.where(first.number == 1, FIRST_SHAPE + first.shape, NOT_ASKED)
        second = self._found(query.second)
        asked = (first.number == 1) & (second.number == 1)
        match query.asks:
            case "more" | "fewer":
                asked = first.number + second.number > 0
                a, b = first.number, second.number
            case "larger" | "smaller":
                asked &= first.size != second.size
                a, b = first.size, second.size
            case _:
                return np.where(asked, YES, NOT_ASKED)
        holds = a > b if query.asks in ("more", "larger") else a < b
        return np.where(asked, np.where(holds, YES, NO), NOT_ASKED)

    def _found(self, description):
        """What a description finds in each sketch."""
        if description not in self._finds:
            fits = np.ones(self._things.shape[1:], bool)
            for values, names, word in zip(self._things, (COLOURS, SHAPES, SIZES), description):
                if word is not None:
                    fits &= values == names.index(word)
            thing = fits.argmax(0)
            values = np.take_along_axis(self._things, thing[None, None], axis=1)[:, 0]
            self._finds[description] = _Found(fits.sum(0, dtype=np.int8), thing.astype(np.int8), *values)
        return self._finds[description]


class _Found(NamedTuple):
    """How many things fit, which the first of them is, and its colour, shape and size: int8 arrays (S,)."""

    number: np.ndarray
    thing: np.ndarray
    colour: np.ndarray
    shape: np.ndarray
    size: np.ndarray


def _with_sizes(compositions):
    """Sketches of equally many things: each composition with all sizes there may be, int8 (3, 4, sketches)."""
    number = len(compositions[0])
    pairs = np.array([[(COLOURS.index(colour), SHAPES.index(shape)) for colour, shape in each]
                      for each in compositions], np.int8)                                   # (C, number, 2)
    sizes = np.array(list(product(range(len(SIZES)), repeat=number)), np.int8)              # (2^number, number)
    things = np.full((3, MOST, len(pairs), len(sizes)), ABSENT, np.int8)
    things[:2, :number] = pairs.transpose(2, 1, 0)[..., None]
    things[2, :number] = sizes.T[:, None]
    return things.reshape(3, MOST, -1)


def _beside(relation):
    """The answer, by the quarters of two things, whether the first is `relation` the second: int8 (4, 4)."""
    answers = np.full((4, 4), NOT_ASKED, np.int8)
    answers[tuple(zip(*BESIDE[relation]))] = YES
    answers[tuple(zip(*BESIDE[OPPOSITES[relation]]))] = NO
    return answers
