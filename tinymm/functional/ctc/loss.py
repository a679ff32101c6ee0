r"""The CTC loss: minus the log-probability of a transcript, over all paths that spell it.

$$p(l) = \sum_{\pi \text{ spells } l}\; \prod_{t=1}^{T} y_t(\pi_t)$$

The number of paths grows exponentially with T; the sums over their beginnings, α, and over their ends, β, take T·S
steps.
"""

import math

import numpy as np

from ...autograd import op, saving
from ..joining import pad, stack
from ..reductions import logsumexp
from ..selection import where
from .lattice import lattice_of

__all__ = ["ctc_loss", "ctc_losses"]


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    r"""Connectionist temporal classification loss: $\ell = -\ln p(l)$, with any alignment of labels to frames.

    Parameters
    ----------
    log_probs : Tensor or ndarray, (T, B, V), or (T, V) for one example
        $\ln y$, a `log_softmax` over V: labels and the blank. Time first, as in PyTorch.
    targets : int array, (B, U) with padding, or all transcripts end to end
        None of them the blank.
    input_lengths, target_lengths : int arrays, (B,)
        Real frames and real labels of each example.
    blank : int
        The label that says nothing.
    reduction : {"mean", "sum", "none"}
        "mean": each loss is divided by the length of its transcript (by 1, if that is empty), then the mean is taken.
    zero_infinity : bool
        A transcript that does not fit into its frames, or has probability 0, counts as loss 0 with gradient 0.

    Returns
    -------
    Tensor
        A scalar; with "none" (B,), or () for one example.

    Raises
    ------
    ValueError
        If shapes, lengths or labels do not fit; without `zero_infinity`, if a transcript has more labels, plus a blank
        between equal neighbours, than its input has frames. PyTorch gives inf and a gradient of NaN for that.

    Notes
    -----
    The gradient is $\partial\ell/\partial\ln y_t(k) = -P(\pi_t = k \mid l)$, minus the probability that a path through
    l says k in frame t. Through `log_softmax` that becomes $y_t(k) - P(\pi_t = k \mid l)$ with respect to the scores.
    PyTorch returns the latter as the gradient of `log_probs`, which comes to the same once it has passed
    `log_softmax`. Padding gets exactly 0.

    References
    ----------
    Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", 2006, equations 5 to 16.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> y = np.array([[0.5, 0.5], [0.5, 0.5]])                          # of a blank and one label, two frames
    >>> float(np.exp(-F.ctc_loss(np.log(y), [1], 2, 1, reduction="none")))    # three of the four paths spell it
    0.75
    """
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs[:, None]
        targets = np.asarray(targets)[None]
        input_lengths = np.reshape(input_lengths, 1)
        target_lengths = np.reshape(target_lengths, 1)
    losses = ctc_losses(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
    if reduction == "none":
        return losses[0] if single else losses
    if reduction == "sum":
        return losses.sum()
    if reduction != "mean":
        raise ValueError(f"ctc_loss: reduction is 'mean', 'sum' or 'none'; got {reduction!r}")
    if not len(losses):
        raise ValueError("ctc_loss: a mean over no examples does not exist")
    return (losses / np.maximum(target_lengths, 1).astype(losses.dtype)).mean()


@op
def ctc_losses(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    r"""`ctc_loss` of each example, by the recursion over beginnings of paths, in logarithms.

    $$\alpha_t(s) = y_t(l'_s)\,\big[\alpha_{t-1}(s) + \alpha_{t-1}(s-1)
      + \mathbb 1\{l'_s \ne \varnothing, l'_s \ne l'_{s-2}\}\,\alpha_{t-1}(s-2)\big], \qquad
    p(l) = \alpha_T(S) + \alpha_T(S-1)$$

    Parameters
    ----------
    log_probs, targets, input_lengths, target_lengths, blank, zero_infinity
        As for `ctc_loss`.

    Returns
    -------
    Tensor, (B,)

    Raises
    ------
    ValueError
        As `ctc_loss`.

    Notes
    -----
    After each frame the largest ln α of an example is made 0, and what was subtracted is summed separately: the
    numbers stay small, and float32 loses no digits on long inputs.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> log_y = np.log(np.full((3, 1, 2), 0.5))
    >>> F.ctc_losses(log_y, [[1, 1]], [3], [2]).round(4)                # one path of eight: label, blank, label
    array([2.0794])
    """
    lattice = lattice_of("ctc_loss", log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
    emitted = lattice.emitted(log_probs)                                # (T, B, S)
    alphas, subtracted = beginnings(emitted, lattice)
    losses = -(logsumexp(alphas[-1] + lattice.end, 1) + subtracted)
    if zero_infinity:
        losses = np.where(np.isinf(losses), 0, losses)
    return saving(losses, lattice=lattice, emitted=emitted, alphas=alphas)


@ctc_losses.vjp
def ctc_losses_vjp(g, log_probs, lattice, emitted, alphas):             # ∂ℓ/∂ln yₜ(k) = −Σ_{s: l′ₛ = k} γₜ(s)
    gamma = posterior(emitted, alphas, lattice)                         # (T, B, S)
    of_label = lattice.labels[..., None] == np.arange(log_probs.shape[2])       # (B, S, V)
    d = gamma.swapaxes(0, 1) @ of_label                                 # (B, T, V)
    return where(lattice.real, d.swapaxes(0, 1) * -g[:, None], 0)


@ctc_losses.composite
def ctc_losses_composite(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    """The recursion as textbooks write it."""
    lattice = lattice_of("ctc_loss", log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
    alpha = lattice.start
    emitted = lattice.emitted(log_probs)
    for t, real in enumerate(lattice.real):
        step = pad(alpha, (1, -1), value=-math.inf)
        skip = pad(alpha, (2, -2)) + lattice.skip
        alpha = where(real, logsumexp(stack([alpha, step, skip]), 0) + emitted[t], alpha)
    losses = -logsumexp(alpha + lattice.end, 1)
    return where(np.isinf(losses), 0, losses) if zero_infinity else losses


def beginnings(emitted, lattice):
    """ln α before the first frame and after each, (T + 1, B, S), shifted so that the maximum of each row is 0;
    and the sum of each example's shifts, (B,)."""
    alphas = np.empty((len(emitted) + 1, *lattice.labels.shape), emitted.dtype)
    alphas[0] = lattice.start
    ways = np.full((3, *lattice.labels.shape), -math.inf, emitted.dtype)        # what a state is reached from
    subtracted = np.zeros(len(lattice.labels), emitted.dtype)
    for t, (y, real) in enumerate(zip(emitted, lattice.real)):
        a = alphas[t]
        ways[0] = a
        ways[1, :, 1:] = a[:, :-1]
        ways[2, :, 2:] = a[:, :-2] + lattice.skip[:, 2:]
        top, alphas[t + 1] = _from_top(_log_total(ways) + y)
        np.copyto(alphas[t + 1], a, where=~real)                                # padding changes nothing
        subtracted += np.where(real[:, 0], top, 0)
    return alphas, subtracted


def posterior(emitted, alphas, lattice):
    r"""γ, (T, B, S): the probability of being in state s at frame t, of all paths that spell the transcript.

    With β the same recursion from the last frame, over the ends of paths,
    $\gamma_t(s) \propto \alpha_t(s)\,\beta_t(s)$; here α includes $y_t$ and β does not. In each frame γ adds up to 1.
    """
    gamma = np.empty(emitted.shape, emitted.dtype)
    beta = lattice.end
    ways = np.full((3, *lattice.labels.shape), -math.inf, emitted.dtype)        # where a state leads to
    for t in reversed(range(len(emitted))):
        real = lattice.real[t]
        e = np.exp(_from_top(alphas[t + 1] + beta)[1])
        total = e.sum(1, keepdims=True)
        gamma[t] = np.where(real, e / (total + (total == 0)), 0)
        b = beta + emitted[t]
        ways[0] = b
        ways[1, :, :-1] = b[:, 1:]
        ways[2, :, :-2] = b[:, 2:] + lattice.skip[:, 2:]
        beta = np.where(real, _from_top(_log_total(ways))[1], beta)
    return gamma


def _log_total(ways):
    """ln Σ e^w over the first axis; −∞ where there is no way."""
    top = np.maximum(ways.max(0), np.finfo(ways.dtype).min)
    with np.errstate(divide="ignore"):  # ln 0 is meant
        return np.log(np.exp(ways - top).sum(0)) + top


def _from_top(a):
    """The largest number of each row, or 0 if that is −∞; and the row minus it."""
    top = a.max(1)
    top = np.where(top == -math.inf, 0, top)
    return top, a - top[:, None]
