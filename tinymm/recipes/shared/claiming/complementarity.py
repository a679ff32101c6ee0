"""Two modalities know more than the better one of them (article 1.1.1, 1.2.1), on worlds where that can be computed.

In each world contenders with equally many parameters learn the label: either modality alone with a wider layer, two
fusions, and the late product of two single classifiers. The claim is tested in each: the better fusion less the better
single modality. The first world is the article's example, a clip with its sound; the others are vectors. Where the run
has a folder, digits or emotions in it are tested on instead, and beside that, how much is lost on new speakers.
"""

from functools import partial

import numpy as np

from ....data.interactions import (
    conjunction, hidden_mixture, mixture, redundant, second_is_noise, synergistic, unique,
)
from .digit_trial import digit_trials
from .emotion_trial import emotion_trials
from .experiment import Claim, Comparison, Contender
from .folders import folder_kind
from .trials import FUSIONS, REPLACED, SHUFFLED, SINGLES, UNORDERED, ClipTrial, VectorTrial

__all__ = ["WORLDS", "claim", "claim_about", "vector_trials"]

WORLDS = (redundant(), unique(), synergistic(), second_is_noise(), conjunction(), mixture(1 / 3, 1 / 3, 1 / 3),
          hidden_mixture())
FROM_FOLDER = {"digits": digit_trials, "emotions": emotion_trials}
PRODUCT = "product"
QUICK = 0.75  # of the steps


def claim(run, quick):
    """The claim in all its worlds, or on the run's folder."""
    share = QUICK if quick else 1.0
    if run.data is not None:
        return claim_about(FROM_FOLDER[folder_kind(run.data)](run, share))
    return claim_about([ClipTrial(run, share), *vector_trials(run, share)])


def vector_trials(run, share):
    """The worlds that are shown as vectors, with a share of the steps: list of VectorTrial."""
    return [VectorTrial(run, share, number, interaction) for number, interaction in enumerate(WORLDS)]


def claim_about(trials):
    """The claim in some worlds.

    Parameters
    ----------
    trials : sequence of Trial

    Returns
    -------
    Claim
    """
    return Claim(
        name="complementarity",
        section="1.1.1, 1.2.1",
        sentence="Modalities complement each other: two know more than the better one of them.",
        null="A fusion of both is right no more often than the better modality alone, with as many parameters.",
        contenders=tuple(one for trial in trials for one in _contenders(trial)),
        tests=tuple(_against(trial, SINGLES) for trial in trials),
        beside=tuple(_against(trial, (PRODUCT,)) for trial in trials) + tuple(
            one for trial in trials for one in (*_order(trial), *_by_speaker(trial))),
        controls=tuple(one for trial in trials for one in _controls(trial)),
        ceilings={pair: best for trial in trials for pair, best in _ceilings(trial).items()},
        tell=partial(_tell, trials),
    )


def _contenders(trial):
    """The contenders of a world, and those of its controls."""
    own = [Contender(f"{trial.name}/{kind}", partial(trial.fit, kind, None), trial.kind)
           for kind in (*SINGLES, *FUSIONS, PRODUCT)]
    return own + [Contender(f"{trial.name}/{change}", partial(trial.fit, FUSIONS[0], change), trial.kind,
                            like=f"{trial.name}/{FUSIONS[0]}") for change in (REPLACED, SHUFFLED)]


def _against(trial, others):
    return Comparison(trial.name, _named(trial, FUSIONS), _named(trial, others))


def _order(trial):
    """Whether a fusion uses the order of frames, where there are any."""
    fusion = _named(trial, FUSIONS)
    return [Comparison(f"{trial.name}, order of frames", fusion, fusion, "test", UNORDERED)] \
        if UNORDERED in trial.parts else []


def _by_speaker(trial):
    """How much a modality and a fusion lose where the speaker is new; and, unless the test is on new speakers already,
    whether a fusion gains on either modality there."""
    if trial.speakers is None:
        return []
    known, new = trial.speakers
    fusion, first, second = (_named(trial, kinds) for kinds in (FUSIONS, SINGLES[:1], SINGLES[1:]))
    lost = [Comparison(f"{trial.name}, {words}, known over new speakers", some, some, known, new)
            for words, some in (("first alone", first), ("fusion", fusion))]
    return lost + [Comparison(f"{trial.name}, new speakers, over the {words}", fusion, single, new)
                   for words, single in (("first", first), ("second", second)) if known == "test"]


