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
    that stand before them: "Francisco" may be frequent, but follows one word only. d is estimated from how many n-grams
    count once and twice, $d = n_1 / (n_1 + 2 n_2)$.

    Parameters
    ----------
    sentences : iterable of sequences of hashable
        What to count.
    order : int
        n, the longest n-gram. 1 takes no notice of the words before.
    vocabulary : iterable of hashable, optional
        V, all words there are; by default those of the sentences.

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
        self.vocabulary = {word for sentence in sentences for word in sentence} if vocabulary is None \
            else set(vocabulary)
        for sentence in sentences:
            self._require(sentence)
        occurrences = defaultdict(int)
        for sentence in sentences:
            padded = (*[START] * (order - 1), *sentence, None)
            for end in range(order, len(padded) + 1):
                occurrences[padded[end - order:end]] += 1
        self.levels = [_level_of(occurrences)]                       # of the longest n-grams, then of shorter ones
        while len(self.levels) < order:
            occurrences = _preceded(occurrences)
            self.levels.append(_level_of(occurrences))

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
        self._require((*history, *([] if word is None else [word])))
        recent = (*[START] * (self.order - 1), *history)
        recent = recent[len(recent) - self.order + 1:]
        p = 1 / (len(self.vocabulary) + 1)
        for length, (discount, followers) in enumerate(reversed(self.levels)):
            seen = followers.get(recent[len(recent) - length:])
            if seen:
                total = sum(seen.values())
                p = (max(seen.get(word, 0) - discount, 0) + discount * len(seen) * p) / total
        return math.log(p)

    def perplexity(self, sentences):
        r"""The number of equally likely words that would surprise as much, $\exp(-\frac1N\sum\ln p)$, ends included.

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
    """(d, history -> {word: count}) of n-grams."""
    followers = defaultdict(dict)
    for (*history, word), count in counts.items():
        followers[tuple(history)][word] = count
    once, twice = (sum(count == k for count in counts.values()) for k in (1, 2))
    return once / (once + 2 * twice) if once and twice else 0.5, dict(followers)


def _preceded(counts):
    """For each n-gram without its first word: how many first words it was seen with."""
    found = defaultdict(int)
    for ngram in counts:
        found[ngram[1:]] += 1
    return found
