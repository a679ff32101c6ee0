r"""The lattice of CTC: all ways to spell a transcript in T frames, as paths through its labels with blanks between.

A transcript $l_1 \dots l_U$ becomes $l' = (\varnothing, l_1, \varnothing, \dots, l_U, \varnothing)$, S = 2U + 1 states.
A path is in one state per frame. From s it may stay, go to s + 1, or go to s + 2 where that skips a blank between
different labels. It starts in one of the first two states and ends in one of the last two.
"""

import math
from typing import NamedTuple

import numpy as np

__all__ = ["Lattice", "lattice_of"]


class Lattice(NamedTuple):
    """The lattices of a batch. Logarithms of 0 and 1 say what is allowed."""

    labels: np.ndarray  # l′, (B, S) int; blank beyond a transcript's own states
    start: np.ndarray  # before the first frame, as if in state 0: from there 0 and 1 are reached; (B, S), 0 or −∞
    skip: np.ndarray  # which states a path may reach from two before; (B, S), 0 or −∞
    end: np.ndarray  # where it may end; (B, S), 0 or −∞
    real: np.ndarray  # (T, B, 1) bool, False for frames of padding

    def emitted(self, log_probs):
        """log_probs (T, B, V) of each state's label: (T, B, S)."""
        return log_probs[:, np.arange(len(self.labels))[:, None], self.labels]


def lattice_of(name, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity=False):
    """The `Lattice` of a batch; an error if something does not fit.

    `zero_infinity` accepts transcripts that are too long for their frames.
    """
    if log_probs.ndim != 3:
        raise ValueError(f"{name}: log_probs must be (T, B, V); got {log_probs.shape}")
    T, B, V = log_probs.shape
    if not 0 <= blank < V:
        raise ValueError(f"{name}: blank must be one of the {V} labels; got {blank}")
    frames = _whole_numbers(name, "input_lengths", input_lengths, B)
    wanted = _whole_numbers(name, "target_lengths", target_lengths, B)
    if (frames > T).any():
        raise ValueError(f"{name}: input_lengths must be at most T = {T}; got {frames.max()}")
    labels = np.full((B, 2 * max([1, *wanted]) + 1), blank)
    for k, transcript in enumerate(_transcripts_of(name, targets, wanted)):
        if ((transcript < 0) | (transcript >= V) | (transcript == blank)).any():
            raise ValueError(f"{name}: targets must be labels from 0 to {V - 1} other than the blank, {blank}; "
                             f"got {transcript.tolist()}")
        repeats = (transcript[1:] == transcript[:-1]).sum()
        if frames[k] < len(transcript) + repeats and not zero_infinity:
            raise ValueError(f"{name}: a transcript needs a frame per label and one between equal neighbours; example "
                             f"{k} has {frames[k]} frames for {len(transcript)} labels "
                             "(zero_infinity=True counts it as 0)")
        labels[k, 1:2 * len(transcript):2] = transcript
    s = np.arange(labels.shape[1])
    last = 2 * wanted[:, None]
    skip = np.zeros(labels.shape, bool)
    skip[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    return Lattice(labels=labels,
                   start=_allowed(np.broadcast_to(s == 0, labels.shape), log_probs),
                   skip=_allowed(skip, log_probs),
                   end=_allowed((s == last) | (s == last - 1), log_probs),
                   real=(np.arange(T)[:, None] < frames)[..., None])


def _allowed(where, log_probs):
    """0 where allowed, −∞ elsewhere, in the dtype of the log-probabilities."""
    return np.where(where, 0.0, -math.inf).astype(log_probs.dtype)


def _transcripts_of(name, targets, lengths):
    """The transcripts one by one, from padded rows (B, U) or from all of them end to end."""
    targets = np.asarray(targets)
    rows = targets.ndim == 2
    if targets.size and targets.dtype.kind not in "iu" \
            or not (targets.ndim == 1 or rows and len(targets) == len(lengths)):
        raise ValueError(f"{name}: targets must be whole numbers, (B, U) with B = {len(lengths)} or all in a row; "
                         f"got {targets.dtype} of shape {targets.shape}")
    if (lengths > targets.shape[1]).any() if rows else lengths.sum() != targets.size:
        raise ValueError(f"{name}: target_lengths must fit the targets, of shape {targets.shape}; "
                         f"got {lengths.tolist()}")
    if rows:
        return [row[:n] for row, n in zip(targets, lengths)]
    return [targets[end - n:end] for n, end in zip(lengths, np.cumsum(lengths))]


def _whole_numbers(name, what, lengths, batch):
    """Lengths as an int array (B,)."""
    lengths = np.asarray(lengths)
    if lengths.shape != (batch,) or lengths.dtype.kind not in "iu" and batch or (lengths < 0).any():
        raise ValueError(f"{name}: {what} must be {batch} whole numbers from 0 on; got {lengths.tolist()}")
    return lengths.astype(int)
