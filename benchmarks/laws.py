"""What attention must cost: operations, bytes and memory of each form, counted from its formula; and power laws fitted
to what it did cost.

N heads of T queries and S keys, all of width D. "explicit" takes its steps one after another over whole T × S
matrices of all heads; "fused" works head by head in a core's cache, and keeps one T × S matrix per head for the
backward pass; "tiled" keeps none.
"""

import math
from dataclasses import dataclass

import numpy as np

from tinymm.functional.attending.fused import CACHE
from tinymm.functional.attending.tiles import EDGE, KEYS, ROWS, SHARES

__all__ = ["Fit", "Line", "Rates", "fit_line", "fit_power", "memory", "new_arrays", "operations", "pairs", "passes",
           "predicted_seconds", "products", "scratch_memory", "traffic"]

ITEM = 4  # bytes of a float32
UNSURE = 0.3  # with a standard error of this size or more, a fitted exponent says nothing


def pairs(form, T, S, is_causal=False):
    r"""Pairs of a query and a key that a form works on, per head.

    All of them, $TS$. A causal mask leaves $\sum_t \min(t + 1, S)$, half of them; but only tiles can be left out: the
    forms that hold whole matrices work on all pairs. The tiled form takes blocks of EDGE keys, each with the queries
    from the block's first position on, and so works on half a block above the diagonal too: $T \cdot \mathrm{EDGE} / 2$
    pairs more.

    Examples
    --------
    >>> pairs("fused", 8, 8, True), round(pairs("tiled", 2**15, 2**15, True) / 2**30, 2)
    (64, 0.5)
    """
    if form != "tiled" or not is_causal:
        return T * S
    seen = min(S, T)
    return sum((T - start) * min(EDGE, seen - start) for start in range(0, seen, EDGE))


def products(form, backward=False):
    r"""Matrix products over $T S D$ triples: 2 forward, 4 more backward, and the scores again where they are not kept.

    With scores e, weights α and results c of a head: forward $Q K^\top$ and $\alpha V$; backward $\bar c\,V^\top$,
    $\alpha^\top \bar c$, $\bar e\,K$, $\bar e^\top Q$. Tiles are gone by then, and $Q K^\top$ is computed again.

    Examples
    --------
    >>> products("fused", True), products("tiled", True)
    (6, 7)
    """
    return 2 + (4 + (form == "tiled")) * backward


def operations(form, N, T, S, D, is_causal=False, backward=False):
    """Multiplications and additions of the matrix products: one of each for a triple of a query, a key and a feature.

    Examples
    --------
    >>> operations("tiled", 1, 10, 10, 2), operations("tiled", 1, 10, 10, 2, backward=True)
    (800, 2800)
    """
    return 2 * products(form, backward) * N * pairs(form, T, S, is_causal) * D


def passes(is_causal=False, backward=False):
    r"""How often the explicit form reads or writes a T × S matrix.

    Forward: the scores are written (1), exponentials taken (2), added up (1) and divided (2), weights times values
    (1): 7. Where the sums come out too large or too small, maxima are sought (1) and subtracted (2), and it begins
    anew. Backward: $\bar\alpha$ is written (1), read with α for the row sums (2), lessened by them (2), multiplied with
    α (3), and three products read $\alpha$, $\bar e$, $\bar e$ (3): 11. A causal mask, a byte per pair, is read while
    $-\infty$ is put in (2¼).

    Examples
    --------
    >>> passes(), passes(backward=True)
    (7.0, 18.0)
    """
    return 7 + 11 * backward + 2.25 * is_causal


