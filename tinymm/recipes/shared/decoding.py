"""How a trained model's words are chosen: the options of the command, and the decoding they ask for."""

import math
from dataclasses import dataclass

from ...data.texts.tokenizer import BOS, EOS
from ...mapping import (
    MinimumLength,
    NoRepeatNgram,
    RepetitionPenalty,
    diverse_beam_search,
    greedy,
    n_best,
    sample,
)
from .options import require, require_used

__all__ = ["Decoding"]

BEAMS = ("beam", "diverse")
USERS = {"beam": BEAMS, "length_penalty": BEAMS, "groups": "diverse", "diversity": "diverse", "temperature": "sample",
         "top_k": "sample", "top_p": "sample", "min_p": "sample"}


@dataclass(frozen=True)
class Decoding:
    """Decoding.

    Parameters
    ----------
    decode : {"greedy", "beam", "diverse", "sample"}
        Take the likeliest word at each step; keep several beginnings and search for a caption likely as a whole; let
        several searches avoid each other's words; or draw each word.
    beam : int
        With beam and diverse: captions kept at each step; more find likelier ones, not always better ones.
    length_penalty : float
        With beam and diverse: log p is divided by length to this power; 0 favours short captions, 1 takes the mean per
        word.
    groups : int, optional
        With diverse: searches side by side, a divisor of --beam; by default as many as --beam.
    diversity : float
        With diverse: what a word costs, in nats, for each time an earlier group has chosen it at the same step.
    temperature : float
        With sample: log p is divided by it; below 1 sharper, above 1 flatter.
    top_k : int, optional
        With sample: only so many of the likeliest words.
    top_p : float, optional
        With sample: only the likeliest words of this total probability, the nucleus.
    min_p : float, optional
        With sample: only words at least this share as probable as the likeliest; few where the model is sure.
    min_length : int
        Words that a caption must have before it may close.
    repetition_penalty : float
        The log p of words that the caption already has is multiplied by it; 1 does nothing, 1.2 is usual.
    no_repeat_ngram : int, optional
        No so many words in a row twice in a caption; small numbers forbid good captions too (a red square and a red
        circle).
    """

    decode: str = "greedy"
    beam: int = 4
    length_penalty: float = 1.0
    groups: int | None = None
    diversity: float = 0.5
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    min_length: int = 0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int | None = None

    def __post_init__(self):
        require(self.beam >= 1, "--beam", "must be at least 1", self.beam)
        require(0 <= self.length_penalty < math.inf, "--length-penalty", "must be at least 0", self.length_penalty)
        require(self.groups is None or self.groups >= 1 and self.beam % self.groups == 0, "--groups",
                "must divide --beam", f"{self.groups} with --beam {self.beam}")
        require(0 <= self.diversity < math.inf, "--diversity", "must be at least 0", self.diversity)
        require(0 < self.temperature < math.inf, "--temperature", "must be positive; for the likeliest word use "
                "--decode greedy", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "--top-k", "must be at least 1", self.top_k)
        require(self.top_p is None or 0 < self.top_p <= 1, "--top-p", "must lie in (0, 1]", self.top_p)
        require(self.min_p is None or 0 <= self.min_p <= 1, "--min-p", "must lie in [0, 1]", self.min_p)
        require(self.min_length >= 0, "--min-length", "must be at least 0", self.min_length)
        require(1 <= self.repetition_penalty < math.inf, "--repetition-penalty", "must be at least 1",
                self.repetition_penalty)
        require(self.no_repeat_ngram is None or self.no_repeat_ngram >= 1, "--no-repeat-ngram", "must be at least 1",
                self.no_repeat_ngram)
        require_used(self, "decode", USERS)

    def check_n_best(self, n):
        """Refuse --n-best N where the decoding asked for does not find as many captions."""
        require(n >= 1, "--n-best", "must be at least 1", n)
        require(n == 1 or self.decode in BEAMS, "--n-best", "needs --decode beam or diverse", f"--decode {self.decode}")
        found = self.beam if self.decode == "beam" else self._groups()
        require(n == 1 or n <= found, "--n-best", f"must be at most {found}, as many as are kept", n)

    def words(self, step, batch, max_length, rng=None):
        """Captions of a batch as lists of word numbers, without <bos> and <eos>.

        Parameters
        ----------
        step : callable
            As of `tinymm.mapping.greedy`.
        batch, max_length : int
        rng : numpy.random.Generator, optional
            For sampling.
        """
        if self.decode in BEAMS:
            return [found[0].words for found in self.hypotheses(step, batch, max_length)]
        common = (step, batch, BOS, EOS, max_length)
        if self.decode == "greedy":
            return greedy(*common, self._rules())
        if rng is None:
            raise ValueError("Decoding: sampling needs a Generator; got none")
        return sample(*common, rng, self.temperature, self.top_k, self.top_p, self.min_p, self._rules())

    def hypotheses(self, step, batch, max_length, n=1):
        """The captions that a search finds, the best first: for each example up to n pairs (words, score).

        n is at most `beam`; a diverse search gives the best of each group, whatever n is.
        """
        common = (step, batch, BOS, EOS, max_length)
        options = {"beam": self.beam, "length_penalty": self.length_penalty, "rules": self._rules()}
        if self.decode == "beam":
            return n_best(*common, n, **options)
        return diverse_beam_search(*common, groups=self._groups(), diversity=self.diversity, **options)

    def _groups(self):
        return self.beam if self.groups is None else self.groups

    def _rules(self):
        """Those that were asked for, in the order in which they work."""
        rules = []
        if self.repetition_penalty > 1:
            rules.append(RepetitionPenalty(self.repetition_penalty))
        if self.no_repeat_ngram is not None:
            rules.append(NoRepeatNgram(self.no_repeat_ngram))
        if self.min_length:
            rules.append(MinimumLength(EOS, self.min_length))
        return rules
