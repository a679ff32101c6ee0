"""Text that guides how a picture is read helps where the new begins (article 1.1.3, 1.2.3).

Two things, a large and a small one; a text says which is meant; what shape has it? The worlds are those of
`data.shapes.guided`. Where the text is a hint, the picture alone tells the answer, so that a better result is better
generalisation and no new information. Where the text asks, it is needed; there FiLM is held against other fusions.
With a folder of easy-VQA all is done with its pictures and questions, see `easy_vqa_trial`.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ....data import SHAPES, draw_guided
from ....metrics import few_shot_probe
from ..plan import Plan
from ..prediction import over_batches
from .contenders import AT_ONCE, Examples, is_right, learned
from .easy_vqa_trial import asked_pictures
from .experiment import Claim, Comparison, Contender
from .guiding import GUIDED, as_ids, fogged, guiding_model

__all__ = ["SIZES", "claim"]

HINT, NOTHING, BY_SIZE, BY_COLOUR = "hint", "nothing", "size", "colour"
TRAINED = {HINT: 400, NOTHING: 400, BY_SIZE: 2000, BY_COLOUR: 2000}  # pictures
SIZES = {"val": 300, "test": 500, "pool": 800}  # the pool is what probes draw their examples from
PLANS = {HINT: Plan(batch_size=32, steps=300, peak_rate=3e-3, weight_decay=0.01, replicas=1),
         BY_SIZE: Plan(batch_size=32, steps=600, peak_rate=3e-3, weight_decay=0.01, replicas=1)}
PLANS |= {NOTHING: PLANS[HINT], BY_COLOUR: PLANS[BY_SIZE]}
CONTENDERS = {HINT: ("alone", "told", "joined", "film"), NOTHING: ("film",),
              BY_SIZE: ("alone", "late", "joined", "film"), BY_COLOUR: ("joined", "film")}
SHOTS = (1, 4, 16, 64)
PROBES = ("place of what is meant", "shape of the other thing")
HELD_OUT, FOGGED, PERMUTED = "new pairs", "fog", "text permuted"


def claim(run, quick):
    """The claim with its worlds, or on the pictures and questions of the run's folder."""
    return Claim(
        name="generalisation",
        section="1.1.3, 1.2.3",
        sentence="Text that guides how pictures are read makes what is learned fit for new compositions, domains and "
                 "tasks.",
        **(_worlds(run, quick) if run.data is None else asked_pictures(run, quick)),
    )


def _worlds(run, quick):
    """What the claim is made of on its worlds: dict of the fields of `Claim`."""
    worlds = {name: _Pictures(run, name, quick) for name in CONTENDERS}
    return {
        "null": "A CNN guided by text (FiLM) does no better on the new than the CNN alone, or than itself with a text "
                "that says nothing; where the text is needed, no better than other fusions.",
        "contenders": tuple(Contender(f"{name}/{kind}", partial(worlds[name].fit, kind), name)
                            for name, kinds in CONTENDERS.items() for kind in kinds),
        "tests": _tests(),
        "beside": _beside(),
        "controls": _controls(),
        "ceilings": {(f"{BY_SIZE}/{kind}", "test"): 0.5 for kind in ("alone", "late")},
        "tell": _tell,
    }


