r"""Hard negatives: a wrong partner that looks right, and a head that has to tell it from the right one.

Most negatives of a batch are easy, and their share of InfoNCE's gradient is next to nothing. Drawing one wrong partner
per item in proportion to the softmax picks those that the towers themselves confuse.
"""

from typing import NamedTuple

import numpy as np

from ... import functional as F
from ...autograd import Tensor
from ...nn import Linear, Module

__all__ = ["MATCHED", "NO_NEGATIVE", "Matching", "MatchingHead", "draw_hard_negatives", "matching_loss"]

MATCHED = 1.0  # the label of a pair that belongs together; ViLBERT's and BERT's is 0, LXMERT's and ALBEF's 1
NO_NEGATIVE = -1  # where a row has no wrong partner


def draw_hard_negatives(similarity, forbidden, rng):
    r"""For each row one column, drawn from the softmax over those that are allowed.

    $$ p_{ij} = \frac{a_{ij}\, e^{s_{ij}}}{\sum_k a_{ik}\, e^{s_{ik}}}, \qquad a = 1 \text{ where allowed, else } 0 $$

    Parameters
    ----------
    similarity : Tensor or array (B, N)
        s, scaled as in the loss (`similarities`): the sharper, the harder the negatives.
    forbidden : bool array (B, N)
        True where a column is no negative: the row's own partner and all that are equal to it (`same`).
    rng : numpy.random.Generator

    Returns
    -------
    int64 ndarray (B,)
        The columns; `NO_NEGATIVE` = −1 for a row where all are forbidden, as in a batch of equal captions.

    Raises
    ------
    ValueError
        If the shapes differ, `forbidden` is not boolean, or an allowed similarity is NaN.

    Notes
    -----
    The mask goes in before the softmax. Zeroing the softmax of the forbidden columns afterwards, as a well-known
    implementation does, leaves a sum of 0 where the right partner has taken all of it.
    The draw is $\arg\max_j (s_{ij} + g_{ij})$ over the allowed j, where the $g_{ij}$ are independent Gumbel variables:
    exactly the softmax, without computing it, so nothing can underflow.

    References
    ----------
    Li et al. (2021), Align before fuse, §3.2 (image-text matching). The draw: Maddison et al. (2014), A* sampling, §2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = np.array([[9.0, 5.0, -99.0], [9.0, 9.0, 9.0]])
    >>> draw_hard_negatives(s, np.array([[True, False, False], [True, True, True]]), rng).tolist()
    [1, -1]
    """
    s = np.asarray(similarity.data if isinstance(similarity, Tensor) else similarity)
    forbidden = np.asarray(forbidden)
    if s.ndim != 2 or forbidden.shape != s.shape or forbidden.dtype != bool:
        raise ValueError("draw_hard_negatives: needs similarity (B, N) and boolean forbidden of the same shape; got "
                         f"{s.shape} and {forbidden.dtype} {forbidden.shape}")
    if np.isnan(s[~forbidden]).any():
        raise ValueError("draw_hard_negatives: an allowed similarity must not be NaN")
    noisy = np.where(forbidden, -np.inf, s + rng.gumbel(size=s.shape))
    return np.where(forbidden.all(axis=1), NO_NEGATIVE, noisy.argmax(axis=1))


class MatchingHead(Module):
    r"""Do x and y belong together? $h(x, y) = w^\top \operatorname{relu}(W [x; y; x \odot y] + b) + c$, a logit.

    Parameters
    ----------
    width : int
        D of x and y.
    hidden : int
    rng : numpy.random.Generator

    Notes
    -----
    A cosine adds up the products $x_d y_d$ with equal weights; this head may weigh them. Cheap enough for the few
    candidates that the cosine ranks first, too dear for a whole gallery.

    Examples
    --------
    >>> MatchingHead(8, 16, rng=np.random.default_rng(0))(np.ones((5, 8)), np.ones((5, 8))).shape
    (5,)
    """

    def __init__(self, width, hidden, *, rng):
        self.inner = Linear(3 * width, hidden, rng=rng)
        self.outer = Linear(hidden, 1, rng=rng)

    def forward(self, x, y):
        """x (n, D), y (n, D): logits (n,)."""
        return self.outer(F.relu(self.inner(F.concatenate([x, y, x * y], -1))))[..., 0]


class Matching(NamedTuple):
    """What `matching_loss` returns."""

    loss: Tensor        # ()
    accuracy: float     # share of the pairs that the head puts on the right side
    negatives: int      # how many wrong pairs there were; at most 2B


def matching_loss(head, x, y, similarity, forbidden, rng):
    r"""Cross-entropy of a matching head on the right pairs and on one hard negative for each x and each y.

    $$ L = -\frac1n \Bigl( \sum_i \ln \sigma(h(x_i, y_i)) + \sum_i \ln \sigma(-h(x_i, y_{n(i)}))
    + \sum_j \ln \sigma(-h(x_{m(j)}, y_j)) \Bigr) $$

    Parameters
    ----------
    head : callable
        ``head(x, y)`` gives logits (n,), such as a `MatchingHead`.
    x, y : Tensor (B, D)
        Pairs; row i of x belongs to row i of y.
    similarity : Tensor or array (B, B)
        What the negatives are drawn by; it gets no gradient.
    forbidden : bool array (B, B)
        As for `draw_hard_negatives`: the diagonal, and wherever captions are equal.
    rng : numpy.random.Generator

    Returns
    -------
    Matching

    Notes
    -----
    An x or y for which no negative exists adds its right pair only. If there is none at all, the loss sees right pairs
    alone, for which "yes" is the answer always; `negatives` says so.

    References
    ----------
    Li et al. (2021), §3.2.

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> x, y = (tm.tensor(rng.standard_normal((4, 8))) for _ in range(2))
    >>> found = matching_loss(lambda x, y: (x * y).sum(-1), x, y, x @ y.mT, np.eye(4, dtype=bool), rng)
    >>> found.loss.shape, found.negatives
    ((), 8)
    """
    s = similarity.data if isinstance(similarity, Tensor) else np.asarray(similarity)
    forbidden = np.asarray(forbidden)
    wrong_y, wrong_x = draw_hard_negatives(s, forbidden, rng), draw_hard_negatives(s.T, forbidden.T, rng)
    B = np.arange(len(s))
    of_x, of_y = B[wrong_y != NO_NEGATIVE], B[wrong_x != NO_NEGATIVE]
    rows = np.concatenate([B, of_x, wrong_x[of_y]])                             # of x, in each pair: (n,)
    columns = np.concatenate([B, wrong_y[of_x], of_y])                          # of y
    logits = head(x[rows], y[columns])
    labels = np.where(np.arange(len(rows)) < len(B), MATCHED, 1 - MATCHED).astype(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(logits, labels)
    accuracy = float(np.mean((logits.data > 0) == (labels == MATCHED)))
    return Matching(loss, accuracy, len(rows) - len(B))
