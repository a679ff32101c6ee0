"""Text that guides how a picture is read, on real pictures with questions: a folder of easy-VQA (article 1.2.3).

Each question needs its picture, and most pictures their question, so that a gain over either alone is information.
What is tested is whether FiLM, where the question changes how the picture is read, does better on the new than fusions
that read the picture in one way: on pairs of colour and shape that training lacks, and on pictures in fog.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ..plan import Plan
from .composed_questions import KINDS, SIDE, ComposedQuestions, kinds_of
from .contenders import Examples, is_right, learned
from .experiment import Comparison, Contender
from .guiding import Task, as_ids, fogged, guiding_model

__all__ = ["AskedPictures", "asked_pictures"]

CONTENDERS = ("alone", "question", "late", "joined", "film")
TRAINED = 0.75  # of the questions that there are to train on; which, depends on the seed
MOST = 400  # pictures of a part that are tested on
PARAMETERS = 30_000
CHANNELS = (8, 16, 32)
PLAN = Plan(batch_size=32, steps=2000, peak_rate=3e-3, weight_decay=0.01, replicas=1)
NEW, FOG = "new pairs", "fog"  # parts
OTHER_TEXT, OTHER_PICTURE = "question permuted", "picture permuted"
REPLACED, SHUFFLED = "question replaced", "answers shuffled"  # in training


def asked_pictures(run, quick):
    """What the claim is made of on the folder of a run: dict of the fields of `Claim`."""
    trial = AskedPictures(run, PLAN.shortened(0.5) if quick else PLAN)
    return {
        "null": "Where questions are needed, a CNN guided by them (FiLM) is right about new pairs of colour and shape, "
                "and about pictures in fog, no more often than other fusions.",
        "contenders": (*(Contender(kind, partial(trial.fit, kind, None), kind) for kind in CONTENDERS),
                       *(Contender(change, partial(trial.fit, "film", change), "film", like="film")
                         for change in (REPLACED, SHUFFLED))),
        "tests": tuple(Comparison(f"easy-VQA: {part}", ("film",), ("late", "joined"), part) for part in (NEW, FOG)),
        "beside": _beside(trial),
        "controls": _controls(trial),
        "tell": trial.tell,
        "shown": tuple(trial.parts)[1:],
    }


class AskedPictures:
    """Questions about the pictures of a folder, and how a contender learns and is tested on them.

    The items of a test are pictures, and the score of one is the share of its questions that are answered right: of one
    picture several questions are asked, and these are not independent of each other.

    Parameters
    ----------
    run : Run
    plan : Plan

    Attributes
    ----------
    parts : dict of str to _PicturesAsked
    asked_for : list of str
        The kinds of questions that there are, see `kinds_of`.
    """

    def __init__(self, run, plan):
        self.run, self.plan = run, plan
        self.composed = ComposedQuestions.read(run.data, run.rng(44))
        asked = {name: part if name == "train" else _some(part, run.rng(47, k))
                 for k, (name, part) in enumerate(self.composed.parts.items())}
        self.answers = asked["train"].vocabulary
        counts = 1 + np.bincount(asked["train"].labels(self.answers), minlength=len(self.answers))
        self.task = Task.of(SIDE, SIDE // 8, CHANNELS, asked["train"].texts, counts / counts.sum())
        self.train = self._examples(asked["train"])
        self.parts = {name: self._examples(asked[part])
                      for name, part in (("val", "val"), ("test", "test"), (NEW, "held_out"))}
        test, rng = self.parts["test"], run.rng(45)
        self.parts[FOG] = test.seen_as(fogged(test.pictures))
        self.parts |= {name: test.permuted(place, rng) for place, name in enumerate((OTHER_PICTURE, OTHER_TEXT))}
        self.kinds = {name: np.array(kinds_of(asked[part])) for name, part in (("test", "test"), (NEW, "held_out"))}
        self.asked_for = [kind for kind in KINDS if all(kind in kinds for kinds in self.kinds.values())]

    def _examples(self, asked):
        numbers, rows = np.unique(asked.images, return_inverse=True)
        return _PicturesAsked(asked.load(numbers), rows, as_ids(asked.texts, self.task), asked.labels(self.answers))

    def fit(self, kind, change, rate, seed, report):
        """Train a contender on examples that are changed or not (None), and test it: dict of part to array."""
        model = guiding_model(kind, np.random.default_rng([seed, 46]), PARAMETERS, self.task)
        rng = np.random.default_rng([seed, 49])                          # the same examples for all of a seed
        some = self.train.part(rng.permutation(len(self.train))[:round(TRAINED * len(self.train))])
        if change == REPLACED:
            some = some.permuted(1, rng)
        elif change == SHUFFLED:
            some.labels = rng.permutation(some.labels)
        model = learned(self.run, replace(self.plan, peak_rate=rate), model, some, seed, report)
        right = {name: is_right(model, part) for name, part in self.parts.items()}
        scores = {name: part.by_picture(right[name]) for name, part in self.parts.items()}
        return scores | {f"{name}, {kind}": self.parts[name].by_picture(right[name], kinds == kind)
                         for name, kinds in self.kinds.items() for kind in self.asked_for}

    def likeliest(self, part):
        """How often who always gives the same answer is right about a part, at best."""
        examples = self.parts[part]
        return max(float(examples.by_picture(examples.labels == answer).mean()) for answer in range(len(self.answers)))

    def tell(self, report, scores):
        """What was held out, and the accuracies of questions of each kind."""
        pairs = ", ".join(" ".join(pair) for pair in self.composed.pairs)
        report.text(f"New pairs: {pairs}. Pictures whose questions do not tell what they show, and which are left out: "
                    f"{self.composed.left_out}. Each item is a picture, its score the share of its questions that are "
                    "answered right.")
        parts = [f"{name}, {kind}" for name in self.kinds for kind in self.asked_for]
        report.table([[kind, *(float(scores[kind][part].mean()) for part in parts)] for kind in CONTENDERS],
                     ["contender", *parts], "By what is asked for; means over seeds.")


class _PicturesAsked(Examples):
    """Questions about pictures, each of which is kept once.

    Parameters
    ----------
    pictures : float array (P, C, H, W)
    rows : int array (N,)
        Of each question the row of its picture.
    ids : int array (N, T)
    labels : int array (N,)
    about : int array (N,), optional
        The items that the questions belong to, even where they are asked of another picture; by default `rows`.
    """

    def __init__(self, pictures, rows, ids, labels, about=None):
        super().__init__((rows, ids), labels)
        self.pictures, self.about = pictures, rows if about is None else about

    def rows(self, rows):
        """The pictures and the ids of some questions."""
        pictures, ids = super().rows(rows)
        return self.pictures[pictures], ids

    def changed(self, place, change):
        """The questions with other pictures (0) or other texts (1)."""
        inputs = [change(x) if i == place else x for i, x in enumerate(self.inputs)]
        return _PicturesAsked(self.pictures, *inputs, self.labels, self.about)

    def part(self, rows):
        """Some of the questions."""
        return _PicturesAsked(self.pictures, *(x[rows] for x in self.inputs), self.labels[rows], self.about[rows])

    def seen_as(self, pictures):
        """The questions about other pictures in the place of these."""
        return _PicturesAsked(pictures, *self.inputs, self.labels, self.about)

    def by_picture(self, right, among=None):
        """Of each picture the share of right answers, to all its questions or to some: float array (P',).

        Parameters
        ----------
        right : float array (N,)
        among : bool array (N,), optional
            Which questions count. P' are the pictures about which there are any.
        """
        among = np.ones(len(self), bool) if among is None else among
        rows = np.unique(self.about[among], return_inverse=True)[1]
        return np.bincount(rows, right[among]) / np.bincount(rows)


def _some(asked, rng):
    """The questions about at most `MOST` pictures."""
    chosen = rng.permutation(np.unique(asked.images))[:MOST]
    return asked.part(np.flatnonzero(np.isin(asked.images, chosen)))


def _beside(trial):
    """The same on seen pairs, by what is asked for, what fog costs, and what two modalities have on one."""
    fusions, singles = ("late", "joined"), ("alone", "question")
    return (Comparison("easy-VQA: pairs that were seen", ("film",), fusions),
            *(Comparison(f"easy-VQA: {NEW}, {kind}", ("film",), fusions, f"{NEW}, {kind}")
              for kind in trial.asked_for),
            *(Comparison("what fog costs", (kind,), (kind,), FOG, "test") for kind in ("joined", "film")),
            *(Comparison(f"both against one: {part}", (kind,), singles, part)
              for part in ("test", NEW, FOG) for kind in ("joined", "film")))


def _controls(trial):
    """What must be so if the experiment is sound.

    With another example's question, in training or at test, nobody is right more often than the picture alone; with
    another example's picture, than the question alone; and who learns shuffled answers, than one answer always.
    """
    return (Comparison("question replaced in training", (REPLACED,), ("alone",), expected="no gain"),
            Comparison("answers shuffled in training", (SHUFFLED,), trial.likeliest("test"), expected="no gain"),
            *(Comparison(f"{part} at test", (kind,), (single,), part, "test", "no gain")
              for part, single in ((OTHER_TEXT, "alone"), (OTHER_PICTURE, "question")) for kind in ("joined", "film")))