def traffic(form, N, T, S, D, is_causal=False, backward=False):
    r"""Bytes between processor and memory, if the cache holds what one core works on and no more.

    Explicit: `passes` over whole matrices. Fused: exponentials written forward, read backward. Both: queries, keys,
    values and the result once; backward all these, the cotangent and the gradients once. Tiled: queries and result
    once, keys and values once for every ROWS queries; backward, in addition, queries, result, its cotangent and
    $\bar Q$ (read and written), and, for every ROWS queries, keys, values and their gradients (read and written). Under
    a causal mask only the keys that these queries may see count.

    Examples
    --------
    >>> [traffic(form, 1, 100, 100, 1) for form in ("explicit", "fused", "tiled")]
    [281600.0, 41600, 1600.0]
    """
    if form != "tiled":
        over_matrices = passes(is_causal, backward) if form == "explicit" else 1 + backward
        return N * ITEM * (over_matrices * T * S + (4 + 7 * backward) * max(T, S) * D)
    share = pairs(form, T, S, is_causal) / (T * S) if T * S else 0
    rows = 2 + 5 * backward
    keys = 2 + 6 * backward
    return N * ITEM * D * (rows * T + keys * math.ceil(T / ROWS) * S * share)


def memory(form, N, T, S, D, backward=False, threads=1):
    r"""Bytes held at most beside the inputs: results, gradients, and what the form works in.

    T × S matrices alive at once: explicit 2 (scores, weights), backward 4 ($\bar\alpha$ and $\bar e$ too); fused 1,
    backward $\bar e$ of the few heads that each thread has in its cache. Tiled none, but what each thread works in
    (`scratch_memory`), forward and backward. Where there are fewer than SHARES heads, the stretches of a head are
    shared out, and each share has its own $\bar K$ and $\bar V$.

    Examples
    --------
    >>> [round(memory(form, 8, 2048, 2048, 64) / 2**20) for form in ("explicit", "fused")]
    [260, 132]
    """
    vectors = N * D * (T + backward * (T + 2 * S))
    if form == "explicit":
        return ITEM * (vectors + N * T * S * 2 * (1 + backward))
    if form == "fused":
        at_once = max(CACHE // max(T * S, 1), 1)
        return ITEM * (vectors + T * S * (N + backward * min(N, threads * at_once)))
    stretches = math.ceil(T / ROWS)
    shares = min(math.ceil(SHARES / max(N, 1)), stretches)
    vectors += backward * N * (shares - 1) * 2 * S * D
    threads = min(threads, N * stretches)
    at_work = threads * (scratch_memory(T, S, D, backward) + backward * scratch_memory(T, S, D, False))
    return ITEM * (vectors + N * T + at_work)


def new_arrays(form, N, T, S, D, is_causal=False, backward=False):
    r"""Bytes of arrays that are made while a form runs, whether or not they are alive at the same time.

    T × S matrices: explicit scores, weights, and masked scores under a causal mask, backward as many cotangents; fused
    the exponentials. All forms: results and gradients.

    Examples
    --------
    >>> new_arrays("explicit", 1, 100, 100, 1, True, True), new_arrays("fused", 1, 100, 100, 1, True, True)
    (241600, 41600)
    """
    vectors = T + backward * (T + 2 * S)
    matrices = {"explicit": (2 + is_causal) * (1 + backward), "fused": 1, "tiled": 0}[form]
    return ITEM * N * (matrices * T * S + vectors * D)


def scratch_memory(T, S, D, backward):
    r"""Numbers that a thread of the tiled form works in.

    A tile, a stretch of results and a head's scaled queries; backward two tiles, a block of each gradient, the queries,
    V with a column of ones, and $\bar c$ with one of $-\sum \bar c \odot c$.

    Examples
    --------
    >>> scratch_memory(8192, 8192, 64, False) - scratch_memory(4096, 4096, 64, False)
    262144
    """
    if not backward:
        return ROWS * KEYS + (ROWS + T) * D
    return 2 * ROWS * KEYS + (ROWS + 2 * KEYS + T) * D + (S + T) * (D + 1)


@dataclass(frozen=True)
class Rates:
    """What a machine does in a second, measured.

    Parameters
    ----------
    products : float
        Operations of a large square matrix product, all threads.
    whole, tiles : dict of int to float
        Width D -> operations of the products of attention, all threads: of whole matrices, and of tiles. One side of
        such a product is only D long, and much of the time goes into reading and writing the other two.
    memory : float
        Bytes that an elementwise function reads and writes, in arrays larger than any cache; on one thread, since
        NumPy's elementwise functions use no more.
    cache : float
        The same with arrays that stay in a core's cache.
    fresh : float
        Bytes of memory touched for the first time, which the system has to provide and clear.
    exponentials : float
        Of numbers in a core's cache.
    threads : int
    """

    products: float
    whole: dict
    tiles: dict
    memory: float
    cache: float
    fresh: float
    exponentials: float
    threads: int


def predicted_seconds(form, rates, N, T, S, D, is_causal=False, backward=False):
    r"""The law: each kind of work at its own rate.

    $$t = \frac{\text{operations}}{\text{rate of such products}} + \frac{\text{exponentials}}{\text{their rate}} +
    \frac{\text{bytes of the passes}}{\text{rate of memory, or of the cache}} +
    \frac{\text{bytes of new arrays}}{\text{rate of fresh memory}}$$

    The explicit form waits for memory, on one thread. The others wait for a core's cache, on as many threads as
    there are heads or stretches of queries; their passes are fewer, since rows are divided at the end: sums
    read (1), exponentials (2); backward times α (3), and in tiles exponentials again (2). What the products
    read and write is in their rate.

    Examples
    --------
    >>> rates = Rates(1e11, {64: 5e10}, {64: 5e10}, 1e10, 1e11, 5e9, 1e9, 2)
    >>> seconds = [predicted_seconds(form, rates, 2, 1000, 1000, 64) for form in ("explicit", "fused", "tiled")]
    >>> seconds == sorted(seconds, reverse=True)
    True
    """
    work = N * pairs(form, T, S, is_causal)
    new = new_arrays(form, N, T, S, D, is_causal, backward) / rates.fresh
    count = operations(form, N, T, S, D, is_causal, backward)
    if form == "explicit":
        elementwise = passes(is_causal, backward) - products(form, backward)  # a product's own pass is in its rate
        return count / rates.whole[D] + work / rates.exponentials + ITEM * work * elementwise / rates.memory + new
    again = backward * (form == "tiled")
    busy = min(rates.threads, N * (math.ceil(T / ROWS) if form == "tiled" else 1))
    in_cache = work * ((1 + again) / rates.exponentials + ITEM * (3 + 3 * backward + 2 * again) / rates.cache)
    return (count / rates.tiles[D] * rates.threads + in_cache) / busy + new


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
    u = np.log(x)
    v = np.log(y)
    slope = np.cov(u, v, bias=True)[0, 1] / u.var()
    rest = v - v.mean() - slope * (u - u.mean())
    error = math.sqrt(rest @ rest / (len(u) - 2) / (len(u) * u.var()))
    return Fit(float(slope), float(np.exp(v.mean() - slope * u.mean())), error)


@dataclass(frozen=True)
class Line:
    """y = intercept + slope · x, and the slope's standard error."""

    intercept: float
    slope: float
    error: float


def fit_line(x, y):
    """The line nearest to some points, by least squares.

    Parameters
    ----------
    x, y : sequence of float
        At least three.

    Returns
    -------
    Line

    Examples
    --------
    >>> fit_line([1, 2, 3, 4], [5, 7, 9, 11])
    Line(intercept=3.0, slope=2.0, error=0.0)
    """
    if len(x) < 3:
        raise ValueError(f"fit_line: a slope with an error takes three points; got {len(x)}")
    x, y = np.asarray(x, float), np.asarray(y, float)
    away = x - x.mean()
    slope = away @ y / (away @ away)
    rest = y - y.mean() - slope * away
    error = math.sqrt(rest @ rest / (len(x) - 2) / (away @ away))
    return Line(float(y.mean() - slope * x.mean()), float(slope), error)
