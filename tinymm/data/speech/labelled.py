"""Speech with its words, its speaker and a class, in memory or in files: what every reader of emotional speech
returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["LabelledSpeech", "oracle_limit"]


@dataclass
class LabelledSpeech:
    """Clips, what is said in them, by whom, and their classes; sounds are read when needed.

    Attributes
    ----------
    labels : int64 array (N,)
        Class numbers, which index `names`.
    names : list of str
    transcripts : list of str
        The words of each clip.
    speakers, sentences : list of str
        Who speaks, and which sentence it is: what a split must keep apart.
    load : callable
        `load(indices)` → list of float32 arrays (T_i,) in [−1, 1], at one rate.
    factors : dict of str to int64 array (N,)
        What else is known of each clip, such as its tone.
    notes : dict
        What the reader left out or changed, for the report.

    Examples
    --------
    >>> data = LabelledSpeech(np.array([0, 1]), ["calm", "angry"], ["yes", "no"], ["ann", "bob"], ["yes", "no"],
    ...                       load=lambda indices: [np.zeros(8, np.float32) for _ in indices])
    >>> part = data.part([1])
    >>> len(part), part.transcripts, part.speakers, part.labels
    (1, ['no'], ['bob'], array([1]))
    """

    labels: np.ndarray
    names: list
    transcripts: list
    speakers: list
    sentences: list
    load: Callable
    factors: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.labels)

    def part(self, rows):
        """The clips of the given rows, in the order given."""
        rows = np.asarray(rows, np.int64)
        transcripts, speakers, sentences = ([column[i] for i in rows]
                                            for column in (self.transcripts, self.speakers, self.sentences))
        return LabelledSpeech(self.labels[rows], self.names, transcripts, speakers, sentences,
                              load=lambda indices: self.load(rows[np.asarray(indices, np.int64)]),
                              factors={name: column[rows] for name, column in self.factors.items()}, notes=self.notes)


def oracle_limit(keys, labels):
    r"""The accuracy that no function of `keys` exceeds on these rows, whatever it was fitted to.

    $$ \frac1n \sum_k \max_c \, \#\{i : \mathrm{key}_i = k,\ y_i = c\} $$

    It is the accuracy of an oracle that has seen the labels and must give equal keys equal answers.

    Parameters
    ----------
    keys : sequence of hashable (n,)
        What is seen of each row.
    labels : int array (n,)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is not one key to each label, or none.

    Examples
    --------
    >>> oracle_limit(["yes", "yes", "no", "no"], np.array([0, 1, 1, 1]))
    0.75
    """
    if len(keys) != len(labels) or not len(keys):
        raise ValueError(f"oracle_limit: needs one key to each label; got {len(keys)} keys, {len(labels)} labels")
    counts = {}
    for key, label in zip(keys, labels):
        of_key = counts.setdefault(key, {})
        of_key[label] = of_key.get(label, 0) + 1
    return sum(max(of_key.values()) for of_key in counts.values()) / len(keys)
