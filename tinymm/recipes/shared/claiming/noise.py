"""Several modalities are robust to noise and to what is missing (article 1.1.2, 1.2.2).

The article's example is a blurred picture that a caption helps to understand. Here a caption tells what it tells, and
picture and caption get worse by degrees, in ways that training has seen and in others; or one of them is missing. Where
the run has a folder, recordings of digits and pictures of them take their places. A
fusion has two bars: the bad modality alone, and the one that is still clean, alone. Whoever falls below the second
would have done better without the bad one. All contenders are trained twice: on clean pairs, and on pairs of which
some are noisy.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from .contenders import Examples, is_right, learned
from .experiment import Claim, Comparison, Contender
from .measuring import TUNING
from .noise_contenders import FUSIONS, NAIVE, model_of
from .noise_figures import Told
from .noisy_digits import spoken_digits
from .noisy_pairs import EMBEDDED
from .noisy_world import SEVERITIES

__all__ = ["SCHOOLS", "area", "claim", "claim_about"]

SCHOOLS = ("clean", "noisy")  # what a contender is trained and validated on
SHUFFLED = "clean/labels shuffled"


def claim(run, quick):
    """The claim on the embedded pairs, or on the digits of the run's folders."""
    world = EMBEDDED if run.data is None else spoken_digits(run)
    return claim_about(run, replace(world, plan=world.plan.shortened(0.5)) if quick else world)


def claim_about(run, world):
    """The claim on any pairs.

    Parameters
    ----------
    run : Run
    world : NoisyWorld

    Returns
    -------
    Claim
    """
    trial = _Trial(run, world)
    contenders = [_contender(trial, school, kind) for school in SCHOOLS for kind in (*world.modalities, *FUSIONS)]
    tests = [one for school in SCHOOLS for condition in world.conditions for one in _tests(world, school, condition)]
    naive, beside = _bars(world)
    return Claim(
        name="noise",
        section="1.1.2, 1.2.2",
        sentence="Several modalities are robust: where one is noisy or missing, another makes up for it.",
        null="Where a modality is bad, a fusion is right no more often than that modality alone, or no more often than "
             "the other one alone.",
        contenders=(*contenders, Contender(SHUFFLED, partial(trial.fit, "clean", NAIVE, shuffles=True), "fusions",
                                           like=f"clean/{NAIVE}")),
        tests=(*tests, *naive),
        beside=tuple(beside),
        controls=_controls(world),
        ceilings={(f"{school}/{kind}", part): best for school in SCHOOLS
                  for (kind, part), best in world.ceilings.items()},
        tell=Told(world, (*naive, *beside), len(tests) + len(naive) + len(beside)),
        shown=("test", *world.conditions, *(f"{name} missing" for name in world.modalities)),
    )


def _contender(trial, school, kind):
    return Contender(f"{school}/{kind}", partial(trial.fit, school, kind),
                     "singles" if kind in trial.world.modalities else "fusions", trial.world.rates)


