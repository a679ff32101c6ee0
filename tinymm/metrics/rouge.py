"""ROUGE-L: the longest common subsequence of a caption and its references, as an F-measure.

Captions come as strings or token sequences (see `tinymm.metrics.text`).
"""

import numpy as np

from .text import tokenised_pairs

__all__ = ["longest_common_subsequence", "rouge_l"]


def longest_common_subsequence(a, b):
    r"""Length of the longest sequence of tokens that stands, in order but with gaps, in both `a` and `b`.

    $$ L_{ij} = \begin{cases} L_{i-1,j-1} + 1 & a_i = b_j \\
       \max(L_{i-1,j}, L_{i,j-1}) & \text{otherwise} \end{cases} $$

    Parameters
    ----------
    a, b : sequences of tokens
        A string is a sequence of characters.

    Returns
    -------
    int

    Examples
    --------
    >>> longest_common_subsequence("a dog on green grass".split(), "a big dog on grass".split())
    4
    """
    above = [0] * (len(b) + 1)                          # L[i-1, :]
    for token in a:
        row = [0]                                       # L[i, :]
        for j, other in enumerate(b):
            row.append(above[j] + 1 if token == other else max(above[j + 1], row[j]))
        above = row
    return above[-1]


def rouge_l(hypotheses, references, beta=1.2):
    r"""ROUGE-L of each caption against its references.

    $$ F = \frac{(1 + \beta^2)\, P R}{R + \beta^2 P}, \qquad
       P = \max_r \frac{\mathrm{LCS}(h, r)}{|h|}, \quad R = \max_r \frac{\mathrm{LCS}(h, r)}{|r|} $$

    The best precision and the best recall may come from different references.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        One caption per item.
    references : sequence of N sequences of the same
        One or more true captions per item.
    beta : float, optional
        With a value above 1, recall counts more than precision.

    Returns
    -------
    score : float
        The mean over items.
    per_item : (N,) float64 ndarray
        Each in [0, 1].

    Raises
    ------
    ValueError
        If `beta` is not positive, or as `tokenised_pairs` does.

    Notes
    -----
    An empty caption scores 0, even against an empty reference.

    References
    ----------
    Lin, "ROUGE: a package for automatic evaluation of summaries", 2004, section 3.1, equations 2-4.
    Chen et al., "Microsoft COCO captions: data collection and evaluation server", 2015, section 3.3, equations 6-8.

    Examples
    --------
    >>> rouge_l(["a dog on green grass"], [["a big dog on grass"]])[0]      # P = R = 4/5
    0.8
    """
    if not beta > 0:
        raise ValueError(f"rouge_l: beta must be positive; got {beta}")
    pairs = tokenised_pairs(hypotheses, references, "rouge_l")
    per_item = np.array([_f_measure(hypothesis, item_references, beta) for hypothesis, item_references in pairs])
    return float(per_item.mean()), per_item


def _f_measure(hypothesis, references, beta):
    lcs = [longest_common_subsequence(hypothesis, reference) for reference in references]
    if not any(lcs):
        return 0.0
    P = max(lcs) / len(hypothesis)
    R = max(length / len(reference) for length, reference in zip(lcs, references) if reference)
    return (1 + beta**2) * P * R / (R + beta**2 * P)