def _controls(trial):
    """What must be so if the experiment on a world is sound.

    Trained with another example's second modality, a fusion gains nothing on the first one alone, and nor does it
    where either modality is another example's at test. Trained on shuffled labels, it is right no more often than who
    always says the likeliest.
    """
    fusion, first, second = (_named(trial, kinds) for kinds in (FUSIONS, SINGLES[:1], SINGLES[1:]))
    chance = float(np.max(trial.prior))
    return [
        Comparison(f"{trial.name}, second replaced in training", _named(trial, [REPLACED]), first, expected="no gain"),
        Comparison(f"{trial.name}, labels shuffled in training", _named(trial, [SHUFFLED]), chance, expected="no gain"),
        Comparison(f"{trial.name}, second permuted at test", fusion, first, "second permuted", "test", "no gain"),
        Comparison(f"{trial.name}, first permuted at test", fusion, second, "first permuted", "test", "no gain"),
    ]


def _ceilings(trial):
    """By contender and part, the best that is possible, where it is known."""
    if trial.accuracies is None:
        return {}
    first, second, both = trial.accuracies
    best = {(kind, "test"): both for kind in (*FUSIONS, PRODUCT, REPLACED)}
    best |= {("first", "test"): first, ("second", "test"): second}
    for kind in (*FUSIONS, PRODUCT):
        best |= {(kind, "first permuted"): second, (kind, "second permuted"): first}
        if UNORDERED in trial.parts:
            best[kind, UNORDERED] = trial.unordered_accuracy
    return {(f"{trial.name}/{kind}", part): accuracy for (kind, part), accuracy in best.items()}


def _named(trial, kinds):
    return tuple(f"{trial.name}/{kind}" for kind in kinds)


# What is shown ----------------------------------------------------------------------------------------------------


def _tell(trials, report, scores):
    """Add what is known of the worlds beside what was measured, what is lost on new speakers, and all accuracies."""
    _tell_worlds([trial for trial in trials if trial.accuracies], report, scores)
    _tell_speakers([trial for trial in trials if trial.speakers], report, scores)
    for trial in trials:
        ceilings = _ceilings(trial)
        bars = {}
        for kind in (*FUSIONS, *SINGLES, PRODUCT):
            name = f"{trial.name}/{kind}"
            best = ceilings.get((name, "test"))
            bars[kind if best is None else f"{kind}, at most {best:.3f}"] = scores[name]["test"].mean(1)
        report.bars(bars, f"{trial.name}: accuracy")


def _tell_worlds(trials, report, scores):
    rows = []
    for trial in trials:
        first, second, both = trial.accuracies
        found = [np.mean(scores[name]["test"]) for name in _named(trial, (*SINGLES, *FUSIONS))]
        rows.append([trial.name, *trial.interaction.information, both - max(first, second),
                     max(found[2:]) - max(found[:2])])
    if rows:
        report.table(rows, ["world", "redundant", "unique to the first", "unique to the second", "synergistic",
                            "gain possible", "gain of the best"], (
            "Of each world the bits of its partial information decomposition (BROJA), and by how much Bayes' rule is "
            "more often right with both modalities than with the better one; beside it, what was gained."))


def _tell_speakers(trials, report, scores):
    """By trial and contender the accuracy where speakers are known, where they are new, and the fall, on the same
    clips."""
    rows = []
    for trial in trials:
        for kind in (*SINGLES, *FUSIONS, PRODUCT):
            known, new = (scores[f"{trial.name}/{kind}"][part].mean() for part in trial.speakers)
            rows.append([trial.name, kind, known, new, known - new])
    if rows:
        report.table(rows, ["data", "contender", "known speakers", "new speakers", "fall"], (
            "The same clips, answered by trainings that know the speaker, from other clips, and by one that does not."))
