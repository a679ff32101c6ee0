"""Two modalities know more than the better one of them (article 1.1.1, 1.2.1), on worlds where that can be computed.

In each world contenders with equally many parameters learn the label: either modality alone with a wider layer, two
fusions, and the late product of two single classifiers. The claim is tested in each: the better fusion less the better
single modality.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ....data.interactions import (
    VectorWorld, conjunction, hidden_mixture, mixture, redundant, second_is_noise, second_replaced, synergistic, unique,
    unlabelled,
)
from ....fusion import ConcatenationFusion, MLBFusion
from ....metrics import bayes_accuracy
from ..plan import Plan
from .contenders import Alone, Examples, Experts, Together, VectorEncoder, is_right, learned, sized
from .experiment import Claim, Comparison, Contender

__all__ = ["PLAN", "SIZES", "WORLDS", "claim", "claim_about", "vector_model"]

WORLDS = (redundant(), unique(), synergistic(), second_is_noise(), conjunction(), mixture(1 / 3, 1 / 3, 1 / 3),
          hidden_mixture())
SINGLES, FUSIONS = ("first", "second"), ("concatenation", "bilinear")
PARAMETERS = 5000
WIDTH, ENCODED = 16, 32  # of a vector, and of what its encoder makes of it
SIZES = {"train": 2000, "val": 500, "test": 1000}
PLAN = Plan(batch_size=64, steps=600, peak_rate=1e-3, weight_decay=0.01, replicas=1)


def claim(run, quick):
    """The claim with all its worlds."""
    plan = replace(PLAN, steps=PLAN.steps // 2) if quick else PLAN
    return claim_about([_VectorTrial(run, plan, number, interaction) for number, interaction in enumerate(WORLDS)])


def claim_about(worlds):
    """The claim in some worlds.

    Parameters
    ----------
    worlds : sequence of trials
        See `_VectorTrial`.

    Returns
    -------
    Claim
    """
    return Claim(
        name="complementarity",
        section="1.1.1, 1.2.1",
        sentence="Modalities complement each other: two know more than the better one of them.",
        null="A fusion of both is right no more often than the better modality alone, with as many parameters.",
        contenders=tuple(one for world in worlds for one in _contenders(world)),
        tests=tuple(_against(world, SINGLES) for world in worlds),
        beside=tuple(_against(world, ("product",)) for world in worlds),
        controls=tuple(one for world in worlds for one in _controls(world)),
        ceilings={pair: best for world in worlds for pair, best in _ceilings(world).items()},
    )


class _VectorTrial:
    """One world, shown as vectors, and how a contender is trained and tested on it.

    A trial has `name`, `interaction`, `parts` and ``fit(model, table, rate, seed, report)``.
    """

    kind = "vectors"

    def __init__(self, run, plan, number, interaction):
        self.run, self.plan, self.name, self.interaction = run, plan, interaction.name, interaction
        self.world = VectorWorld(interaction.table, run.rng(30, number), WIDTH)
        drawn = {part: Examples(*self.world.sample(SIZES[part], run.rng(31, number, k)))
                 for k, part in enumerate(("val", "test"))}
        self.parts = _with_permuted(drawn, run.rng(32, number))

    def fit(self, kind, table, rate, seed, report):
        """Train a contender on examples of a table, and test it on those of the world."""
        rng = np.random.default_rng([seed, 33])
        model = vector_model(kind, self.interaction.table.sum((0, 1)), rng)
        data = Examples(*self.world.sample(SIZES["train"], rng, table))
        learned(self.run, replace(self.plan, peak_rate=rate), model, data, seed, report)
        return {part: is_right(model, examples) for part, examples in self.parts.items()}


def _with_permuted(parts, rng):
    """The parts, and the test with either modality permuted."""
    return parts | {f"{name} permuted": parts["test"].permuted(place, rng) for place, name in enumerate(SINGLES)}


def vector_model(kind, prior, rng, parameters=PARAMETERS):
    """A contender by name, for classes of known frequency, with at most so many parameters."""
    classes = len(prior)

    def encoder():
        return VectorEncoder(WIDTH, ENCODED, rng=rng)

    def alone(place, parameters):
        return sized(lambda width: Alone(encoder(), place, width, classes, rng=rng), parameters)

    if kind in SINGLES:
        return alone(SINGLES.index(kind), parameters)
    if kind == "product":
        return Experts([alone(place, parameters // 2) for place in range(2)], prior)
    fusion = {"concatenation": ConcatenationFusion, "bilinear": _bilinear}[kind]
    widths = dict.fromkeys(SINGLES, ENCODED)
    return sized(lambda width: Together({name: encoder() for name in SINGLES}, fusion(widths, width, rng=rng), classes,
                                        rng=rng), parameters)


def _bilinear(widths, width, *, rng):
    return MLBFusion(widths, width, hidden=width, rng=rng)


# What is compared -------------------------------------------------------------------------------------------------


def _contenders(trial):
    """The contenders of a world, and those of its controls."""
    table = trial.interaction.table
    own = [Contender(f"{trial.name}/{kind}", partial(trial.fit, kind, table), trial.kind)
           for kind in (*SINGLES, *FUSIONS, "product")]
    controls = {"second replaced": second_replaced(table), "labels shuffled": unlabelled(table)}
    return own + [Contender(f"{trial.name}/{name}", partial(trial.fit, FUSIONS[0], other), trial.kind,
                            like=f"{trial.name}/{FUSIONS[0]}") for name, other in controls.items()]


def _against(trial, others):
    return Comparison(trial.name, _named(trial, FUSIONS), _named(trial, others))


def _controls(trial):
    """What must be so if the experiment on a world is sound.

    Trained without the second modality, a fusion gains nothing on the first one alone; trained on shuffled labels, it
    is right no more often than who always says the likeliest label. And where it gains by a modality it does not
    without it: that one comes from another example is a loss.
    """
    interaction, fusion = trial.interaction, _named(trial, FUSIONS)
    first, second, both = interaction.accuracies
    chance = bayes_accuracy(interaction.table, ())
    controls = [Comparison(f"{trial.name}, second replaced in training", _named(trial, ["second replaced"]),
                           _named(trial, ["first"]), expected="no gain"),
                Comparison(f"{trial.name}, labels shuffled in training", _named(trial, ["labels shuffled"]), chance,
                           expected="no gain")]
    needed = [name for name, without in zip(SINGLES, (second, first)) if both > without]
    return controls + [Comparison(f"{trial.name}, {name} permuted at test", fusion, fusion, "test", f"{name} permuted")
                       for name in needed]


def _ceilings(trial):
    """By contender and part, what Bayes' rule reaches."""
    first, second, both = trial.interaction.accuracies
    best = {"first": first, "second": second, **dict.fromkeys((*FUSIONS, "product"), both), "second replaced": both}
    return {(f"{trial.name}/{kind}", "test"): accuracy for kind, accuracy in best.items()}


def _named(trial, kinds):
    return tuple(f"{trial.name}/{kind}" for kind in kinds)
