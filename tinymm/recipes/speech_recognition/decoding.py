"""From the recogniser's scores to digits, and to when each digit was heard."""

from dataclasses import dataclass

import numpy as np

from ...data import NgramModel
from ...functional import ctc_posteriors, log_softmax
from ...mapping import ctc_beam_search, ctc_greedy

__all__ = ["Decoding", "bigrams", "greedy", "posterior", "transcripts"]

ORDER = 2  # of the language model


@dataclass(frozen=True)
class Decoding:
    """How strings are read out of scores: `method` is greedy or beam; the rest is for the beam."""

    method: str = "greedy"
    beam: int = 8
    lm: float = 0.0

    @classmethod
    def checked(cls, decode="greedy", beam=8, lm=0.0):
        """From the options of the command, checked before anything is trained."""
        if beam < 1 or lm < 0:
            raise ValueError(f"--beam, --lm: must be at least 1 and at least 0; got {beam} and {lm}")
        if lm and decode != "beam":
            raise ValueError(f"--lm: needs --decode beam; got --decode {decode}")
        return cls(decode, beam, lm)


def greedy(scores):
    """The digits of the likeliest class of each place, of one clip's scores (N, 11)."""
    return tuple(label - 1 for label in ctc_greedy(scores[:, None], [len(scores)])[0])


def transcripts(scores, decoding, model=None):
    """The digits of each clip, a tuple, out of its scores (N, 11).

    Parameters
    ----------
    scores : list of float array
    decoding : Decoding
    model : NgramModel, optional
        Of labels, d + 1 for the digit d, for a beam with `lm` above 0.
    """
    if decoding.method == "greedy":
        return [greedy(row) for row in scores]
    def searched(row):
        found, = ctc_beam_search(log_softmax(row, -1)[:, None], [len(row)], beam=decoding.beam,
                                 language_model=model, weight=decoding.lm)
        return tuple(label - 1 for label in found)
    return [searched(row) for row in scores]


def bigrams(strings):
    """The language model of training strings (tuples of digits), over the labels of CTC."""
    return NgramModel([[d + 1 for d in string] for string in strings], ORDER, vocabulary=range(1, 11))


def posterior(scores, digits):
    """How likely each lane, blank or digit, is at each place if the clip says `digits`: (N, 2·len(digits) + 1)."""
    labels = np.array([[d + 1 for d in digits]])
    return ctc_posteriors(log_softmax(scores, -1)[:, None], labels, [len(scores)], [len(digits)])[:, 0]
