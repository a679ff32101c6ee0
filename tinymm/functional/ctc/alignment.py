r"""Which frame says what: how likely each state of the lattice is at each frame, and the likeliest path.
No gradients."""

import math

import numpy as np

from ...autograd import Tensor
from .lattice import lattice_of
from .loss import beginnings, posterior

__all__ = ["ctc_alignment", "ctc_posteriors"]


def ctc_posteriors(log_probs, targets, input_lengths, target_lengths, blank=0):
    r"""How likely each state is at each frame: $\gamma_t(s) = P(\pi_t = s \mid l) = \alpha_t(s)\,\beta_t(s) / p(l)$.

    Parameters
    ----------
    log_probs, targets, input_lengths, target_lengths, blank
        As for `ctc_loss`.

    Returns
    -------
    ndarray, (T, B, 2U + 1)
        State 2u + 1 is label u, counted from 0; even states are the blanks around. Each real frame adds up to 1. Frames
        and states of padding are 0, as is an example of probability 0.

    Raises
    ------
    ValueError
        As `ctc_loss`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.ctc_posteriors(np.log(np.full((2, 1, 2), 0.5)), [[1]], [2], [1])[:, 0].round(3)     # of the paths -1, 1-, 11
    array([[0.333, 0.667, 0.   ],
           [0.   , 0.667, 0.333]])
    """
    lattice, emitted = _lattice_and_emitted("ctc_posteriors", log_probs, targets, input_lengths, target_lengths, blank)
    return posterior(emitted, beginnings(emitted, lattice)[0], lattice)


def ctc_alignment(log_probs, targets, input_lengths, target_lengths, blank=0):
    r"""The likeliest path that spells a transcript:
    the recursion of `ctc_losses` with max in place of the sum (Viterbi).

    Parameters
    ----------
    log_probs, targets, input_lengths, target_lengths, blank
        As for `ctc_loss`.

    Returns
    -------
    states : ndarray of int, (T, B)
        As in `ctc_posteriors`; −1 in padding. Of equally likely paths, one that moves on early is taken.
    log_probability : ndarray, (B,)
        Of that path alone.

    Raises
    ------
    ValueError
        As `ctc_loss`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> log_y = np.log(np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]]))[:, None]
    >>> states, log_p = F.ctc_alignment(log_y, [[1]], [3], [1])
    >>> states[:, 0], float(np.exp(log_p[0]).round(3))                  # .9 · .7 · .8
    (array([0, 1, 1]), 0.504)
    """
    lattice, emitted = _lattice_and_emitted("ctc_alignment", log_probs, targets, input_lengths, target_lengths, blank)
    best = lattice.start
    before = np.zeros(emitted.shape, int)                               # how many states back the best way comes from
    ways = np.full((3, *lattice.labels.shape), -math.inf, emitted.dtype)
    for t, (y, real) in enumerate(zip(emitted, lattice.real)):
        ways[0] = best
        ways[1, :, 1:] = best[:, :-1]
        ways[2, :, 2:] = best[:, :-2] + lattice.skip[:, 2:]
        before[t] = np.where(real, ways.argmax(0), 0)
        best = np.where(real, ways.max(0) + y, best)
    best = best + lattice.end
    states = np.full(emitted.shape[:2], -1)
    s = best.argmax(1)
    rows = np.arange(len(best))
    for t in reversed(range(len(emitted))):
        states[t] = np.where(lattice.real[t, :, 0], s, -1)
        s = s - before[t, rows, s]
    return states, best.max(1)


def _lattice_and_emitted(name, log_probs, *rest):
    """The lattice, and the log-probability of each of its states at each frame, without gradients."""
    log_probs = log_probs.data if isinstance(log_probs, Tensor) else np.asarray(log_probs)
    lattice = lattice_of(name, log_probs, *rest)
    return lattice, lattice.emitted(log_probs)
