"""Several modalities are robust to noise and to what is missing (article 1.1.2, 1.2.2): pictures with partial captions.

The article's example is a blurred picture that a caption helps to understand. Here a caption tells what it tells, and
picture and caption get worse by degrees, in ways that training has seen and in others; or one of them is missing. A
fusion has two bars: the bad modality alone, and the one that is still clean, alone. Whoever falls below the second
would have done better without the bad one. All contenders are trained twice: on clean pairs, and on pairs of which
some are noisy.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from ..plan import Plan
from .contenders import Examples, is_right, learned
from .experiment import Claim, Comparison, Contender
from .measuring import TUNING
from .noise_contenders import FUSIONS, NAIVE, model_of
from .noise_figures import Told
from .noisy_pairs import CLASSES, MODALITIES, SEVERITIES, SWEEPS, corrupted, draw_pairs, told_accuracy, varied

__all__ = ["CONDITIONS", "PLAN", "SIZES", "SCHOOLS", "area", "claim", "claim_about"]

SCHOOLS = ("clean", "noisy")  # what a contender is trained and validated on
SIZES = {"train": 2500, "val": 500, "test": 1000}
PLAN = Plan(batch_size=64, steps=400, peak_rate=1e-3, weight_decay=0.01, replicas=1)
EXAMPLE = {"blur": 0.75, "words missing": 0.5}  # the article's: how blurred, how partial the caption
# The parts of the test that decide, and the modality that is bad in each, or None if both are.
CONDITIONS = {"example": None, "both seen": None, "both new": None, "blur": "picture", "new in picture": "picture",
              "words missing": "text", "new in text": "text"}
NEW = {"new in picture": ("noise", "occlusion"), "new in text": ("words exchanged", "words foreign")}
RATES = (3e-3, 1e-2, 3e-2)  # learning rates to choose from
SHUFFLED = "clean/labels shuffled"


def claim(run, quick):
    """The claim on the embedded pairs."""
    return claim_about(run, replace(PLAN, steps=PLAN.steps // 2) if quick else PLAN, draw_pairs)


def claim_about(run, plan, draw, sizes=SIZES):
    """The claim on any pairs.

    Parameters
    ----------
    run : Run
    plan : Plan
    draw : callable
        ``draw(n, rng)`` → Pairs.
    sizes : dict of str to int
        How many pairs to train, validate and test on.

    Returns
    -------
    Claim
    """
    trial = _Trial(run, plan, draw, sizes)
    contenders = [_contender(trial, school, kind) for school in SCHOOLS for kind in (*MODALITIES, *FUSIONS)]
    tests = [one for school in SCHOOLS for condition in CONDITIONS for one in _tests(school, condition)]
    naive, beside = _bars()
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
        controls=_controls(),
        ceilings=_ceilings(),
        tell=Told((*naive, *beside), len(tests) + len(naive) + len(beside)),
        shown=("test", *CONDITIONS, *(f"{name} missing" for name in MODALITIES)),
    )


def _contender(trial, school, kind):
    return Contender(f"{school}/{kind}", partial(trial.fit, school, kind),
                     "singles" if kind in MODALITIES else "fusions", RATES)


class _Trial:
    """The pairs of the test at every severity, and how a contender is trained and tested on them."""

    def __init__(self, run, plan, draw, sizes):
        self.run, self.plan, self.draw, self.size = run, plan, draw, sizes["train"]
        val, test = (draw(sizes[part], run.rng(40, k)) for k, part in enumerate(("val", "test")))
        self.val = {"clean": val.examples(), "noisy": varied(val, run.rng(41)).examples()}
        self.test = test.examples()
        self.parts = {(sweep, severity): corrupted(test, sweep, severity, run.rng(42, k)).examples()
                      for k, sweep in enumerate(SWEEPS) for severity in SEVERITIES[1:]}
        example = test
        for k, (sweep, severity) in enumerate(EXAMPLE.items()):
            example = corrupted(example, sweep, severity, run.rng(43, k))
        self.single = {"example": example.examples()}
        self.single |= {f"{name} missing": test.examples(missing=name) for name in MODALITIES}
        self.single |= {f"{name} of others": self.test.permuted(place, run.rng(44, place))
                        for place, name in enumerate(MODALITIES)}

    def fit(self, school, kind, rate, seed, report, shuffles=False):
        """Train a contender, and test it: by part whether each item was answered right, or its share over a sweep."""
        rng = np.random.default_rng([seed, 45])
        pairs = self.draw(self.size, rng)
        data = (varied(pairs, rng) if school == "noisy" else pairs).examples()
        if shuffles:
            data = Examples(data.inputs, rng.permutation(data.labels))
        model = model_of(kind, np.random.default_rng([seed, 46]))
        model = learned(self.run, replace(self.plan, peak_rate=rate), model, data, seed, report)
        found = {"val": is_right(model, self.val[school])}
        return found if seed == self.run.seed + TUNING else found | self._tested(kind, partial(is_right, model))

    def _tested(self, kind, right):
        """By part the scores of each item; a single modality is not asked about what lacks it."""
        clean = right(self.test)
        levels = {sweep: [clean, *(right(self.parts[sweep, severity]) for severity in SEVERITIES[1:])]
                  for sweep in SWEEPS}
        levels |= {part: np.mean([levels[sweep] for sweep in sweeps], 0) for part, sweeps in NEW.items()}
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


def _tests(school, condition):
    """A fusion, chosen on validation, against either modality alone, on the same bad pairs."""
    ours, bad = tuple(f"{school}/{kind}" for kind in FUSIONS), CONDITIONS[condition]
    return [Comparison(f"{condition} ({school}) over {single}", ours,
                       (_still_clean(bad) if bad and bad != single else f"{school}/{single}",), condition)
            for single in MODALITIES]


def _bars():
    """Fusions against the modality that is still clean: the naive one over a sweep and at its worst; the one chosen on
    validation at the worst; and both without the bad modality, where to be equal is the best there is."""
    naive, beside = [], []
    for part, bad in CONDITIONS.items():
        if bad:
            naive += [_bar("naive", "clean", (NAIVE,), part, bad), _bar("naive", "clean", (NAIVE,), f"{part} 1", bad)]
            beside += [_bar("chosen", school, FUSIONS, f"{part} 1", bad) for school in SCHOOLS]
    for bad in MODALITIES:
        beside += [_bar("naive", "clean", (NAIVE,), f"{bad} missing", bad)]
        beside += [_bar("chosen", school, FUSIONS, f"{bad} missing", bad) for school in SCHOOLS]
    return naive, beside


def _bar(words, school, kinds, part, bad):
    return Comparison(f"{words} ({school}), {part}", tuple(f"{school}/{kind}" for kind in kinds),
                      (_still_clean(bad),), part)


def _still_clean(bad):
    """The modality that is not bad, alone, by the one who has always seen it clean."""
    return f"clean/{MODALITIES[1 - MODALITIES.index(bad)]}"


def _controls():
    """What must be so if the experiment is sound: nothing is learned from shuffled labels, and both modalities are
    used, so that those of other things do harm."""
    naive = (f"clean/{NAIVE}",)
    return (Comparison("labels shuffled in training", (SHUFFLED,), 1 / len(CLASSES), expected="no gain"),
            *(Comparison(f"{name} of others at test", naive, naive, "test", f"{name} of others")
              for name in MODALITIES))


def _ceilings():
    """By contender and part, what Bayes' rule reaches with the caption alone."""
    by_severity = [told_accuracy(severity) for severity in SEVERITIES]
    best = {"test": told_accuracy(), "example": told_accuracy(EXAMPLE["words missing"]),
            **dict.fromkeys(("words missing", "words foreign", "both seen"), float(area(by_severity)))}
    return {(f"{school}/text", part): accuracy for school in SCHOOLS for part, accuracy in best.items()}
