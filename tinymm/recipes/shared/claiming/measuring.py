"""The trainings of all claims: rates are tuned, then every contender is trained with every seed, side by side."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ....machine import usable_cores
from ..kept_jobs import all_kept, is_kept
from ..side_by_side import Countdown

__all__ = ["Measured", "measured"]

TUNING = 1000  # is added to the run's seed for the seed on which rates are tuned


class Measured(NamedTuple):
    """What the trainings of one claim gave.

    Attributes
    ----------
    scores : dict of str to dict of str to array (S, N)
        By contender and part the score of each item with each seed.
    rates : dict of str to float
        By contender the learning rate that was chosen.
    """

    scores: dict
    rates: dict


def measured(run, claims, seeds, tunes=True):
    """Tune and train every contender of some claims.

    Parameters
    ----------
    run : Run
        Its folder is open.
    claims : sequence of Claim
    seeds : int
        How many; they are the run's seed and those after it.
    tunes : bool
        Choose rates; otherwise each contender takes the middle one of its rates.

    Returns
    -------
    dict of str to Measured
        By the name of the claim.
    """
    tunings = {_tuning(claim, contender, rate): (contender, rate) for claim in claims if tunes
               for contender in claim.contenders if contender.like is None and len(contender.rates) > 1
               for rate in contender.rates}
    trainings = {_training(claim, contender, seed): (contender, seed) for claim in claims
                 for contender in claim.contenders for seed in range(run.seed, run.seed + seeds)}
    kinds = {name: contender.kind or contender.name for name, (contender, _) in (tunings | trainings).items()
             if not is_kept(run, name)}
    countdown = Countdown(run.say, kinds, usable_cores(), least=5.0)
    tuned = all_kept(run, {name: (kinds.get(name), partial(contender.fit, rate, run.seed + TUNING))
                           for name, (contender, rate) in tunings.items()}, countdown)
    rates = {claim.name: _rates(claim, {name: found["val"].mean() for name, found in tuned.items()})
             for claim in claims}
    by_training = {_training(claim, contender, seed): rates[claim.name][contender.name] for claim in claims
                   for contender in claim.contenders for seed in range(run.seed, run.seed + seeds)}
    found = all_kept(run, {name: (kinds.get(name), partial(contender.fit, by_training[name], seed))
                           for name, (contender, seed) in trainings.items()}, countdown)
    return {claim.name: Measured({contender.name: _stacked(claim, contender, [
        found[_training(claim, contender, seed)] for seed in range(run.seed, run.seed + seeds)])
        for contender in claim.contenders}, rates[claim.name]) for claim in claims}


def _tuning(claim, contender, rate):
    return f"{claim.name}/{contender.name}/tuning/{rate:g}"


def _training(claim, contender, seed):
    return f"{claim.name}/{contender.name}/{seed}"


def _rates(claim, validated):
    """By contender the best of its rates; the middle one where none was tried, and of equals the one nearest to it."""
    rates = {}
    for contender in claim.contenders:
        if contender.like is None:
            middle = len(contender.rates) // 2
            by_distance = sorted(contender.rates, key=lambda rate: abs(contender.rates.index(rate) - middle))
            rates[contender.name] = max(by_distance, key=lambda rate: validated.get(
                _tuning(claim, contender, rate), 0.0))
    return rates | {contender.name: rates[contender.like] for contender in claim.contenders if contender.like}


def _stacked(claim, contender, by_seed):
    """By part one array (S, N); refused unless the parts of all seeds have the same items."""
    shapes = [{part: values.shape for part, values in found.items()} for found in by_seed]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{claim.name}/{contender.name}: every seed must be tested on the same items; got {shapes}")
    return {part: np.stack([found[part] for found in by_seed]).astype(float) for part in by_seed[0]}
