"""Texts as sparse vectors: how often each word or run of letters occurs, with larger weights for rarer ones."""

from collections import Counter

import numpy as np
from scipy import sparse

from ...letters import graphemes
from .tokenizer import split_words

__all__ = ["TfIdf", "letter_ngrams"]


class TfIdf:
    r"""Term frequency times inverse document frequency, each text brought to length 1.

    $$ x_{dt} \propto (1 + \ln n_{dt}) \Big( \ln \frac{1 + m}{1 + m_t} + 1 \Big) \quad (n_{dt} > 0), \qquad
       \lVert x_d \rVert = 1 $$

    $n_{dt}$ counts the term t in text d; m is the number of texts in `documents`, $m_t$ of those that hold t.

    Parameters
    ----------
    documents : sequence of sequence of str
        Texts as sequences of terms, such as words.
    min_count : int
        Terms that occur in fewer of the texts are left out.

    References
    ----------
    Spärck Jones (1972), A statistical interpretation of term specificity; Salton & Buckley (1988), Term-weighting
    approaches in automatic text retrieval.

    Examples
    --------
    >>> space = TfIdf([["a", "card"], ["a", "rate"]])
    >>> space.terms
    ('a', 'card', 'rate')
    >>> space(["a card".split(), ["new"]]).toarray().round(3)
    array([[0.58 , 0.815, 0.   ],
           [0.   , 0.   , 0.   ]], dtype=float32)
    """

    def __init__(self, documents, min_count=1):
        counts = Counter(term for document in documents for term in set(document))
        self.terms = tuple(sorted(term for term in counts if counts[term] >= min_count))
        self._column = {term: i for i, term in enumerate(self.terms)}
        with_term = np.array([counts[term] for term in self.terms], float)
        self.idf = np.log((1 + len(documents)) / (1 + with_term)) + 1

    def __call__(self, documents):
        """Texts, as sequences of terms, to vectors: float32 CSR array (N, V); without a known term, a row of zeros."""
        ends = [0]  # of each row in `columns`
        columns = []
        counts = []
        for document in documents:
            known = Counter(self._column[term] for term in document if term in self._column)
            columns += known.keys()
            counts += known.values()
            ends.append(len(columns))
        columns = np.array(columns, np.int64)
        weights = (1 + np.log(np.array(counts, float))) * self.idf[columns]
        rows = np.repeat(np.arange(len(documents)), np.diff(ends))
        lengths = np.sqrt(np.bincount(rows, weights**2, len(documents)))
        weights /= lengths[rows]
        matrix = sparse.csr_array((weights.astype(np.float32), columns, np.array(ends)),
                                  (len(documents), len(self.terms)))
        matrix.sort_indices()
        return matrix


def letter_ngrams(text, sizes=(2, 3, 4, 5)):
    """The words of a text, then their runs of letters, marked with #; a space there is a word's beginning or end.

    Examples
    --------
    >>> letter_ngrams("Top up", sizes=(3,))
    ['top', 'up', '# to', '#top', '#op ', '# up', '#up ']
    """
    words = split_words(text)
    padded = [[" ", *graphemes(word), " "] for word in words]
    return words + ["#" + "".join(word[i:i + n]) for word in padded for n in sizes for i in range(len(word) - n + 1)]
