"""From a padded sequence to one vector: the mean or the largest over its real steps."""

import numpy as np

from .. import functional as F

__all__ = ["max_over_time", "mean_over_time"]


def mean_over_time(x, mask=None):
    r"""Mean of the real steps: $y_b = \sum_t m_{bt} x_{bt} \,/\, \sum_t m_{bt}$; zero where there is none.

    Parameters
    ----------
    x : Tensor (B, T, D)
    mask : boolean array (B, T), optional
        True for real steps; default: all.

    Returns
    -------
    Tensor (B, D)

    Examples
    --------
    >>> mean_over_time(np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]]))
    array([[2.]])
    """
    if mask is None:
        return F.mean(x, 1)
    dtype = np.result_type(x.dtype, np.float16)                          # whole numbers have a mean too
    shares = mask / np.maximum(mask.sum(1, keepdims=True), 1)            # (B, T), each row sums to 1
    return F.sum(F.where(mask[..., None], x, 0.0) * shares[..., None].astype(dtype), 1)


def max_over_time(x, mask=None):
    r"""Largest of the real steps, each channel on its own: $y_{bd} = \max_{t:\, m_{bt}} x_{btd}$;
    zero where there is none.

    Parameters
    ----------
    x : Tensor (B, T, D)
    mask : boolean array (B, T), optional
        True for real steps; default: all.

    Returns
    -------
    Tensor (B, D)

    References
    ----------
    Collobert et al. (2011), Natural language processing (almost) from scratch, §3.2.2.

    Examples
    --------
    >>> max_over_time(np.array([[[1.0, 4.0], [3.0, 2.0], [9.0, 9.0]]]), np.array([[True, True, False]]))
    array([[3., 4.]])
    """
    if mask is None:
        return F.amax(x, 1)
    largest = F.amax(F.where(mask[..., None], x, -np.inf), 1)            # (B, D)
    return F.where(mask.any(1)[:, None], largest, 0.0)
