"""CIDEr-D and BLEU of many captions against references that stay: the references' n-grams are counted once.

`cider_d` and `sentence_bleu` are the definitions; they count every reference again for each caption. A reward is asked
for thousands of captions of the same images, so here the counts of all references lie in one sparse matrix, a row for
each reference and a column for each n-gram, and captions are compared with their rows all at once.
"""

from array import array
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .bleu import SMALL, TINY
from .cider import DocumentFrequency
from .text import tokenised_references

__all__ = ["CountedReferences"]


class CountedReferences:
    """The references of some images, counted.

    Parameters
    ----------
    references : sequence of N sequences of str, or of token sequences
        One or more captions per image.
    document_frequency : DocumentFrequency, optional
        Weights for CIDEr-D; by default from these references, each image a document.
    n : int
        The largest order.

    Raises
    ------
    ValueError
        As `DocumentFrequency.from_references`.

    Examples
    --------
    >>> counted = CountedReferences([["a dog runs"], ["a cat", "a black cat"]])
    >>> captions, images = [("a", "dog"), ("a", "cat")], np.array([0, 1])
    >>> counted.cider_d(captions, images).round(4).tolist(), counted.bleu(captions, images)[:, 1].round(4).tolist()
    ([3.4868, 3.3717], [0.6065, 1.0])
    """

    def __init__(self, references, document_frequency=None, n=4):
        if document_frequency is None:
            document_frequency = DocumentFrequency.from_references(references, n)
        if document_frequency.n < n:
            raise ValueError("CountedReferences: document_frequency must count n-grams up to n = "
                             f"{n}; got {document_frequency.n}")
        documents = tokenised_references(references, "CountedReferences")
        self.document_frequency, self.n = document_frequency, n
        self.number = {}                                                 # of each n-gram of a reference: its column
        captions = [caption for document in documents for caption in document]
        self.counts = _tally(captions, n, self.number)                   # (references, n-grams)
        self.lengths = np.array([len(caption) for caption in captions])
        self.how_many = np.array([len(document) for document in documents])
        self.first = np.cumsum(self.how_many) - self.how_many            # row of each image's first reference
        self.idf, self.order = self._weights(self.number)
        self.norms = self._norms(self.counts, self.idf, self.order)      # (references, n)

    def cider_d(self, captions, images, sigma=6.0):
        """What `cider_d` gives each caption against the references of its image.

        Parameters
        ----------
        captions : sequence of S token sequences
        images : int array (S,)
            The image each is of, by its place among the references.
        sigma : float

        Returns
        -------
        float64 array (S,)
        """
        counts, idf, order = self._counted(captions)
        norms = self._norms(counts, idf, order)                          # (S, n)
        lengths = np.array([len(caption) for caption in captions])
        pair, reference = self._pairs(images)                            # (P,): each caption with each reference
        r = self.counts[reference]
        # Σ_ω min(g_h, g_r) g_r = Σ_ω min(c_h, c_r) c_r idf²
        shared = csr_array(counts[:, :len(self.number)])[pair].minimum(r).multiply(r).tocsr()
        dots = _by_order(shared, shared.data * self.idf[shared.indices] ** 2, self.order, self.n)
        scale = norms[pair] * self.norms[reference]
        cosines = np.divide(dots, scale, out=np.zeros_like(dots), where=scale > 0)
        penalty = np.exp(-((lengths[pair] - self.lengths[reference]) ** 2) / (2 * sigma**2))
        total = np.bincount(pair, penalty * cosines.mean(1), len(captions))
        return 10 * total / self.how_many[images]

    def bleu(self, captions, images):
        """What `sentence_bleu` gives each caption against the references of its image: float64 array (S, n)."""
        counts = csr_array(self._counted(captions)[0][:, :len(self.number)])
        shared = counts.minimum(self._ceilings[images]).tocsr()
        clipped = _by_order(shared, shared.data, self.order, self.n)     # (S, n)
        c = np.array([len(caption) for caption in captions])
        r = self._closest(c, images)
        order = np.arange(1, self.n + 1)
        total = np.maximum(0, c[:, None] - order + 1)
        precision = (clipped + TINY) / (total + SMALL)
        ratio = (c + TINY) / (r + SMALL)
        brevity_penalty = np.where(ratio >= 1, 1.0, np.exp(1 - 1 / np.minimum(ratio, 1)))
        return brevity_penalty[:, None] * np.cumprod(precision, 1) ** (1 / order)

    def _closest(self, lengths, images):
        """For each caption the closest length of a reference of its image, the shorter one on a tie."""
        pair, reference = self._pairs(images)
        distance = 2 * abs(self.lengths[reference] - lengths[pair]) + (self.lengths[reference] > lengths[pair])
        order = np.lexsort((distance, pair))
        _, first = np.unique(pair[order], return_index=True)
        return self.lengths[reference[order[first]]]

    @cached_property
    def _ceilings(self):
        """The largest count of each n-gram in any one reference of an image: (N, n-grams)."""
        entries = self.counts.tocoo()
        image = np.repeat(np.arange(len(self.how_many)), self.how_many)[entries.row]
        order = np.lexsort((entries.data, entries.col, image))           # the largest count comes last
        image, column, count = image[order], entries.col[order], entries.data[order]
        last = np.diff(image * len(self.number) + column, append=-1) != 0
        return csr_array((count[last], (image[last], column[last])), (len(self.how_many), len(self.number)))

    def _pairs(self, images):
        """Each caption with each reference of its image: place of the caption and row of the reference, (P,) both."""
        times = self.how_many[images]
        pair = np.repeat(np.arange(len(times)), times)
        return pair, np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times) + self.first[images][pair]

    def _counted(self, captions):
        """Counts of captions (S, columns), and of each column idf and order; what no reference has comes last."""
        unknown = {}
        counts = _tally(captions, self.n, unknown, self.number)
        idf, order = self._weights(unknown)
        return counts, np.concatenate([self.idf, idf]), np.concatenate([self.order, order])

    def _weights(self, ngrams):
        """idf (M,) of n-grams, and their order less 1, (M,) int."""
        return (np.array([self.document_frequency.idf(ngram) for ngram in ngrams], float),
                np.array([len(ngram) - 1 for ngram in ngrams], int))

    def _norms(self, counts, idf, order):
        """‖g‖ of each order: (rows, n)."""
        return np.sqrt(_by_order(counts, (counts.data * idf[counts.indices]) ** 2, order, self.n))


def _tally(captions, n, number, known=None):
    """How often each caption holds each n-gram: sparse (captions, n-grams).

    An n-gram that is not in `known` takes the next free column, and `number` remembers it.
    """
    known = {} if known is None else known
    columns, ends = array("q"), array("q", [0])
    for caption in captions:
        for k in range(1, n + 1):
            for ngram in zip(*(caption[start:] for start in range(k))):
                column = known.get(ngram)
                columns.append(len(known) + number.setdefault(ngram, len(number)) if column is None else column)
        ends.append(len(columns))
    counts = csr_array((np.ones(len(columns)), np.array(columns, int), np.array(ends, int)),
                       (len(ends) - 1, len(known) + len(number)))
    counts.sum_duplicates()
    return counts


def _by_order(rows, values, order, n):
    """Add up a value for each entry of a sparse matrix, within its row and its n-gram's order: (rows, n)."""
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    sums = np.bincount(row * n + order[rows.indices], values, rows.shape[0] * n)
    return sums.astype(float).reshape(-1, n)                             # of no entry at all, bincount makes integers
