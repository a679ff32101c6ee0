"""What attention must cost: operations, bytes and memory of each form, counted from its formula; and exponents of what it did cost.

N heads of T queries and S keys, all of width D. "explicit" and "fused" hold whole T × S matrices, "tiled" one tile at a time.
"""

import math
from dataclasses import dataclass

import numpy as np

from tinymm.functional.attending.tiles import KEYS, ROWS

__all__ = ["Fit", "Rates", "fit_power", "memory", "operations", "pairs", "passes", "predicted_seconds", "products", "traffic"]

ITEM = 4  # bytes of a float32


def pairs(form, T, S, is_causal=False):
    r"""Pairs of a query and a key that a form works on, per head.

    All of them, $TS$. A causal mask leaves $\sum_t \min(t + 1, S)$, half of them; but only tiles can be left out, so a whole
    matrix is worked on throughout, and of a tile on the diagonal, KEYS wide, the half above it as well: $T \cdot
    \mathrm{KEYS} / 2$ pairs in all, since each block of keys is met by the queries from its first key on (ROWS is a multiple of KEYS).

    Examples
    --------
    >>> pairs("fused", 8, 8, True), pairs("tiled", 2048, 2048, True) / 2048**2
    (64, 0.5625)
    """
    if form != "tiled" or not is_causal:
        return T * S
    seen = min(S, T)
    return sum((T - start) * min(KEYS, seen - start) for start in range(0, seen, KEYS))


def products(form, backward=False):
    r"""Matrix products between $T S D$ triples: 2 forward, 4 more backward, and the scores once more where they are not kept.

    Forward $Q K^\top$ and $P V$. Backward $\bar Y V^\top$, $P^\top \bar Y$, $\bar S K$, $\bar S^\top Q$; tiles are gone by
    then, and $Q K^\top$ is made again.

    Examples
    --------
    >>> products("fused", True), products("tiled", True)
    (6, 7)
    """
    return 2 + (4 + (form == "tiled")) * backward


def operations(form, N, T, S, D, is_causal=False, backward=False):
    """Multiplications and additions of the matrix products: for each triple of a query, a key and a feature one of each.

    Examples
    --------
    >>> operations("tiled", 1, 10, 10, 2), operations("tiled", 1, 10, 10, 2, backward=True)
    (800, 2800)
    """
    return 2 * products(form, backward) * N * pairs(form, T, S, is_causal) * D


def passes(is_causal=False, backward=False):
    r"""How often a T × S matrix is read or written by a form that holds it whole, explicit or fused.

    Forward: the scores are written (1), their maxima sought (1) and subtracted (2), exponentials taken (2), added up (1) and
    divided (2), weights times values (1): 10. Backward: $\bar P$ is written (1), read with P for the row sums (2), lessened
    by them (2), multiplied with P (3), and three products read $P$, $\bar S$, $\bar S$ (3): 11. A causal mask, a byte per
    pair, is read while $-\infty$ is put in (2¼).

    Examples
    --------
    >>> passes(), passes(backward=True)
    (10.0, 21.0)
    """
    return 10 + 11 * backward + 2.25 * is_causal


def traffic(form, N, T, S, D, is_causal=False, backward=False):
    r"""Bytes between processor and memory, if the cache holds a tile and its vectors but no T × S matrix and no head.

    Whole matrices: `passes` of them, and queries, keys, values and result, or all their gradients. Tiles: queries and
    result once, keys and values once for every ROWS queries; backward, in addition, queries, result, its cotangent and
    $\bar Q$ (read and written), and keys, values and their gradients (both ways) for every ROWS queries; under a causal
    mask, those that they may see.

    Examples
    --------
    >>> traffic("fused", 1, 100, 100, 1), traffic("tiled", 1, 100, 100, 1)
    (401600.0, 1600.0)
    """
    if form != "tiled":
        vectors = 4 + 7 * backward
        return N * ITEM * (passes(is_causal, backward) * T * S + vectors * max(T, S) * D)
    share = pairs(form, T, S, is_causal) / (T * S) if T * S else 0
    rows, keys = 2 + 5 * backward, 2 + 6 * backward
    return N * ITEM * D * (rows * T + keys * math.ceil(T / ROWS) * S * share)


