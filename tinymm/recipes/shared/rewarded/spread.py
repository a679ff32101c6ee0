r"""How noisy the gradient is with each baseline, measured: the same captioner, the same images, many draws.

The noise is the trace of the covariance of the whole gradient, $\mathrm E\lVert g - \mathrm E g\rVert^2$. All baselines
judge the same draws, of as many captions for each image.
"""

import math

import numpy as np

from ....autograd import grad
from ....mapping import policy_gradient_loss
from .options import BASELINES
from .training import draw_rewarded

__all__ = ["gradient_noise", "trace_of_covariance"]


def gradient_noise(captioner, images, rows, reward, tokens, n, longest, rng, draws):
    """For each baseline that n captions allow: the trace of its gradient's covariance, and its standard error.

    Parameters
    ----------
    captioner : Captioner
        In eval mode.
    images : array (B, C, H, W)
    rows : int array (B,)
        Which images of the reward they are.
    reward, tokens, n, longest
        As for `draw_rewarded`.
    rng : numpy.random.Generator
    draws : int
        How often captions are drawn for all these images.

    Returns
    -------
    dict of str to (float, float)
    """
    baselines = {name: make() for name, make in BASELINES.items() if n > 1 or name != "leave-one-out"}
    # a moving average that has settled: the mean reward of other captions of the same images
    settled = draw_rewarded(captioner, images, rows, reward, tokens, 4, longest, rng, False).rewards.mean()
    baselines["moving-average"].value[...] = settled
    several = [draw_rewarded(captioner, images, rows, reward, tokens, n, longest, rng, True) for _ in range(draws)]
    return {name: trace_of_covariance(np.stack([_gradient(captioner, images, drawn, baseline) for drawn in several]))
            for name, baseline in baselines.items()}


def _gradient(captioner, images, drawn, baseline):
    """By all parameters that learn, in one line: (D,)."""
    captions, rewards, greedy = drawn
    logits, _ = captioner(images, captions.ids[:, :-1])
    loss = policy_gradient_loss(logits, captions.ids[:, 1:], captions.mask, baseline(rewards, greedy).ravel())
    found = grad(loss, [p for p in captioner.parameters() if p.requires_grad], allow_unused=True)
    return np.concatenate([g.data.ravel() for g in found if g is not None])


def trace_of_covariance(gradients):
    r"""$\frac{1}{m-1}\sum_k \lVert g_k - \bar g\rVert^2$ of m draws (m, D), and its standard error.

    Examples
    --------
    >>> trace_of_covariance(np.array([[0.0, 1.0], [2.0, 1.0], [1.0, 4.0]]))
    (4.0, 1.0)
    """
    m = len(gradients)
    deviations = gradients - gradients.mean(0)
    squares = np.sum(deviations * deviations, 1, dtype=np.float64) * m / (m - 1)
    return float(squares.mean()), float(squares.std(ddof=1) / math.sqrt(m))
