"""How far a measured score may be from the true one: confidence intervals for a fraction and for a mean."""

import math

import numpy as np
from scipy.special import ndtri, stdtrit

__all__ = ["bootstrap_interval", "crossed_interval", "crossed_t_interval", "wilson_interval"]


def wilson_interval(successes, n, confidence=0.95):
    r"""Wilson's score interval for a fraction, such as an accuracy measured on n items.

    $$ \frac{1}{1 + z^2/n}
       \left(\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4n^2}}\right), \qquad
       \hat p = \frac{\mathrm{successes}}{n} $$

    with z the standard normal quantile at (1 + confidence)/2.

    Parameters
    ----------
    successes : int
        From 0 to n.
    n : int
        Independent trials, at least 1.
    confidence : float, optional
        Between 0 and 1.

    Returns
    -------
    (low, high) : pair of float
        Within [0, 1]; it holds successes / n, and has a width even at 0 and n, where the normal approximation has none.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Examples
    --------
    >>> low, high = wilson_interval(90, 100)
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"wilson_interval: 0 <= successes <= n and n >= 1 must hold; got {successes} and {n}")
    z = _normal_quantile(confidence, "wilson_interval")
    p = successes / n
    centre = p + z * z / (2 * n)
    half_width = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Exact at the ends, where rounding could push the interval past p or out of [0, 1].
    low = 0.0 if successes == 0 else (centre - half_width) / scale
    high = 1.0 if successes == n else (centre + half_width) / scale
    return low, high


def bootstrap_interval(values, rng, confidence=0.95, resamples=1000):
    """Percentile bootstrap interval for the mean of per-item scores.

    Parameters
    ----------
    values : (N,) array
        One score per item, such as the second result of `cider_d`.
    rng : np.random.Generator
        Draws the resamples; the same seed gives the same interval.
    confidence : float, optional
        Between 0 and 1.
    resamples : int, optional
        How many times N items are drawn with replacement.

    Returns
    -------
    (low, high) : pair of float
        The quantiles (1 - confidence)/2 and (1 + confidence)/2 of the resampled means.

    Raises
    ------
    ValueError
        If `values` is not (N,) with N > 0 or not finite, or another parameter is out of its range.

    Notes
    -----
    The interval is too narrow for few items (N below about 30), and for items that depend on each other (several
    recordings of one speaker).

    References
    ----------
    Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.arange(100.0), np.random.default_rng(0))
    >>> 40 < low < 49.5 < high < 60
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"bootstrap_interval: values must be finite, of shape (N,), N > 0; got shape {values.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"bootstrap_interval: confidence must lie between 0 and 1; got {confidence}")
    if resamples < 1:
        raise ValueError(f"bootstrap_interval: resamples must be at least 1; got {resamples}")
    # One resample at a time: all at once would hold resamples x N indices.
    means = [values[rng.integers(values.size, size=values.size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def crossed_interval(values, rng, confidence=0.95, resamples=1000):
    r"""Percentile bootstrap interval for the mean of a table of scores, of which rows and columns were drawn.

    Each resample draws S seeds and N items, both with replacement, and takes the mean over all of their pairs,

    $$ \frac{1}{S N} \sum_{s} \sum_{n} a_s\, b_n\, x_{sn}, $$

    $a_s$ and $b_n$ the number of times each was drawn. Items alone would say how the result varies with other items
    *for these seeds*; here other seeds could have been drawn too.

    Parameters
    ----------
    values : (S, N) array
        The score of item n by the model of seed s; for a paired comparison, the difference of two.
    rng : np.random.Generator
    confidence : float, optional
    resamples : int, optional

    Returns
    -------
    (low, high) : pair of float

    Raises
    ------
    ValueError
        If `values` is not (S, N) with both positive, or not finite, or another parameter is out of its range.

    Notes
    -----
    With five seeds it is rough: five draws from five show a spread that is too small by a tenth on average. With one
    seed it is `bootstrap_interval`, and says nothing of seeds.

    References
    ----------
    Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1(2).

    Examples
    --------
    >>> low, high = crossed_interval(np.arange(200.0).reshape(2, 100), np.random.default_rng(0))
    >>> low < 99.5 < high, high - low > 90                 # the two seeds differ by 100
    (True, True)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"crossed_interval: values must be finite, of shape (S, N), both positive; "
                         f"got shape {values.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"crossed_interval: confidence must lie between 0 and 1; got {confidence}")
    if resamples < 1:
        raise ValueError(f"crossed_interval: resamples must be at least 1; got {resamples}")
    seeds, items = values.shape
    a = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds                         # (R, S)
    b = rng.multinomial(items, np.full(items, 1 / items), resamples) / items                         # (R, N)
    low, high = np.quantile((a @ values * b).sum(1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def crossed_t_interval(values, confidence=0.95):
    r"""Student's interval for the mean of a table of scores, of which rows and columns were drawn.

    The seeds' means $\bar x_{s\cdot}$ give the mean a variance $V_S$, and the items' means $\bar x_{\cdot n}$ another,

    $$ V_S = \frac{\sum_s (\bar x_{s\cdot} - \bar x)^2}{S (S - 1)}, \qquad
       V_N = \frac{\sum_n (\bar x_{\cdot n} - \bar x)^2}{N (N - 1)}, \qquad
       \bar x \pm \sqrt{t_{S-1}^2\, V_S + t_{N-1}^2\, V_N} . $$

    Were items known, the interval of the seeds would be $\bar x \pm t_{S-1} \sqrt{V_S}$, and the other way round; the
    two half-widths add as their squares do.

    Parameters
    ----------
    values : (S, N) array
        The score of item n by the model of seed s; for a paired comparison, the difference of two.
    confidence : float, optional
        Between 0 and 1. For one of m comparisons, 1 - 0.05 / m: then all m hold together in at least 95 of 100 cases.

    Returns
    -------
    (low, high) : pair of float

    Raises
    ------
    ValueError
        If `values` is not (S, N) with two numbers or more, or not finite, or `confidence` is out of its range.

    Notes
    -----
    Levels that a bootstrap of few seeds cannot reach are within reach: drawn from five seeds, no mean lies outside
    theirs, and the true one does so once in 16 times.

    One $t_\nu \sqrt{V_S + V_N}$, with ν chosen by Satterthwaite, is narrower and holds less often than it says. By
    chance few seeds may agree; then $V_S$ is small, and ν, which weighs the estimates and not what they estimate, takes
    the many degrees of freedom of the items. Where seeds decide, at 99.75 %, such an interval of five seeds is wrong up
    to 3 times as often as it may be, and that of two seeds 25 times.

    What is neither the seed's nor the item's share of a score adds to both variances, and is counted twice: there the
    interval is too wide, by at most a factor of √2. With one seed it says nothing of other seeds.

    References
    ----------
    Zou, Donner (2008), Construction of confidence limits about effect measures: a general approach, Statistics in
    Medicine 27.

    Examples
    --------
    >>> table = np.array([[0.1, 0.3], [0.2, 0.4], [0.0, 0.2]])
    >>> low, high = crossed_t_interval(table)
    >>> round(low, 3), round(high, 3), crossed_t_interval(np.ones((5, 100)))
    (-1.095, 1.495, (1.0, 1.0))
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.size < 2 or not np.isfinite(values).all():
        raise ValueError("crossed_t_interval: values must be finite, of shape (S, N), two or more; "
                         f"got shape {values.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"crossed_t_interval: confidence must lie between 0 and 1; got {confidence}")
    mean, square = values.mean(), 0.0
    for axis in (0, 1):
        means = values.mean(1 - axis)
        count = len(means)
        if count > 1:
            square += stdtrit(count - 1, (1 + confidence) / 2) ** 2 * means.var(ddof=1) / count
    half_width = math.sqrt(square)
    return float(mean - half_width), float(mean + half_width)


def _normal_quantile(confidence, name):
    if not 0 < confidence < 1:
        raise ValueError(f"{name}: confidence must lie between 0 and 1; got {confidence}")
    return float(ndtri((1 + confidence) / 2))
