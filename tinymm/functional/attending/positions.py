r"""How far a key is from a query, and biases on their score that depend on it: ALiBi (fixed), T5's buckets (learned).

The third way to make a score depend on the distance, turning queries and keys, is in `rotary`.
"""

import math

import numpy as np

__all__ = ["alibi_bias", "alibi_slopes", "relative_positions", "t5_buckets"]


def relative_positions(T, S, offset=0):
    """How far each key is from each query: s − t, negative in the past.

    Parameters
    ----------
    T, S : int
        Number of queries and of keys.
    offset : int
        Position of the first query; the first key is at 0. For one position decoded after S − 1 others: S − 1.

    Returns
    -------
    ndarray of int, (T, S)

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.relative_positions(2, 3).tolist()
    [[0, 1, 2], [-1, 0, 1]]
    """
    return np.arange(S) - np.arange(offset, offset + T)[:, None]


def alibi_slopes(heads):
    r"""The slope of each head: $m_h = 2^{-8h/H}$, h = 1 to H.

    Parameters
    ----------
    heads : int
        H. If it is not a power of two: the slopes of the next smaller power, then every second of the next larger.

    Returns
    -------
    ndarray (H,), float64

    References
    ----------
    Press, Smith, Lewis, "Train short, test long: attention with linear biases enables input length
    extrapolation", 2022, §3.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.alibi_slopes(4).tolist(), F.alibi_slopes(3).tolist()
    ([0.25, 0.0625, 0.015625, 0.00390625], [0.0625, 0.00390625, 0.25])
    """
    if heads < 1:
        raise ValueError(f"alibi_slopes: needs at least one head; got {heads}")
    power = 2 ** int(math.log2(heads))

    def geometric(n):
        return 2.0 ** (-8 * np.arange(1, n + 1) / n)

    return np.concatenate([geometric(power), geometric(2 * power)[::2][:heads - power]])


def alibi_bias(heads, T, S=None, offset=0, dtype=np.float32):
    r"""A penalty on distance, to be added to the scores: $b_{hts} = -m_h\,|s - t|$.

    Parameters
    ----------
    heads, T, S, offset : int
        H, and as for `relative_positions`; S is T unless given.
    dtype : dtype
        That of the scores.

    Returns
    -------
    ndarray (H, T, S)
        An additive mask for `scaled_dot_product_attention`. It hides nothing; to hide the future, put −inf there.

    References
    ----------
    Press, Smith, Lewis (2022), figure 3.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.alibi_bias(1, 2, 2).tolist() == [[[0.0, -1 / 256], [-1 / 256, 0.0]]]
    True
    """
    distance = np.abs(relative_positions(T, T if S is None else S, offset))
    return (-alibi_slopes(heads)[:, None, None] * distance).astype(dtype)


def t5_buckets(distance, num_buckets=32, max_distance=128, bidirectional=True):
    r"""Sort distances into buckets: each near one has its own, farther ones go by their logarithm,
    all from `max_distance` on share the last.

    $$\text{bucket}(n) = n \;\text{ if } n < m, \qquad \text{bucket}(n) = \min\!\Big(2m - 1,\; m + \Big\lfloor m\,
    \frac{\ln(n/m)}{\ln(n_{\max}/m)} \Big\rfloor\Big) \;\text{ otherwise}$$

    Parameters
    ----------
    distance : int array
        s − t, as `relative_positions` gives it.
    num_buckets : int
        2m, or 4m if bidirectional: half of them for each direction.
    max_distance : int
        $n_{\max}$, above m.
    bidirectional : bool
        Whether the future has buckets (n = |s − t|); if not, it shares bucket 0 (n = max(t − s, 0)).

    Returns
    -------
    ndarray of int
        In the shape of `distance`, values in [0, num_buckets): past and present first.

    Raises
    ------
    ValueError
        If the buckets cannot be halved, or `max_distance` is not above m.

    References
    ----------
    Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text Transformer", 2020, §2.1; the
    formula is that of the published code.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.t5_buckets(np.array([0, -1, -7, -8, -20, -1000, 1, 7]), 32, 128).tolist()
    [0, 1, 7, 8, 10, 15, 17, 23]
    """
    ways = 2 if bidirectional else 1
    exact = num_buckets // (2 * ways)
    if num_buckets % (2 * ways) or exact < 1 or max_distance <= exact:
        raise ValueError(f"t5_buckets: num_buckets must be a multiple of {2 * ways} and max_distance above "
                         f"num_buckets / {2 * ways}; got {num_buckets} and {max_distance}")
    n = np.abs(distance) if bidirectional else np.maximum(-np.asarray(distance), 0)
    far = exact * np.log(np.maximum(n, exact) / exact) / math.log(max_distance / exact)
    # 1e-9: a quotient that should be a whole number may be rounded to just below it
    bucket = np.where(n < exact, n, np.minimum(exact + np.floor(far + 1e-9).astype(int), 2 * exact - 1))
    return bucket + (np.asarray(distance) > 0) * (2 * exact) * (ways - 1)
