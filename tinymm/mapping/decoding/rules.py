r"""Rules that any decoder can be given: words that must not come, or should come less often.

A rule is a function `rule(log_p, captions) -> log_p`: log_p (n, V), of the next words; captions, n lists of the words
so far, without `bos`, all of one length. It sets what it forbids to −∞ and may lower the rest, never raise it. Rules
work one after the other, `rules=(MinimumLength(EOS, 3), NoRepeatNgram(2))`. One that leaves a caption without any word
is an error.

What is left is not normalised again. Sampling normalises in any case; the scores of a beam search stay those of the
model, so that a caption does not become likelier because its rivals were forbidden.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np

__all__ = ["AllowedAfter", "AllowedWords", "ForbiddenWords", "MinimumLength", "NoRepeatNgram", "RepetitionPenalty"]


@dataclass(frozen=True)
class AllowedWords:
    """Only these words; `eos` among them, or no caption ever closes.

    Examples
    --------
    >>> AllowedWords((0, 2))(np.log(np.array([[0.25, 0.5, 0.25]])), [[]]).round(2)
    array([[-1.39,  -inf, -1.39]])
    """

    words: tuple

    def __call__(self, log_p, captions):
        return _only(log_p, [self.words] * len(log_p))


@dataclass(frozen=True)
class ForbiddenWords:
    """None of these words.

    Examples
    --------
    >>> ForbiddenWords((1,))(np.log(np.array([[0.25, 0.5, 0.25]])), [[]]).round(2)
    array([[-1.39,  -inf, -1.39]])
    """

    words: tuple

    def __call__(self, log_p, captions):
        return _without(log_p, [self.words] * len(log_p))


@dataclass(frozen=True)
class AllowedAfter:
    """Only words that a function allows after those so far: a grammar, or a list of captions to choose from.

    Parameters
    ----------
    allowed : callable
        `allowed(words)` → the words that may follow, `eos` among them where the caption may close; words, a list,
        without `bos`.

    References
    ----------
    De Cao et al. (2021), Autoregressive entity retrieval, §3.2: the prefixes of a list of names.

    Examples
    --------
    >>> rule = AllowedAfter(lambda words: [2] if words == [1] else [1])
    >>> rule(np.log(np.array([[0.2, 0.5, 0.3]] * 2)), [[1], [0]]).round(2)
    array([[ -inf,  -inf, -1.2 ],
           [ -inf, -0.69,  -inf]])
    """

    allowed: Callable

    def __call__(self, log_p, captions):
        return _only(log_p, [self.allowed(caption) for caption in captions])


@dataclass(frozen=True)
class MinimumLength:
    """`eos` is forbidden before so many words are said.

    Examples
    --------
    >>> MinimumLength(eos=0, length=2)(np.log(np.array([[0.5, 0.5]])), [[1]]).round(2)
    array([[ -inf, -0.69]])
    """

    eos: int
    length: int

    def __post_init__(self):
        if self.length < 0:
            raise ValueError(f"MinimumLength: length must not be negative; got {self.length}")

    def __call__(self, log_p, captions):
        return _without(log_p, [(self.eos,) if len(caption) < self.length else () for caption in captions])


@dataclass(frozen=True)
class NoRepeatNgram:
    """No n words in a row that the caption has already; with n = 1 no word twice.

    A blunt rule: "a red circle and a red square" is forbidden with n = 2.

    References
    ----------
    Paulus, Xiong & Socher (2018), A deep reinforced model for abstractive summarization, §2.5 (with n = 3).

    Examples
    --------
    >>> NoRepeatNgram(2)(np.log(np.array([[0.5, 0.25, 0.25]])), [[1, 2, 1]]).round(2)      # 1 2 was said
    array([[-0.69, -1.39,  -inf]])
    """

    n: int

    def __post_init__(self):
        if self.n < 1:
            raise ValueError(f"NoRepeatNgram: n must be at least 1; got {self.n}")

    def __call__(self, log_p, captions):
        return _without(log_p, [self._said(caption) for caption in captions])

    def _said(self, caption):
        """The words that followed the caption's last n − 1 words before."""
        context = self.n - 1
        last = list(caption[len(caption) - context:])
        return [caption[i + context] for i in range(len(caption) - context) if list(caption[i:i + context]) == last]


@dataclass(frozen=True)
class RepetitionPenalty:
    r"""Words that the caption has already become less likely: $\log p_w \to \theta \log p_w$, that is $p_w^\theta$.

    Parameters
    ----------
    penalty : float
        θ ≥ 1; 1 changes nothing.

    Notes
    -----
    Keskar et al. divide a *logit* by θ. A logit of −2 divided by 1.2 is −1.7: the word becomes likelier. (Their
    followers multiply where it is negative.) And a logit has no zero of its own: a constant added to all logits changes
    no probability, but changes what the penalty does. A log-probability is never positive and has its zero where
    p = 1, so multiplying always lowers it, and depends on p alone. A word of p = 1 stays as it is: where the model is
    sure, the penalty does nothing.

    References
    ----------
    Keskar et al. (2019), CTRL: a conditional transformer language model for controllable generation, §4.1.

    Examples
    --------
    >>> np.exp(RepetitionPenalty(2.0)(np.log(np.array([[0.5, 0.25, 0.25]])), [[0]])).round(4)
    array([[0.25, 0.25, 0.25]])
    """

    penalty: float

    def __post_init__(self):
        if not 1 <= self.penalty < np.inf:
            raise ValueError(f"RepetitionPenalty: penalty must be at least 1; got {self.penalty}")

    def __call__(self, log_p, captions):
        log_p = log_p.copy()
        for row, caption in zip(log_p, captions):
            said = list(set(caption))
            row[said] = np.minimum(row[said], self.penalty * row[said])  # rounding may leave a log p above 0
        return log_p


def _only(log_p, allowed):
    """−∞ but for these words of each row."""
    kept = np.full_like(log_p, -np.inf)
    for row, before, words in zip(kept, log_p, allowed):
        words = list(words)
        row[words] = before[words]
    return kept


def _without(log_p, forbidden):
    """−∞ for these words of each row."""
    log_p = log_p.copy()
    for row, words in zip(log_p, forbidden):
        row[list(words)] = -np.inf
    return log_p
