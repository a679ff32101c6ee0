"""The world of questions: an embedded task of visual question answering in which looking is the only way to know.

Three or four shapes lie on a dark cloth, one in each quarter of the picture at most. The question, the number of things
and the answer are drawn first, independently of each other; then a scene is drawn from all that make the answer true:

    q ~ P(q),   n ~ {3, 4},   a ~ uniform on A(q),   scene ~ uniform on { s : s has n things, a is the answer to q }

A(q) holds the answers that are possible with 3 and with 4 things. So neither the words of a question nor the number of
things say anything about the answer: whoever does not look is right with probability 1 / |A(q)|, question by question.
What can be known by looking alone, without the question, follows from Bayes' rule, and is computed too.

A scene is a *sketch* (which shapes, of which colours and sizes) and a *layout* (which quarter each is in), of both of
which all are listed; where in its quarter a thing lies is drawn last, and changes no answer.
"""

import math
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .question_language import ANSWERS, KINDS, phrasings
from .question_space import LAYOUTS, NUMBERS, QuestionSpace
from .render import render
from .sampling import one_of
from .scene import RELATIONS, Scene
from .world import HELD_OUT, ShapesWorld

__all__ = ["QuestionsWorld", "SceneQuestion"]


class SceneQuestion(NamedTuple):
    """A scene, a question about it, the answer, and the kind of question: one of `KINDS`."""

    scene: Scene
    question: str
    answer: str
    kind: str


class QuestionsWorld:
    """A generator of scenes, questions and answers.

    Parameters
    ----------
    held_out : sequence of (colour, shape)
        Pairs that occur in no seen scene; in a held-out scene there is exactly one of them.
    size : int
        Height and width of the pictures.
    kinds : sequence of str
        Which kinds of question are asked, equally often.

    Raises
    ------
    ValueError
        For an unknown kind, or what `ShapesWorld` refuses.

    Examples
    --------
    >>> world, rng = QuestionsWorld(kinds=("colour", "count")), np.random.default_rng(3)
    >>> asked = world.sample(3, rng)
    >>> for _, question, answer, kind in asked: print(kind, question, answer)
    count how many green things are there? 2
    colour what colour is the square? red
    count how many large things does the picture show? 0
    >>> world.render([scene for scene, *_ in asked], rng).shape
    (3, 3, 32, 32)
    >>> round(world.blind_ceiling(), 3), round(world.image_only_ceiling(), 3)
    (0.224, 0.399)
    """

    def __init__(self, held_out=HELD_OUT, size=32, kinds=KINDS):
        self.shapes = ShapesWorld(held_out, size)
        self.size = size
        self.kinds = tuple(kinds)
        if not self.kinds or not set(self.kinds) <= set(KINDS) or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"QuestionsWorld: kinds must be distinct and among {', '.join(KINDS)}; got {kinds}")

    def sample(self, n, rng, compositions="seen", each=1):
        """Draw `n` scenes, each with its questions.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        compositions : {"seen", "held_out"}
            Scenes of seen pairs only; or scenes with exactly one held-out pair each, beside seen ones. Which questions
            have more than one possible answer differs too: whether there is a red circle is asked in held-out scenes
            alone if red circles are held out.
        each : int
            How many questions about each scene. If there are several, the scene is drawn for one of them, as above,
            which is then forgotten, and all are drawn from P(q | scene): so scene and question have the same joint
            distribution as before, and whoever does not look knows as little.

        Returns
        -------
        list of SceneQuestion
            n · each, those about one scene in turn.

        Raises
        ------
        ValueError
            For other `compositions`, held-out scenes of a world without held-out pairs, or `each` below 1.
        """
        if each < 1:
            raise ValueError(f"QuestionsWorld: each must be at least 1; got {each}")
        space = self._space(compositions)
        queries = [one_of(one_of(space.groups[one_of(self.kinds, rng)], rng), rng) for _ in range(n)]
        sketch = np.empty(n, int)
        answers = np.empty(n, int)
        layout = rng.integers(len(LAYOUTS), size=n)  # any, unless the answer depends on it
        rows_of = {}
        for row, query in enumerate(queries):
            rows_of.setdefault(query, []).append(row)
        for query, rows in rows_of.items():
            number = rng.integers(len(NUMBERS), size=len(rows))
            answers[rows] = rng.choice(space.possible[query], len(rows))
            sketch[rows] = space.draw_sketches(query, number, answers[rows], rng)
            if query.asks in RELATIONS:
                layout[rows] = space.draw_layouts(query, sketch[rows], answers[rows], rng)
        if each > 1:
            queries, answers = space.draw_questions(self.kinds, sketch, layout, each, rng)
        texts = [one_of(phrasings(query), rng) for query in queries]
        scenes = [scene for scene in space.scenes(sketch, layout, rng) for _ in range(each)]
        return [SceneQuestion(scene, text, ANSWERS[answer], space.kind_of[query])
                for scene, text, answer, query in zip(scenes, texts, answers, queries)]

    def render(self, scenes, rng):
        """Paint scenes: float32 (B, 3, size, size) in [0, 1]."""
        return render(scenes, rng, self.size)

    def blind_ceiling(self, compositions="seen"):
        r"""The expected accuracy of whoever knows the question alone: $\sum_q P(q) / |A(q)|$.

        Of all kinds together .364, and .353 in held-out scenes, where more answers are possible.
        """
        space = self._space(compositions)
        return math.fsum(p / len(space.possible[query]) for query, p in space.probabilities(self.kinds))

    def image_only_ceiling(self, compositions="seen"):
        r"""The expected accuracy of the best that sees the scene and not the question.

        $$ \sum_s \max_a \sum_{q : a \text{ is the answer for } s} P(q)\, P(n)\, \frac1{|A(q)|}\,
           \frac1{N(q, a, n)} $$

        with N(q, a, n) the number of scenes s of n things in which a is the answer to q. The sum runs over all
        sketches, 186,208 in the seen part, and all layouts, of which those alike but for turns and mirrors count once.
        Of all kinds together it is .267, and .264 in held-out scenes.
        """
        return self._space(compositions).image_only_ceiling(self.kinds)

    def _space(self, compositions):
        if compositions not in ("seen", "held_out"):
            raise ValueError(f'QuestionsWorld: compositions must be "seen" or "held_out"; got {compositions!r}')
        if compositions == "held_out" and not self.shapes.held_out:
            raise ValueError("QuestionsWorld: held-out scenes need a world with held_out pairs; it has none")
        return self._seen if compositions == "seen" else self._unseen

    @cached_property
    def _seen(self):
        return QuestionSpace([pairs for number in NUMBERS for pairs in combinations(self.shapes.seen, number)])

    @cached_property
    def _unseen(self):
        return QuestionSpace([(new, *pairs) for number in NUMBERS for new in self.shapes.held_out
                              for pairs in combinations(self.shapes.seen, number - 1)])
