"""Einstein's summation convention, taken apart into sums, matrix products and permutations of axes.

A label that occurs in one operand only is summed over first; then operands are contracted
two by two, each time as a single (batched) matrix product in BLAS.
"""

import math
import string
from collections import Counter
from functools import lru_cache
from itertools import combinations

import numpy as np

from ..autograd import Tensor, op
from .indexing import getitem
from .linalg import matmul
from .reductions import sum
from .shape import permute, reshape

__all__ = ["contract", "einsum"]


def einsum(equation, *operands):
    r"""Sum of products over labelled axes: $C_{ik} = \sum_j A_{ij} B_{jk}$ is `einsum("ij,jk->ik", A, B)`.

    Parameters
    ----------
    equation : str
        One letter per axis, operands separated by commas, "->" and the labels of the result. Labels
        that are missing there are summed over; "..." stands for axes that broadcast. Without "->"
        the result has the labels that occur once, in alphabetical order.
        A label twice in one operand takes the diagonal.
    *operands : Tensor or ndarray

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the equation cannot be read, or does not fit the shapes.

    Notes
    -----
    More than two operands are contracted pair by pair, the pair with the smallest result first.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.einsum("ij,ij->i", np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2)))
    array([3., 7.])
    """
    if not any(isinstance(x, Tensor) for x in operands):
        return einsum(equation, *(Tensor(np.asarray(x)) for x in operands)).data
    shapes = tuple(np.shape(x) for x in operands)
    terms, out = _parse(equation, tuple(map(len, shapes)))
    sizes = _sizes(equation, terms, shapes)
    simple = [_without_stretched(*_diagonal(x, term), sizes) for x, term in zip(operands, terms)]
    names = [term for _, term in simple]
    simple = [_without_lone(x, term, out + "".join(names[:k] + names[k + 1:])) for k, (x, term) in enumerate(simple)]
    while len(simple) > 1:
        simple = _contract_cheapest(simple, out, sizes)
    x, term = simple[0]
    return x if term == out else permute(x, [term.index(c) for c in out])


@op
def contract(a, b, labels):
    r"""One product of two arrays with labelled axes, the heart of `einsum`.

    Parameters
    ----------
    a, b : Tensor or ndarray
    labels : tuple of str
        Those of a, of b, and of the result, one letter per axis. Every letter occurs in at least two of the three,
        at most once in each: a letter of all three counts the products of a batch, one of a and b only is summed over.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.contract(np.ones((2, 3)), np.ones((4, 3)), ("ij", "kj", "ki")).shape
    (4, 2)
    """
    of_a, of_b, of_y = labels
    batch = [c for c in of_y if c in of_a and c in of_b]
    left = [c for c in of_y if c not in of_b]
    right = [c for c in of_y if c not in of_a]
    inner = [c for c in of_a if c not in of_y]
    A, sizes_a = _grouped(a, of_a, batch, left, inner)  # (*batch, L, I)
    B, sizes_b = _grouped(b, of_b, batch, inner, right)  # (*batch, I, R)
    y = matmul(A, B) if inner else A * B
    sizes = sizes_a | sizes_b
    order = batch + left + right
    return np.transpose(y.reshape([sizes[c] for c in order]), [order.index(c) for c in of_y])


@contract.vjp
def contract_vjp(g, a, b, labels):  # ā and b̄: the cotangent takes the place of the result, the labels change places
    of_a, of_b, of_y = labels
    return lambda: contract(g, b, (of_y, of_b, of_a)), lambda: contract(g, a, (of_y, of_a, of_b))


def _grouped(x, labels, batch, rows, columns):
    """x as a batch of matrices, and the size of each label."""
    sizes = dict(zip(labels, x.shape))
    x = np.transpose(x, [labels.index(c) for c in batch + rows + columns])
    matrix = [math.prod(sizes[c] for c in group) for group in (rows, columns)]
    return x.reshape([sizes[c] for c in batch] + matrix), sizes