class _Pictures:
    """One world, and how a contender is trained and tested on it."""

    def __init__(self, run, name, quick):
        self.run, self.name = run, name
        self.plan = PLANS[name].shortened(0.5) if quick else PLANS[name]
        number = list(CONTENDERS).index(HINT if name == NOTHING else name)  # the same pictures, without the hint
        drawn = {part: draw_guided(SIZES[part], run.rng(40, number, k), name, size=GUIDED.size)
                 for k, part in enumerate(("val", "test", "pool"))}
        drawn[HELD_OUT] = draw_guided(SIZES["test"], run.rng(41, number), name, "held_out", GUIDED.size)
        self.parts = {part: _as_examples(data) for part, data in drawn.items()}
        test = self.parts["test"]
        self.parts[FOGGED] = Examples([fogged(test.inputs[0]), test.inputs[1]], test.labels)
        self.parts[PERMUTED] = test.permuted(1, run.rng(42, number))
        self.asked = {part: dict(zip(PROBES, _probed(drawn[part]))) for part in ("pool", "test")}

    def fit(self, kind, rate, seed, report):
        """Train a contender on pictures of its own, and test it on those of the world."""
        model = guiding_model(kind, np.random.default_rng([seed, 43]))
        rng = np.random.default_rng([seed, 48])                          # the same examples for all of a seed
        data = _as_examples(draw_guided(TRAINED[self.name], rng, self.name, size=GUIDED.size))
        model = learned(self.run, replace(self.plan, peak_rate=rate), model, data, seed, report)
        found = {part: is_right(model, examples) for part, examples in self.parts.items() if part != "pool"}
        return found | self._probes(model, rng) if self.name in (HINT, NOTHING) else found

    def _probes(self, model, rng):
        """How often linear probes of the CNN's features are right: by task and shots, and the mean of all shots."""
        features = {part: _features(model, self.parts[part]) for part in ("pool", "test")}
        found = {}
        for task in PROBES:
            by_shots = {f"{task}, {shots} shots": few_shot_probe(
                features["pool"], self.asked["pool"][task], features["test"], self.asked["test"][task], shots, rng)
                for shots in SHOTS}
            found |= by_shots | {task: np.mean(list(by_shots.values()), 0)}
        return found


def _as_examples(guided):
    return Examples([guided.images, as_ids(guided.texts)], guided.labels)


def _probed(guided):
    """The labels of the new tasks, in the order of `PROBES`: a quarter of the picture, a shape."""
    places = [2 * (thing.y > 0.5) + (thing.x > 0.5) for thing in guided.meant]
    return np.array(places), np.array([SHAPES.index(thing.shape) for thing in guided.other])


def _features(model, data):
    return np.stack(over_batches(model, len(data), AT_ONCE, lambda rows: model.features(data.rows(rows)).data))


# What is compared -------------------------------------------------------------------------------------------------


def _named(world, *kinds):
    return tuple(f"{world}/{kind}" for kind in kinds)


def _tests():
    film, without = _named(HINT, "film"), (*_named(HINT, "alone"), *_named(NOTHING, "film"))
    return (*(Comparison(f"hint: {part}", film, without, part) for part in (HELD_OUT, FOGGED, *PROBES)),
            *(Comparison(f"asked by {world}: {HELD_OUT}", _named(world, "film"), _named(world, *others), HELD_OUT)
              for world, others in ((BY_SIZE, ("late", "joined")), (BY_COLOUR, ("joined",)))))


def _beside():
    alone = _named(HINT, "alone")
    return (*(Comparison(f"hint: {part}", one, alone, part)
              for one in (_named(HINT, "film"), _named(NOTHING, "film"), _named(HINT, "joined"), _named(HINT, "told"))
              for part in (HELD_OUT, FOGGED)),
            *(Comparison(f"asked by {world}: pairs that were seen", _named(world, "film"), _named(world, "joined"))
              for world in (BY_SIZE, BY_COLOUR)),
            Comparison("asked by size: fog", _named(BY_SIZE, "film"), _named(BY_SIZE, "joined"), FOGGED))


def _controls():
    """With the text of another picture, which names the other thing as often as not, nobody is right more than by half.
    """
    return tuple(Comparison("the text of another picture", _named(BY_SIZE, kind), 0.5, PERMUTED, expected="no gain")
                 for kind in ("joined", "film"))


def _tell(report, scores):
    """The probes, shot by shot."""
    for task in PROBES:
        report.table([[kind, *(float(scores[f"{HINT}/{kind}"][f"{task}, {shots} shots"].mean()) for shots in SHOTS)]
                      for kind in CONTENDERS[HINT]], ["CNN's features", *(f"{shots} shots" for shots in SHOTS)],
                     f"Linear probes, {task}: accuracy, mean over seeds.")