class _Trial:
    """The pairs of the test at every severity, and how a contender is trained and tested on them."""

    def __init__(self, run, world):
        self.run, self.world = run, world
        val, test = (world.draw(part, run.rng(40, k)) for k, part in enumerate(("val", "test")))
        self.val = {"clean": val.examples(), "noisy": world.varied(val, run.rng(41)).examples()}
        self.test = test.examples()
        self.parts = {(sweep, severity): world.corrupted(test, sweep, severity, run.rng(42, k)).examples()
                      for k, sweep in enumerate(world.sweeps) for severity in SEVERITIES[1:]}
        example = test
        for k, (sweep, severity) in enumerate(world.example.items()):
            example = world.corrupted(example, sweep, severity, run.rng(43, k))
        self.single = {"example": example.examples()}
        self.single |= {f"{name} missing": test.examples(missing=name) for name in world.modalities}
        self.single |= {f"{name} of others": self.test.permuted(place, run.rng(44, place))
                        for place, name in enumerate(world.modalities)}

    def fit(self, school, kind, rate, seed, report, shuffles=False):
        """Train a contender, and test it: by part whether each item was answered right, or its share over a sweep."""
        rng = np.random.default_rng([seed, 45])
        pairs = self.world.draw("train", rng)
        data = (self.world.varied(pairs, rng) if school == "noisy" else pairs).examples()
        if shuffles:
            data = Examples(data.inputs, rng.permutation(data.labels))
        model = model_of(self.world, kind, np.random.default_rng([seed, 46]))
        model = learned(self.run, replace(self.world.plan, peak_rate=rate), model, data, seed, report)
        found = {"val": is_right(model, self.val[school])}
        return found if seed == self.run.seed + TUNING else found | self._tested(kind, partial(is_right, model))

    def _tested(self, kind, right):
        """By part the scores of each item; a single modality is not asked about what lacks it."""
        clean = right(self.test)
        levels = {sweep: [clean, *(right(self.parts[sweep, severity]) for severity in SEVERITIES[1:])]
                  for sweep in self.world.sweeps}
        levels |= {part: np.mean([levels[sweep] for sweep in sweeps], 0) for part, sweeps in self.world.new.items()}
        found = {"test": clean}
        for sweep, scores in levels.items():
            found |= {f"{sweep} {severity:g}": score for severity, score in zip(SEVERITIES[1:], scores[1:])}
            found[sweep] = area(scores)
        return found | {part: right(examples) for part, examples in self.single.items() if part != f"{kind} missing"}


def area(levels):
    """The area under a curve over `SEVERITIES`, by the trapezoidal rule: of 1 everywhere it is 1.

    Examples
    --------
    >>> float(area([1.0, 1.0, 0.0, 0.0, 0.0]))
    0.375
    """
    return np.trapezoid(np.asarray(levels, float), SEVERITIES, axis=0)


# What is compared -------------------------------------------------------------------------------------------------


def _tests(world, school, condition):
    """A fusion, chosen on validation, against either modality alone, on the same bad pairs."""
    ours, bad = tuple(f"{school}/{kind}" for kind in FUSIONS), world.conditions[condition]
    return [Comparison(f"{condition} ({school}) over {single}", ours,
                       (f"clean/{single}" if bad and bad != single else f"{school}/{single}",), condition)
            for single in world.modalities]


def _bars(world):
    """Fusions against the modality that is still clean, as the one who has always seen it clean knows it: the naive one
    over a sweep and at its worst; the one chosen on validation at the worst; and both without the bad modality, where
    to be equal is the best there is."""
    def bar(words, school, kinds, part, bad):
        return Comparison(f"{words} ({school}), {part}", tuple(f"{school}/{kind}" for kind in kinds),
                          (f"clean/{world.other(bad)}",), part)

    naive, beside = [], []
    for part, bad in world.conditions.items():
        if bad:
            naive += [bar("naive", "clean", (NAIVE,), part, bad), bar("naive", "clean", (NAIVE,), f"{part} 1", bad)]
            beside += [bar("chosen", school, FUSIONS, f"{part} 1", bad) for school in SCHOOLS]
    for bad in world.modalities:
        beside += [bar("naive", "clean", (NAIVE,), f"{bad} missing", bad)]
        beside += [bar("chosen", school, FUSIONS, f"{bad} missing", bad) for school in SCHOOLS]
    return naive, beside


def _controls(world):
    """What must be so if the experiment is sound: nothing is learned from shuffled labels, and both modalities are
    used, so that those of other things do harm."""
    naive = (f"clean/{NAIVE}",)
    return (Comparison("labels shuffled in training", (SHUFFLED,), float(world.prior.max()), expected="no gain"),
            *(Comparison(f"{name} of others at test", naive, naive, "test", f"{name} of others")
              for name in world.modalities))
