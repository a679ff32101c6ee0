r"""CIDEr-D: the agreement of a caption with its references in TF-IDF weighted n-grams.

The weights come from a `DocumentFrequency`: how many images mention an n-gram in any reference. Build it once, from the
training references, and pass it on when scoring few captions at a time, as a policy-gradient reward does.
Captions come as strings or token sequences (see `tinymm.metrics.text`).
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from .ngrams import ngram_counts
from .text import tokenised_pairs, tokenised_references

__all__ = ["DocumentFrequency", "cider_d"]


@dataclass(frozen=True)
class DocumentFrequency:
    r"""In how many documents (images, by their references) each n-gram occurs.

    $$ \mathrm{idf}(\omega) = \ln I - \ln \max(1, \mathrm{df}(\omega)) $$

    with I documents: an n-gram that every document holds weighs nothing, one never seen weighs most.

    Parameters
    ----------
    counts : mapping from token tuple to int
        Documents that hold the n-gram.
    documents : int
        How many documents there are.
    n : int
        The largest order counted.

    Notes
    -----
    Built by `from_references`. If sampled captions carry an end-of-sentence token when they are scored, the references
    counted here must carry it too: otherwise stopping earns nothing and captions trained on the score end in fragments.

    Examples
    --------
    >>> df = DocumentFrequency.from_references([["a dog", "a big dog"], ["a cat"]])
    >>> df.counts[("a",)], df.counts[("dog",)], df.documents
    (2, 1, 2)
    >>> df.idf(("a",)), round(df.idf(("dog",)), 4)
    (0.0, 0.6931)
    """

    counts: dict
    documents: int
    n: int

    @classmethod
    def from_references(cls, references, n=4):
        """Count over a corpus of references.

        Parameters
        ----------
        references : sequence of sequences of str, or of token sequences
            One or more captions per image.
        n : int, optional
            The largest order to count.

        Returns
        -------
        DocumentFrequency

        Raises
        ------
        ValueError
            If `n` is below 1, or as `tokenised_references` does.

        Examples
        --------
        >>> DocumentFrequency.from_references([[[7, 8]], [[7, 9]]], n=2).counts[(7, 8)]
        1
        """
        if n < 1:
            raise ValueError(f"DocumentFrequency: n must be at least 1; got {n}")
        documents = tokenised_references(references, "DocumentFrequency")
        counts = Counter()
        for document in documents:
            counts.update({w for caption in document for k in range(1, n + 1) for w in ngram_counts(caption, k)})
        return cls(dict(counts), len(documents), n)

    def idf(self, ngram):
        """Inverse document frequency of one n-gram (a tuple of tokens): a float, never negative."""
        return math.log(self.documents) - math.log(max(1, self.counts.get(ngram, 0)))


def cider_d(hypotheses, references, n=4, sigma=6.0, document_frequency=None):
    r"""CIDEr-D of each caption against its references.

    $$ \mathrm{CIDEr\text{-}D}(h, R) = \frac{10}{n\,|R|} \sum_{k=1}^{n} \sum_{r \in R} e^{-\Delta^2 / 2\sigma^2}\,
       \frac{\sum_\omega \min(g_h(\omega), g_r(\omega))\, g_r(\omega)}{\lVert g_h \rVert\, \lVert g_r \rVert} $$

    where $g(\omega)$ is the count of the k-gram ω in a caption times its inverse document frequency and Δ the
    difference of the two captions' lengths. A zero norm gives a zero term.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        One caption per item.
    references : sequence of N sequences of the same
        One or more true captions per item.
    n : int, optional
        The largest order.
    sigma : float, optional
        Width of the length penalty.
    document_frequency : DocumentFrequency, optional
        Where the weights come from; by default the references given here, each item a document.

    Returns
    -------
    score : float
        The mean over items.
    per_item : (N,) float64 ndarray
        Each in [0, 10], up to rounding.

    Raises
    ------
    ValueError
        If `n` is below 1 or above the order `document_frequency` counted, `sigma` is not positive, or as
        `tokenised_pairs` does.

    Notes
    -----
    The reference code measures lengths in bigrams. Their difference is the same, except with an empty caption, which
    scores 0 either way.
    A document frequency from a single image has $\ln 1 = 0$ everywhere, so every score is 0: pass
    `document_frequency` there. A two-word caption has no 3-grams or 4-grams, so even a perfect one scores 5, not 10.

    References
    ----------
    Vedantam, Zitnick, Parikh, "CIDEr: consensus-based image description evaluation", CVPR 2015, equations 1 and 4.

    Examples
    --------
    >>> score, per_item = cider_d(["a red dog runs", "a cat"], [["a red dog runs"], ["a black cat sleeps"]])
    >>> round(score, 4), per_item.round(4).tolist()
    (5.6827, [10.0, 1.3654])
    """
    if n < 1:
        raise ValueError(f"cider_d: n must be at least 1; got {n}")
    if not sigma > 0:
        raise ValueError(f"cider_d: sigma must be positive; got {sigma}")
    pairs = tokenised_pairs(hypotheses, references, "cider_d")
    if document_frequency is None:
        document_frequency = DocumentFrequency.from_references([refs for _, refs in pairs], n)
    if document_frequency.n < n:
        raise ValueError(f"cider_d: document_frequency must count n-grams up to n = {n}; got {document_frequency.n}")
    per_item = np.empty(len(pairs))
    for i, (hypothesis, item_references) in enumerate(pairs):
        h = _weighted(hypothesis, n, document_frequency)
        similarity = [_similarity(h, _weighted(r, n, document_frequency), sigma) for r in item_references]
        per_item[i] = 10 * sum(similarity) / len(similarity)
    return float(per_item.mean()), per_item


def _weighted(caption, n, document_frequency):
    """For each order k the vector g and its norm; and the caption's length."""
    vectors = [{ngram: count * document_frequency.idf(ngram) for ngram, count in ngram_counts(caption, k).items()}
               for k in range(1, n + 1)]
    norms = [math.hypot(*g.values()) for g in vectors]
    return vectors, norms, len(caption)


def _similarity(h, r, sigma):
    """The mean over orders of the clipped cosine, times the length penalty; h and r are what `_weighted` returns."""
    h_vectors, h_norms, h_length = h
    r_vectors, r_norms, r_length = r
    total = 0.0
    for g_h, g_r, h_norm, r_norm in zip(h_vectors, r_vectors, h_norms, r_norms):
        if h_norm and r_norm:
            # Summed in the caption's order: a set's differs from process to process, and so would the sum's last bit.
            shared = (w for w in g_h if w in g_r)
            total += sum(min(g_h[w], g_r[w]) * g_r[w] for w in shared) / (h_norm * r_norm)
    return math.exp(-((h_length - r_length) ** 2) / (2 * sigma**2)) * total / len(h_vectors)
