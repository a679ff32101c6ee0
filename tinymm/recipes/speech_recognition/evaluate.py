"""Scores of the recogniser and of its baselines on the part that training never saw, with intervals."""

from dataclasses import dataclass

import numpy as np

from ...functional import softmax
from ...metrics import bootstrap_interval, edit_distance, wilson_interval, word_error_rate
from ...viz import format_table
from .. import classification, results
from ..results import OURS
from .baselines import classified, commonest_digit, cut_and_classified, majority
from .decoding import bigrams, transcripts
from .features import spectrogram
from .model import scores_of

__all__ = ["Outcome", "evaluate", "flat", "table", "with_intervals"]


@dataclass
class Outcome:
    """What was said of a part by each system, ours first.

    Attributes
    ----------
    isolated : bool
    part : Part
    said : dict of str to list of tuple of int
        system → the digits of each clip.
    scores : list of float array
        Of our model: (10,) or (N, 11) of each clip.
    """

    isolated: bool
    part: object
    said: dict
    scores: list

    @property
    def lower_is_better(self):
        return () if self.isolated else ("digit_error_rate", "string_error_rate")

    @property
    def labels(self):
        """The single digit of each clip: int array."""
        return np.array([d for d, in self.part.digits])

    @property
    def probabilities(self):
        """Of the ten digits, for isolated clips (n, 10)."""
        return softmax(np.array(self.scores), -1)

    def classes(self, system=OURS):
        """What a system took each isolated clip for: int array."""
        return np.array([d for d, in self.said[system]])

    def metrics(self):
        """system → metric → number."""
        if self.isolated:
            return classification.evaluate({system: self.classes(system) for system in self.said}, self.labels)
        return {system: {"digit_error_rate": word_error_rate(said, self.part.digits),
                         "string_error_rate": float(np.mean([a != b for a, b in zip(said, self.part.digits)]))}
                for system, said in self.said.items()}


def evaluate(model, task, decoding, rng):
    """Test the model and each baseline once: Outcome.

    Parameters
    ----------
    model : Recogniser or Classifier
    task : Task
    decoding : Decoding
        For strings.
    rng : numpy.random.Generator
        Shuffles the clips of the baseline that hears others.
    """
    train, test = task.parts["train"], task.parts["test"]
    scores = scores_of(model, test.sounds)
    if task.isolated:
        ours = [(int(row.argmax()),) for row in scores]
        labels = np.array([d for d, in train.digits])
        linear = classified([spectrogram(s) for s in train.sounds], labels, [spectrogram(s) for s in test.sounds])
        others = {"majority": _as_strings(majority(train, len(test))), "logistic regression": _as_strings(linear)}
    else:
        model = bigrams(task.draw(np.arange(len(train)), rng)[1]) if decoding.lm else None
        ours = transcripts(scores, decoding, model)
        others = {"commonest digit": commonest_digit(train, len(test)), "equal cuts": cut_and_classified(train, test)}
    shift = 1 + int(rng.integers(max(1, len(test) - 1)))  # nobody keeps their own clip
    shuffled = [ours[(i + shift) % len(ours)] for i in range(len(ours))]
    return Outcome(task.isolated, test, {OURS: ours, **others, "shuffled audio": shuffled}, scores)


def _as_strings(classes):
    return [(int(d),) for d in classes]


def with_intervals(outcome):
    """system → metric → (value, low, high); digit errors resampled by string, shares by Wilson's formula."""
    return {system: {metric: (value, *_interval(outcome, system, metric, value)) for metric, value in scores.items()
                     if metric != "macro_f1"} for system, scores in outcome.metrics().items()}


def _interval(outcome, system, metric, value):
    n = len(outcome.part)
    if metric != "digit_error_rate":
        return wilson_interval(round(value * n), n)
    # A string's errors over the mean length: their mean is the digit error rate.
    mean = np.mean([len(string) for string in outcome.part.digits])
    errors = [edit_distance(a, b) / mean for a, b in zip(outcome.said[system], outcome.part.digits)]
    return bootstrap_interval(errors, np.random.default_rng(0))


def flat(outcome, prefix="test"):
    """name → number, as `metrics.json` holds them. With digits as words the word error rate is the digit error rate."""
    found = results.flat({prefix: outcome.metrics()})
    for system, scores in with_intervals(outcome).items():
        if system == OURS:
            for metric, (_, low, high) in scores.items():
                found |= {f"{prefix}/{metric}/low": low, f"{prefix}/{metric}/high": high}
    if not outcome.isolated:
        found[f"{prefix}/word_error_rate"] = found[f"{prefix}/digit_error_rate"]
    return found


def table(outcome, title):
    """The numbers as text, for the terminal."""
    systems = with_intervals(outcome)
    metrics = list(systems[OURS])
    rows = [[system, *(cell for m in metrics for cell in (scores[m][0], f"{scores[m][1]:.3f} to {scores[m][2]:.3f}"))]
            for system, scores in systems.items()]
    header = ["system", *(name for m in metrics for name in (m.replace("_", " "), "95 % interval"))]
    return f"\n{title} ({len(outcome.part)} clips)\n" + format_table(rows, header)
