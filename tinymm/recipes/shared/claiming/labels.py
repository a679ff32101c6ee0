"""Pairs are dear, and what is not paired can stand in for them (article 1.3.3).

Two views of the same things are to be matched. Of all things only a share comes in pairs that are known to be right.
Beside plain training on these, three ways make something of the rest:

- masked: both views are first pre-trained each by itself, completing what is hidden in unpaired examples;
- pseudo: a weak model, trained on the pairs, pairs the rest: those that are each other's nearest;
- noisy: the rest comes in pairs too, of which half are wrong.

With a folder of pictures and captions, these are the two views; else those of an embedded world.

Each way takes as many steps in all: who trains once takes the steps of both trainings of the others.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ....data.interactions import TwoViews
from ..plan import Plan
from .experiment import Claim, Comparison, Contender
from .matching import ViewTowers, drawn_views, embedded, is_nearest, matched, reconstructed
from .named_pictures import NamedPictures

__all__ = ["claim", "mutual_nearest"]

THINGS = {"train": 2000, "val": 300, "test": 400}
SHARES = (0.02, 0.1, 0.4)  # that are paired; the middle one is where rates are tuned
WAYS = ("pairs", "masked", "pseudo", "noisy")
WRONG = 0.5  # of noisy pairs
PERMUTED = "second view permuted"
PLAN = Plan(batch_size=128, steps=600, peak_rate=3e-3, weight_decay=0.01, replicas=1)


def claim(run, quick):
    """The claim at every share of pairs, in a world or on the pictures and captions of the run's folder."""
    views = drawn_views(TwoViews(run.rng(60)), THINGS, run, 61) if run.data is None else \
        NamedPictures(run).views("histograms")
    trial = _Matching(run, PLAN.shortened(0.5) if quick else PLAN, views)
    contenders = [Contender(_name(way, share), partial(trial.fit, way, share), way,
                            like=None if share == SHARES[1] else _name(way, SHARES[1]))
                  for way in WAYS for share in SHARES]
    return Claim(
        name="labels",
        section="1.3.3",
        sentence="Pairs that are known to be right are dear; where they are few, unpaired and noisy examples help.",
        null="With as many right pairs, whoever also uses the rest matches no more things than whoever does not.",
        contenders=(*contenders, Contender("all paired", partial(trial.fit, "pairs", 1.0), "pairs")),
        tests=tuple(Comparison(f"{_percent(share)} paired: {way}", (_name(way, share),),
                               (_name("pairs", share),)) for way in WAYS[1:] for share in SHARES),
        beside=tuple(Comparison(f"the price: all paired against {_percent(share)}", ("all paired",),
                                (_name("pairs", share),)) for share in SHARES),
        controls=tuple(Comparison("second view permuted", (one.name,), 1 / trial.matched, PERMUTED,
                                  expected="no gain") for one in contenders),
        tell=partial(_tell, trial.matched),
    )


class _Matching:
    """Two views of some things, and how each way learns from them; `matched` counts the things of the test."""

    def __init__(self, run, plan, views):
        self.run, self.plan, self.views = run, plan, views
        first, second = views.test
        self.matched = len(second)
        self.parts = {"val": views.val, "test": views.test,
                      PERMUTED: (first, second[run.rng(62).permutation(len(second))])}

    def fit(self, way, share, rate, seed, report):
        """Train by one way with a share of the pairs, and test it."""
        rng = np.random.default_rng([seed, 63])
        views = self.views.train(rng)
        known = round(share * len(views[0]))
        pairs, rest = tuple(view[:known] for view in views), tuple(view[known:] for view in views)
        widths = [view.shape[1] for view in views]
        model = ViewTowers(widths, rng=rng)
        plan = replace(self.plan, peak_rate=rate)
        half = plan.shortened(0.5)

        def first_half(done):
            report(done / 2)

        def second_half(done):
            report((1 + done) / 2)

        if way == "masked":
            apart = views[0], views[1][rng.permutation(len(views[1]))]
            model = reconstructed(self.run, self.plan.shortened(0.5), model, apart, seed, first_half)
            model = matched(self.run, half, model, pairs, seed, second_half)
        elif way == "pseudo":
            weak = matched(self.run, half, model, pairs, seed, first_half)
            pairs = _with(pairs, rest, *mutual_nearest(*embedded(weak, rest)))
            model = matched(self.run, half, ViewTowers(widths, rng=rng), pairs, seed, second_half)
        else:
            if way == "noisy":
                pairs = _with(pairs, rest, np.arange(len(rest[0])), _partly_permuted(len(rest[0]), WRONG, rng))
            model = matched(self.run, plan, model, pairs, seed, report)
        return {part: is_nearest(*embedded(model, own)) for part, own in self.parts.items()}


def mutual_nearest(first, second):
    """Which rows of two arrays are each other's nearest, by their products: two int arrays of one length.

    Parameters
    ----------
    first : (N, D) float array
    second : (M, D) float array

    Examples
    --------
    >>> mutual_nearest(np.eye(2), np.array([[0.0, 1.0], [0.0, 0.9], [0.5, 0.0]]))
    (array([0, 1]), array([2, 0]))
    """
    products = first @ second.T
    nearest, back = products.argmax(1), products.argmax(0)
    rows = np.flatnonzero(back[nearest] == np.arange(len(first)))
    return rows, nearest[rows]


def _with(pairs, rest, first, second):
    """Pairs and, of the rest, the rows that are taken for pairs."""
    return tuple(np.concatenate([own, more[rows]]) for own, more, rows in zip(pairs, rest, (first, second)))


def _partly_permuted(n, share, rng):
    """0 to n - 1, of which a share have changed places among themselves."""
    order = np.arange(n)
    moved = rng.permutation(n)[:round(share * n)]
    order[moved] = np.roll(moved, 1)
    return order


def _name(way, share):
    return f"{way}/{share:g}"


def _percent(share):
    return f"{100 * share:.0f} %"


def _tell(things, report, scores):
    """Accuracy by share of pairs."""
    report.table([[way, *(float(scores[_name(way, share)]["test"].mean()) for share in SHARES),
                   float(scores["all paired"]["test"].mean()) if way == "pairs" else None] for way in WAYS],
                 ["way", *(f"{_percent(share)} paired" for share in SHARES), "all"],
                 f"Things matched right, of {things}; means over seeds.")
