r"""A model that guesses a hidden word from the words beside it, left and right, by counting."""

from collections import Counter, defaultdict

import numpy as np
from scipy.optimize import minimize

__all__ = ["BOTH", "LEFT", "NeighbourModel", "WIDE"]

LEFT = ((), (-1,), (-2, -1))  # a trigram model: the one and the two words before
BOTH = (*LEFT, (1,), (1, 2), (-1, 1))  # the words before, the words after, and one on each side together
WIDE = (*BOTH, (-2, -1, 1), (-1, 1, 2), (-2, -1, 1, 2))


class NeighbourModel:
    r"""The probability of a word by its neighbours: a mean of relative frequencies, each of one choice of neighbours.

    $$ p(w \mid \text{neighbours}) = \sum_k \lambda_k\, p_k(w \mid c_k), \qquad
       p_k(w \mid c_k) = \frac{n(w, c_k)}{n(c_k)}, \qquad p_0(w) = \frac1V $$

    $c_k$ are the words at the offsets k, such as (-1, 1): the word before and the word after. Neighbours that never
    stood so together have no relative frequency; the λ of the others then sum to 1. This is Jelinek and Mercer's
    interpolation, of contexts on both sides.

    Parameters
    ----------
    rows : sequence of sequence of int
        Texts to count, as numbers below V.
    vocabulary : int
        V.
    contexts : sequence of tuple of int
        The offsets of each choice of neighbours; () for the frequency of the word alone.
    never : collection of int
        Words that stand beside others but are never asked, such as [CLS] and [SEP]: they get no probability.

    References
    ----------
    Jelinek and Mercer (1980), Interpolated estimation of Markov source parameters from sparse data.

    Examples
    --------
    >>> model = NeighbourModel([[0, 1, 2], [0, 3, 2]], 4, ((), (-1, 1)))
    >>> model.weights = np.array([0.0, 0.0, 1.0])                       # of 1/V, (), (-1, 1)
    >>> model.probabilities([([0, 1, 2], 1)])
    array([[0. , 0.5, 0. , 0.5]])
    """

    def __init__(self, rows, vocabulary, contexts=BOTH, never=()):
        self.vocabulary, self.contexts = vocabulary, tuple(map(tuple, contexts))
        self.asked = np.isin(np.arange(vocabulary), list(never), invert=True) / (vocabulary - len(never))   # p₀
        self.counts = [defaultdict(Counter) for _ in self.contexts]
        for row in rows:
            for place, word in enumerate(row):
                if word in never:
                    continue
                for counts, offsets in zip(self.counts, self.contexts):
                    counts[_words_at(row, place, offsets)][word] += 1
        self.weights = np.full(1 + len(self.contexts), 1 / (1 + len(self.contexts)))

    def fit(self, places, words):
        """Choose the weights λ that make these words likeliest, and return the model: for validation text.

        Parameters
        ----------
        places : sequence of (sequence of int, int)
            A text and a place in it.
        words : int array (N,)
            The word that stood there.
        """
        parts, known = self._parts_of_words(places, words)               # (N, K + 1) both

        def loss(logits):
            weights = np.exp(logits - logits.max())
            weights /= weights.sum()
            top, below = (weights * parts).sum(1), (weights * known).sum(1)
            gradient = -(parts / top[:, None] - known / below[:, None]).mean(0)      # by λ
            return -np.mean(np.log(top) - np.log(below)), weights * (gradient - weights @ gradient)

        found = minimize(loss, np.zeros(parts.shape[1]), jac=True, method="L-BFGS-B").x
        self.weights = np.exp(found - found.max())
        self.weights /= self.weights.sum()
        return self

    def probabilities(self, places):
        """p(w | neighbours) of every word at each place: float array (N, V)."""
        p = np.empty((len(places), self.vocabulary))
        for out, (row, place) in zip(p, places):
            out[:] = self.weights[0] * self.asked
            total = self.weights[0]
            for weight, counts, offsets in zip(self.weights[1:], self.counts, self.contexts):
                found = counts.get(_words_at(row, place, offsets))
                if found:
                    out[list(found)] += weight / found.total() * np.fromiter(found.values(), float, len(found))
                    total += weight
            out /= total
        return p

    def _parts_of_words(self, places, words):
        """p_k of the word at each place, and 1 where the neighbours are known, else 0: float arrays (N, K + 1)."""
        parts, known = np.zeros((2, len(places), 1 + len(self.contexts)))
        parts[:, 0], known[:, 0] = self.asked[words], 1
        for n, ((row, place), word) in enumerate(zip(places, words)):
            for k, (counts, offsets) in enumerate(zip(self.counts, self.contexts), 1):
                found = counts.get(_words_at(row, place, offsets))
                if found:
                    parts[n, k], known[n, k] = found[int(word)] / found.total(), 1
        return parts, known


def _words_at(row, place, offsets):
    """The words at these offsets from a place; None beyond an end of the text."""
    return tuple(row[place + offset] if 0 <= place + offset < len(row) else None for offset in offsets)