def memory(form, N, T, S, D, backward=False, threads=1):
    r"""Bytes held at most, beside the inputs: results and gradients, T × S matrices, and a thread's tiles.

    Matrices alive at once: explicit 2 (scores, weights), backward 4 ($\bar P$ and $\bar S$ too); fused 1 and 2. Tiled:
    none, but per thread one tile and a scaled copy of a head's queries; backward two tiles, and $[V, 1]$ and $[\bar Y, -D]$.

    Examples
    --------
    >>> round(memory("fused", 1, 4096, 4096, 64) / memory("tiled", 1, 4096, 4096, 64))
    20
    """
    results = N * D * (T + backward * (T + 2 * S))
    if form != "tiled":
        return ITEM * (results + N * T * S * {"explicit": 2, "fused": 1}[form] * (1 + backward))
    own = (1 + backward) * ROWS * KEYS + D * (T + ROWS) + backward * (2 * KEYS * D + (S + T) * (D + 1))
    return ITEM * (results + N * T + min(threads, N) * own)


@dataclass(frozen=True)
class Rates:
    """What a machine does in a second, measured.

    Parameters
    ----------
    products : float
        Operations of a large matrix product, all threads.
    memory : float
        Bytes that an elementwise function reads and writes, arrays larger than any cache, one thread: NumPy's
        elementwise functions have no more.
    cache : float
        The same with arrays that stay in a core's cache.
    exponentials : float
        Of numbers in a core's cache.
    threads : int
    """

    products: float
    memory: float
    cache: float
    exponentials: float
    threads: int


def predicted_seconds(form, rates, N, T, S, D, is_causal=False, backward=False):
    r"""The law: products at the rate of products, everything else at the rate of what it waits for.

    $$t = \frac{\text{operations}}{\text{rate of products}} + \frac{\text{exponentials}}{\text{their rate}} +
    \frac{\text{bytes of the passes}}{\text{rate of memory, or of the cache}}$$

    Whole matrices wait for memory, on one thread. Tiles wait for a core's cache, on all threads; their passes are fewer,
    since no maxima are sought or subtracted and rows are divided at the end: scores written, exponentials (2), sums,
    product: 5; backward the same without the sums, $\bar P$ written, times P (3), three products: 4 + 7.

    Examples
    --------
    >>> rates = Rates(1e11, 1e10, 1e11, 1e9, 2)
    >>> predicted_seconds("fused", rates, 1, 1000, 1000, 64) > predicted_seconds("tiled", rates, 1, 1000, 1000, 64)
    True
    """
    work = N * pairs(form, T, S, is_causal)
    products_take = operations(form, N, T, S, D, is_causal, backward) / rates.products
    if form == "tiled":
        exponentials, moved = work * (1 + backward), work * ITEM * (5 + 11 * backward)
        return products_take + (exponentials / rates.exponentials + moved / rates.cache) / rates.threads
    return products_take + work / rates.exponentials + traffic(form, N, T, S, D, is_causal, backward) / rates.memory


@dataclass(frozen=True)
class Fit:
    """y = factor · x^exponent, and the exponent's standard error."""

    exponent: float
    factor: float
    error: float


def fit_power(x, y):
    """The power law nearest to some points, by least squares of logarithms.

    Parameters
    ----------
    x, y : sequence of positive float
        At least three.

    Returns
    -------
    Fit

    Examples
    --------
    >>> fit = fit_power([1, 2, 4, 8], [3, 12, 48, 192])
    >>> round(fit.exponent, 6), round(fit.factor, 6)
    (2.0, 3.0)
    """
    if len(x) < 3:
        raise ValueError(f"fit_power: an exponent with an error takes three points; got {len(x)}")
    u, v = np.log(x), np.log(y)
    slope = np.cov(u, v, bias=True)[0, 1] / u.var()
    rest = v - v.mean() - slope * (u - u.mean())
    error = math.sqrt(rest @ rest / (len(u) - 2) / (len(u) * u.var()))
    return Fit(float(slope), float(np.exp(v.mean() - slope * u.mean())), error)
