"""What the recogniser has to beat: the commonest answer, and a linear model of the spectrogram's outline."""

from collections import Counter

import numpy as np

from ..baselines import logistic_regression, majority_class
from .features import spectrogram

__all__ = ["classified", "commonest_digit", "cut_and_classified", "outline"]

STRETCHES, PENALTY = 8, 1e-2


def outline(x, stretches=STRETCHES):
    """A spectrogram (T, F) of any length as one vector: the mean over each of so many equal stretches of time."""
    edges = np.linspace(0, len(x), stretches + 1)
    starts = np.minimum(edges[:-1].astype(int), len(x) - 1)
    stops = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
    return np.concatenate([x[start:stop].mean(0) for start, stop in zip(starts, stops)])


def classified(train, labels, test):
    """Logistic regression on outlines: the digit of each spectrogram of `test`."""
    known, new = (np.array([outline(x) for x in part]) for part in (train, test))
    mean, scale = known.mean(0), known.std(0) + np.float32(1e-6)
    return logistic_regression((known - mean) / scale, labels, (new - mean) / scale, classes=10, penalty=PENALTY)


def commonest_digit(train, n):
    """For each of n strings the commonest digit of the training strings, once:
    no constant answer of one digit is nearer."""
    return [(Counter(d for string in train.digits for d in string).most_common(1)[0][0],)] * n


def cut_and_classified(train, test):
    """Told how many digits there are, cut each clip into as many equal pieces and classify each: the strings of `test`.

    It learns from the pieces of training strings; of single digits the whole clip is the piece.
    """
    pieces = [[p for sound, string in zip(*part.clips(range(len(part)))) for p in _pieces(sound, len(string))]
              for part in (train, test)]
    found = iter(classified(pieces[0], np.array([d for string in train.digits for d in string]), pieces[1]).tolist())
    return [tuple(next(found) for _ in string) for string in test.digits]


def majority(train, n):
    """The commonest digit of single training clips, n times."""
    return majority_class(np.array([d for d, in train.digits]), n)


def _pieces(sound, count):
    return np.array_split(spectrogram(sound), count)
