"""BLEU: how many of the n-grams of a hypothesis occur in one of its references.

`bleu` scores a corpus, `sentence_bleu` one caption; both follow the conventions of COCO's caption evaluation.
Captions come as strings or token sequences (see `tinymm.metrics.text`).
"""

import math

import numpy as np

from .ngrams import ngram_counts
from .text import tokenised_pairs

__all__ = ["bleu", "sentence_bleu"]

# COCO's smoothing. A count of zero leaves 1e-15 in the numerator, so that a product of precisions is tiny, not zero; an
# order with no n-grams at all (a caption shorter than n) has "precision" 1e-15 / 1e-9 = 1e-6.
TINY = 1e-15    # added to every numerator
SMALL = 1e-9    # added to every denominator


def bleu(hypotheses, references, max_n=4):
    r"""Corpus BLEU-1 to BLEU-`max_n`.

    $$ \mathrm{BLEU}_n = \min\left(1, e^{1 - r/c}\right) \left(\prod_{k=1}^{n} p_k\right)^{1/n}, \qquad
       p_k = \frac{\sum_i \mathrm{clipped}_k(i) + 10^{-15}}{\sum_i \max(0, c_i - k + 1) + 10^{-9}} $$

    where an n-gram's count in hypothesis i is clipped to its largest count in any one reference, c is the total length
    of the hypotheses and r that of the references, each item giving the reference length closest to its hypothesis
    (the shorter one on a tie). Counts are summed over the corpus before dividing: this is not a mean over captions.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        One caption per item.
    references : sequence of N sequences of the same
        One or more true captions per item.
    max_n : int, optional
        The largest order.

    Returns
    -------
    (max_n,) float64 ndarray
        BLEU-1, ..., BLEU-max_n.

    Raises
    ------
    ValueError
        If `max_n` is below 1, or as `tokenised_pairs` does.

    Notes
    -----
    With the smoothing above a corpus in which no caption has n tokens scores at most $(10^{-6})^{1/n}$ in BLEU-n,
    even when every caption is right: 0.03 for BLEU-4 on three-word captions. Report a lower order there.

    References
    ----------
    Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002, section 2.3.
    Chen et al., "Microsoft COCO captions: data collection and evaluation server", 2015, section 3.2, equations 1-3.

    Examples
    --------
    >>> bleu(["a dog runs on grass"], [["a dog runs on green grass", "the dog is on grass"]]).round(4).tolist()
    [1.0, 1.0, 0.8736, 0.7598]
    """
    counts = [_clipped_counts(*pair, max_n) for pair in tokenised_pairs(hypotheses, references, "bleu")]
    clipped, total, lengths = zip(*counts)                      # an entry per item
    c, r = np.sum(lengths, axis=0)
    return _score(np.sum(clipped, axis=0), np.sum(total, axis=0), c, r)


def sentence_bleu(hypothesis, references, max_n=4):
    r"""BLEU-1 to BLEU-`max_n` of one caption: `bleu` on a corpus of one.

    Parameters
    ----------
    hypothesis : str or token sequence
        The caption.
    references : sequence of the same
        One or more true captions.
    max_n : int, optional
        The largest order.

    Returns
    -------
    (max_n,) float64 ndarray
        BLEU-1, ..., BLEU-max_n.

    Raises
    ------
    ValueError
        As `bleu` does.

    Notes
    -----
    An order without a single match brings that BLEU and all higher ones close to 0 (not to exactly 0).

    Examples
    --------
    >>> sentence_bleu("a cat", ["a dog"], max_n=2).round(4).tolist()
    [0.5, 0.0]
    """
    return bleu([hypothesis], [references], max_n)


def _clipped_counts(hypothesis, references, max_n):
    """For each order the clipped and the total n-gram counts; and the pair (hypothesis length, closest reference's)."""
    if max_n < 1:
        raise ValueError(f"bleu: max_n must be at least 1; got {max_n}")
    c = len(hypothesis)
    clipped = []
    for n in range(1, max_n + 1):
        ceiling = ngram_counts((), n)
        for reference in references:
            ceiling |= ngram_counts(reference, n)               # Counter union: the larger of two counts
        clipped.append((ngram_counts(hypothesis, n) & ceiling).total())     # intersection: the smaller of two
    total = [max(0, c - n + 1) for n in range(1, max_n + 1)]
    r = min((len(reference) for reference in references), key=lambda length: (abs(length - c), length))
    return clipped, total, (c, r)


def _score(clipped, total, c, r):
    """BLEU-1 to BLEU-n from counts over the corpus; c and r are the total lengths of hypotheses and references."""
    precision = (clipped + TINY) / (total + SMALL)
    order = np.arange(1, len(precision) + 1)
    ratio = (c + TINY) / (r + SMALL)
    brevity_penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    return brevity_penalty * np.cumprod(precision) ** (1 / order)