def _contract_cheapest(terms, out, sizes):
    """The terms, with the pair whose product is smallest replaced by that product."""
    best = None
    for i, j in combinations(range(len(terms)), 2):
        elsewhere = out + "".join(term for k, (_, term) in enumerate(terms) if k not in (i, j))
        kept = "".join(c for c in dict.fromkeys(terms[i][1] + terms[j][1]) if c in elsewhere)
        size = math.prod(sizes[c] for c in kept)
        if best is None or size < best[0]:
            best = size, i, j, out if len(terms) == 2 else kept
    _, i, j, kept = best
    a, of_a = terms[i]
    b, of_b = terms[j]
    rest = [term for k, term in enumerate(terms) if k not in (i, j)]
    return [(contract(a, b, (of_a, of_b, kept)), kept), *rest]


def _diagonal(x, term):
    """Each label once: only the diagonal of axes that share a label."""
    for c, n in Counter(term).items():
        if n > 1:
            shared = [k for k, d in enumerate(term) if d == c]
            others = [k for k, d in enumerate(term) if d != c]
            x = getitem(permute(x, shared + others), (np.arange(x.shape[shared[0]]),) * n)
            term = c + "".join(term[k] for k in others)
    return x, term


def _without_stretched(x, term, sizes):
    """Without the axes of length 1 that broadcast against a longer one elsewhere."""
    kept = [k for k, c in enumerate(term) if np.shape(x)[k] == sizes[c]]
    if len(kept) == len(term):
        return x, term
    return reshape(x, tuple(np.shape(x)[k] for k in kept)), "".join(term[k] for k in kept)


def _without_lone(x, term, elsewhere):
    """Summed over the labels that occur nowhere else."""
    lone = tuple(k for k, c in enumerate(term) if c not in elsewhere)
    return (sum(x, lone), "".join(c for c in term if c in elsewhere)) if lone else (x, term)


@lru_cache(maxsize=1024)
def _parse(equation, ndims):
    """The labels of each operand and of the result, with letters in place of the dots.

    Dots stand for the axes that have no letter; as in broadcasting, the last of them is the same in every operand.
    """
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {equation!r} has {len(terms)} operands; got {len(ndims)}")
    free = [c for c in string.ascii_letters if c not in equation]
    unnamed = [n - (len(term) - len("...")) for term, n in zip(terms, ndims)]   # axes of each that dots stand for
    dots = "".join(free[:max((k for term, k in zip(terms, unnamed) if "..." in term), default=0)])
    terms = [term.replace("...", dots[len(dots) - k:], 1) for term, k in zip(terms, unnamed)]
    if arrow:
        out = out.replace("...", dots, 1)
    else:
        seen = Counter("".join(terms))
        out = dots + "".join(sorted(c for c in seen if seen[c] == 1 and c not in dots))
    _check(equation, terms, out, ndims)
    return tuple(terms), out


def _check(equation, terms, out, ndims):
    """Is this an equation, and one for operands of that many axes?"""
    for term, n in zip(terms, ndims):
        if len(term) != n or not set(term) <= set(string.ascii_letters):
            raise ValueError(f"einsum: each operand needs one letter per axis; got {equation!r} for operands of "
                             f"{', '.join(map(str, ndims))} axes")
    if len(set(out)) < len(out) or not set(out) <= set("".join(terms)):
        raise ValueError("einsum: each label of the result must stand there once, and in some operand; "
                         f"got {equation!r}")


def _sizes(equation, terms, shapes):
    """How long the axis of each label is; an axis of length 1 broadcasts."""
    sizes = {}
    for term, shape in zip(terms, shapes):
        for c, n in zip(term, shape):
            if sizes.get(c, 1) == 1:
                sizes[c] = n
            if n not in (1, sizes[c]) or n != shape[term.index(c)]:
                raise ValueError(f"einsum: axes of one label must be equally long; got {equation!r} for shapes "
                                 f"{', '.join(map(str, shapes))}")
    return sizes
