r"""A language model that counts: n-grams with interpolated Kneser-Ney smoothing."""

import math
from collections import defaultdict

__all__ = ["NgramModel"]

START = object()  # stands before a sentence; no word is equal to it


class NgramModel:
    r"""The probability of the next word by counts of n-grams, smoothed by shorter ones (interpolated Kneser-Ney).

    $$p_n(w \mid h) = \frac{\max(c(h w) - d, 0)}{c(h)} + \frac{d\, |\{w' : c(h w') > 0\}|}{c(h)}\; p_{n-1}(w \mid h'),
      \qquad p_0(w) = \frac{1}{|V| + 1}$$

    h′ is h without its first word. For the longest n-grams c counts occurrences; for shorter ones, the different words
    that occur before them: "Francisco" may be frequent, but follows one word only. d is estimated from how many
    n-grams have the count 1 and how many the count 2, $d = n_1 / (n_1 + 2 n_2)$.

    Parameters
    ----------
    sentences : iterable of sequences of hashable
        What to count.
    order : int
        n, the length of the longest n-grams. With 1 the words before have no influence.
    vocabulary : iterable of hashable, optional
        V, all possible words; by default those of the sentences.

    Raises
    ------
    ValueError
        If the order is below 1, there is no sentence, or a word is not in the vocabulary.

    References
    ----------
    Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995; Chen and Goodman, "An empirical study of
    smoothing techniques for language modeling", 1999, equation 26.

    Examples
    --------
    >>> model = NgramModel(["the cat sat".split(), "the dog sat".split(), "the dog ran".split()], order=2)
    >>> [round(math.exp(model(("the",), word)), 3) for word in ("dog", "cat", "sat", None)]
    [0.528, 0.194, 0.093, 0.093]
    """

    def __init__(self, sentences, order=3, vocabulary=None):
        sentences = [tuple(sentence) for sentence in sentences]
        if order < 1 or not sentences:
            raise ValueError(f"NgramModel: needs an order of at least 1 and a sentence; "
                             f"got order {order}, {len(sentences)} sentences")
        self.order = order
        if vocabulary is None:
            vocabulary = (word for sentence in sentences for word in sentence)
        self.vocabulary = set(vocabulary)
        for sentence in sentences:
            self._require(sentence)
        occurrences = defaultdict(int)
        for sentence in sentences:
            padded = (*[START] * (order - 1), *sentence, None)
            for end in range(order, len(padded) + 1):
                occurrences[padded[end - order:end]] += 1
        counts = occurrences
        self.levels = [_level_of(counts)]                           # of the longest n-grams, then of shorter ones
        while len(self.levels) < order:
            counts = _preceded(counts)
            self.levels.append(_level_of(counts))

    def __call__(self, history, word):
        """The logarithm of p(word | history); the word None ends a sentence.

        Parameters
        ----------
        history : sequence of hashable
            The sentence so far.
        word : hashable or None

        Returns
        -------
        float
        """
        self._require(history if word is None else (*history, word))
        padded = (*[START] * (self.order - 1), *history)
        p = 1 / (len(self.vocabulary) + 1)                          # p₀, then p₁, p₂, ...
        for length, (discount, followers) in enumerate(reversed(self.levels)):
            h = padded[len(padded) - length:]
            counts = followers.get(h)                               # c(h w) of each word w
            if counts:
                total = sum(counts.values())
                p = (max(counts.get(word, 0) - discount, 0) + discount * len(counts) * p) / total
        return math.log(p)

    def perplexity(self, sentences):
        r"""The number of equally likely words that would be as hard to guess, $\exp(-\frac1N\sum\ln p)$, ends included.

        Parameters
        ----------
        sentences : iterable of sequences

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there is no sentence, or a word is not in the vocabulary.
        """
        scores = [self(sentence[:k], word) for sentence in map(tuple, sentences)
                  for k, word in enumerate((*sentence, None))]
        if not scores:
            raise ValueError("NgramModel: the perplexity of no sentence does not exist")
        return math.exp(-sum(scores) / len(scores))

    def _require(self, words):
        unknown = [word for word in words if word not in self.vocabulary]
        if unknown:
            raise ValueError(f"NgramModel: words must be of the vocabulary, {len(self.vocabulary)} words; "
                             f"got {unknown[0]!r}")


def _level_of(counts):
    """The discount d, and history -> {word: count}, of n-grams of one length with their counts."""
    followers = defaultdict(dict)
    for (*history, word), count in counts.items():
        followers[tuple(history)][word] = count
    once = sum(count == 1 for count in counts.values())
    twice = sum(count == 2 for count in counts.values())
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return discount, dict(followers)


def _preceded(counts):
    """For each n-gram without its first word: with how many different first words it occurs."""
    preceded = defaultdict(int)
    for ngram in counts:
        preceded[ngram[1:]] += 1
    return preceded
