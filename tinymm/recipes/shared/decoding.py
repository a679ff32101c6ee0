"""How a trained model's words are chosen: the options of the command, and the decoding they ask for."""

import math
from dataclasses import dataclass

from ...data.texts.tokenizer import BOS, EOS
from ...mapping import beam_search, greedy, sample
from .options import require, require_used

__all__ = ["Decoding"]

USERS = {"beam": "beam", "temperature": "sample", "top_k": "sample", "top_p": "sample"}


@dataclass(frozen=True)
class Decoding:
    """Decoding.

    Parameters
    ----------
    decode : {"greedy", "beam", "sample"}
        Take the likeliest word, search with a beam, or draw.
    beam : int
        With beam: captions kept at each step.
    temperature : float
        With sample: below 1 sharper, above 1 flatter.
    top_k : int, optional
        With sample: only so many of the likeliest words.
    top_p : float, optional
        With sample: only the likeliest words of this total probability.
    """

    decode: str = "greedy"
    beam: int = 4
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self):
        require(self.beam >= 1, "--beam", "must be at least 1", self.beam)
        require(0 < self.temperature < math.inf, "--temperature", "must be positive", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "--top-k", "must be at least 1", self.top_k)
        require(self.top_p is None or 0 < self.top_p <= 1, "--top-p", "must lie in (0, 1]", self.top_p)
        require_used(self, "decode", USERS)

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
        common = (step, batch, BOS, EOS, max_length)
        if self.decode == "greedy":
            return greedy(*common)
        if self.decode == "beam":
            return beam_search(*common, beam=self.beam)
        if rng is None:
            raise ValueError("Decoding: sampling needs a Generator; got none")
        return sample(*common, rng, self.temperature, self.top_k, self.top_p)
