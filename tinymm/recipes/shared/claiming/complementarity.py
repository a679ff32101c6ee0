"""Two modalities know more than the better one of them (article 1.1.1, 1.2.1), on worlds where that can be computed.

In each world contenders with equally many parameters learn the label: either modality alone with a wider layer, two
fusions, and the late product of two single classifiers. The claim is tested in each: the better fusion less the better
single modality.
"""

from functools import partial

from ....data.interactions import (
    conjunction, hidden_mixture, mixture, redundant, second_is_noise, second_replaced, synergistic, unique, unlabelled,
)
from ....metrics import bayes_accuracy
from .experiment import Claim, Comparison, Contender
from .trials import FUSIONS, SINGLES, ClipTrial, VectorTrial

__all__ = ["WORLDS", "claim", "claim_about"]

WORLDS = (redundant(), unique(), synergistic(), second_is_noise(), conjunction(), mixture(1 / 3, 1 / 3, 1 / 3),
          hidden_mixture())


def claim(run, quick):
    """The claim with all its worlds."""
    share = 0.5 if quick else 1.0
    vectors = [VectorTrial(run, share, number, interaction) for number, interaction in enumerate(WORLDS)]
    return claim_about([ClipTrial(run, share), *vectors])


def claim_about(worlds):
    """The claim in some worlds.

    Parameters
    ----------
    worlds : sequence of VectorTrial or ClipTrial

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
