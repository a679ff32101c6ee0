"""Questions about pictures or clips with an answer each: what every reader of them returns."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["Questions", "answer_vocabulary"]



@dataclass
class Questions:
    """Questions and answers; the pictures or clips they are about are read when needed.

    Attributes
    ----------
    texts, answers : list of str
        The questions, and the one answer of each that is to be learned.
    images : int array (N,)
        The number of the picture or clip that each question is about. As groups of `group_split` these keep every
        picture in one part.
    size : tuple of int
        (C, H, W) of every picture, or (T, C, H, W) of every clip.
    load : callable
        `load(numbers)` → float32 (n, *size) in [0, 1]: the pictures or clips of these numbers, whether or not the
        questions that are left ask about them.
    humans : list of tuple of str, or None
        All answers that people gave to each question, where the publisher has them; for `vqa_accuracy`.
    vocabulary : tuple of str, or None
        All answers there may be, where the publisher says so.
    notes : dict
        What the reader left out, for the report.

    Examples
    --------
    >>> pixels = np.zeros((2, 3, 4, 4), np.float32)
    >>> data = Questions(["is it red?", "what is it?", "is it red?"], ["yes", "cat", "no"], np.array([0, 0, 1]),
    ...                  size=(3, 4, 4), load=lambda numbers: pixels[numbers])
    >>> part = data.part([2, 0])
    >>> part.texts, part.answers, part.load(part.images).shape
    (['is it red?', 'is it red?'], ['no', 'yes'], (2, 3, 4, 4))
    >>> data.labels(("yes", "no"))
    array([ 0, -1,  1])
    """

    texts: list
    answers: list
    images: np.ndarray
    size: tuple
    load: Callable
    humans: list | None = None
    vocabulary: tuple | None = None
    notes: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.texts)

    def part(self, rows):
        """The questions of the given rows, in the order given; pictures keep their numbers."""
        return replace(self, texts=[self.texts[i] for i in rows], answers=[self.answers[i] for i in rows],
                       images=self.images[np.asarray(rows, int)],
                       humans=self.humans and [self.humans[i] for i in rows])

    def labels(self, vocabulary):
        """The answers as numbers that index `vocabulary`, -1 for what it lacks: int64 (N,)."""
        numbers = {answer: number for number, answer in enumerate(vocabulary)}
        return np.array([numbers.get(answer, -1) for answer in self.answers], np.int64)


def answer_vocabulary(answers, most=None):
    """The most frequent answers, among which a model chooses; of equally frequent ones the first by the alphabet.

    Parameters
    ----------
    answers : sequence of str
        Those of training.
    most : int, optional
        How many; by default all.

    Returns
    -------
    tuple of str
        The most frequent first.

    Examples
    --------
    >>> answer_vocabulary(["no", "yes", "2", "yes", "2", "red"], most=3)
    ('2', 'yes', 'no')
    """
    counts = Counter(answers)
    return tuple(sorted(counts, key=lambda answer: (-counts[answer], answer))[:most])
