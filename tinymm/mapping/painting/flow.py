r"""Rectified flow: pictures out of noise along straight lines, whose direction a network learns to tell.

Convention, for all of this room: σ = 0 is a picture, σ = 1 is noise. Between them lies the straight line

$$ x_\sigma = (1 - \sigma)\,x + \sigma\,\varepsilon, \qquad \frac{d x_\sigma}{d\sigma} = \varepsilon - x, \qquad
   \varepsilon \sim \mathcal N(0, I). $$

A network v(x, σ) learns the direction by least squares, $\mathcal L = E\,\lVert v(x_\sigma, \sigma) - (\varepsilon -
x)\rVert^2$. Many lines cross at a point; the best answer there is their mean, $E[\varepsilon - x \mid x_\sigma]$, and
the loss at its minimum is the variance around it, not 0. Who starts at noise and follows that mean field from σ = 1 to
0 arrives at the distribution of the pictures. Other texts let time run the other way, t = 1 − σ.
"""

import numpy as np

from ... import functional as F
from ...autograd import no_grad

__all__ = ["between", "euler", "flow_loss", "guided", "noise_levels", "random_levels", "shifted"]


def between(x, noise, sigma):
    r"""The point of the straight line at σ: $x_\sigma = (1 - \sigma)\,x + \sigma\,\varepsilon$.

    Parameters
    ----------
    x, noise : array (B, …)
    sigma : float array (B,)

    Returns
    -------
    array (B, …)

    Examples
    --------
    >>> between(np.array([[2.0, 4.0]]), np.array([[0.0, 1.0]]), np.array([0.25]))
    array([[1.5 , 3.25]])
    """
    sigma = _over(sigma, x)
    return (1 - sigma) * x + sigma * noise


def flow_loss(field, x, sigma, noise):
    r"""Mean of $\bigl(v(x_\sigma, \sigma) - (\varepsilon - x)\bigr)^2$ over a batch and all its coordinates.

    Parameters
    ----------
    field : callable
        ``field(x, sigma)`` → Tensor like x: v.
    x, noise : array (B, …)
        Data, and N(0, I) of the same shape.
    sigma : float array (B,)

    Returns
    -------
    Tensor ()

    References
    ----------
    Liu et al. (2023), Flow straight and fast, eq. 1; there time is 1 − σ.

    Examples
    --------
    >>> x, noise = np.zeros((4, 2)), np.ones((4, 2))
    >>> float(flow_loss(lambda x, sigma: np.zeros_like(x), x, np.full(4, 0.5), noise))
    1.0
    """
    return F.mse_loss(field(between(x, noise, sigma), sigma), noise - x)


def shifted(t, shift):
    r"""Levels moved towards noise: $\sigma = s\,t / (1 + (s - 1)\,t)$, from 0 at t = 0 to 1 at t = 1.

    Since $\operatorname{logit} \sigma = \operatorname{logit} t + \log s$, it is one shift of all logits. How far: the
    larger the parts of a picture, the more noise it takes before one cannot tell what is there, and what there is to be
    decided is decided at levels where one can barely.

    Parameters
    ----------
    t : array
        In [0, 1].
    shift : float
        s; 1 changes nothing.

    Returns
    -------
    array

    References
    ----------
    Esser et al. (2024), Scaling rectified flow Transformers, eq. 23.

    Examples
    --------
    >>> shifted(np.array([0.0, 0.5, 1.0]), 3.0)
    array([0.  , 0.75, 1.  ])
    """
    return shift * t / (shift * t + (1 - t))                             # exactly 1 at t = 1


def random_levels(n, rng, shift=1.0):
    r"""Noise levels to train at: $t = 1 / (1 + e^{-z})$, $z \sim \mathcal N(0, 1)$, the middle more often than the
    ends; then `shifted`.

    Returns
    -------
    float32 array (n,)

    References
    ----------
    Esser et al. (2024), Scaling rectified flow Transformers, eq. 19 (logit-normal).

    Examples
    --------
    >>> sigma = random_levels(1000, np.random.default_rng(0), shift=3.0)
    >>> bool(0.72 < np.median(sigma) < 0.78), sigma.dtype
    (True, dtype('float32'))
    """
    return shifted(1 / (1 + np.exp(-rng.standard_normal(n, dtype=np.float32))), shift)


def noise_levels(steps, shift=1.0):
    """The levels from 1 to 0 between which a sampler takes so many steps, `shifted` from evenly spaced ones.

    Returns
    -------
    float64 array (steps + 1,)

    Examples
    --------
    >>> noise_levels(4)
    array([1.  , 0.75, 0.5 , 0.25, 0.  ])
    >>> noise_levels(4, shift=3.0)
    array([1.  , 0.9 , 0.75, 0.5 , 0.  ])
    """
    if steps < 1:
        raise ValueError(f"noise_levels: steps must be at least 1; got {steps}")
    return shifted(np.linspace(1, 0, steps + 1), shift)


def euler(field, noise, levels, path=False):
    r"""Follow a field from noise to data: $x \leftarrow x + (\sigma' - \sigma)\, v(x, \sigma)$.

    Parameters
    ----------
    field : callable
        ``field(x, sigma)`` → array or Tensor like x.
    noise : array (B, …)
        x at the first level.
    levels : sequence of float
        From 1 down to 0, as `noise_levels` gives them.
    path : bool
        Return every x, not only the last one.

    Returns
    -------
    array (B, …), or list of them
        In the dtype of the noise. Nothing is recorded for gradients.

    Examples
    --------
    Where all data are one point m, every line ends there; the field ε − x = (x_σ − m)/σ is known, and one step is
    exact.

    >>> m = np.array([3.0, -1.0])
    >>> euler(lambda x, sigma: (x - m) / sigma[:, None], np.zeros((1, 2)), noise_levels(1))
    array([[ 3., -1.]])
    """
    x, passed = noise, [noise]
    with no_grad():
        for sigma, after in zip(levels[:-1], levels[1:]):
            v = field(x, np.full(len(x), sigma, x.dtype))
            x = x + float(after - sigma) * np.asarray(getattr(v, "data", v))
            passed.append(x)
    return passed if path else x


def guided(conditional, unconditional, scale):
    r"""Classifier-free guidance: the field $u + s\,(c - u)$, which goes further where the condition points.

    At s = 1 this is c, at s = 0 it is u; there the other field is not asked at all, so that the numbers are the same
    bit for bit. Above 1 the samples follow the condition more than the data do, and differ less among themselves.

    Parameters
    ----------
    conditional, unconditional : callable
        ``field(x, sigma)`` → array or Tensor: c and u.
    scale : float
        s. Where texts write (1 + w) c − w u, s = 1 + w.

    Returns
    -------
    callable
        ``field(x, sigma)``.

    References
    ----------
    Ho & Salimans (2022), Classifier-free diffusion guidance, eq. 6.

    Examples
    --------
    >>> field = guided(lambda x, sigma: x + 1, lambda x, sigma: x, 3.0)
    >>> field(np.zeros(2), None)
    array([3., 3.])
    """
    if scale == 1:
        return conditional
    if scale == 0:
        return unconditional

    def field(x, sigma):
        u = unconditional(x, sigma)
        return u + scale * (conditional(x, sigma) - u)

    return field


def _over(sigma, x):
    """σ (B,) in the dtype of x, with ones behind it: (B, 1, …)."""
    return np.asarray(sigma, x.dtype).reshape(-1, *[1] * (x.ndim - 1))
