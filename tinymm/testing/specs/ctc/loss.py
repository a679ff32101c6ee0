"""Rows for `tinymm.functional.ctc.loss`: all paths written out, and PyTorch's loss of the same scores."""

from itertools import groupby, product

import numpy as np

from ....functional import ctc_loss, log_softmax
from ...specification import spec
from ...strategies import arrays, st


@st.composite
def transcribed(draw, longest=4, reductions=()):
    """Log-probabilities, and transcripts that fit into their frames; with `zero_infinity`, some that do not."""
    T = draw(st.integers(1, longest))
    B = draw(st.integers(1, 3))
    V = draw(st.integers(2, 3))
    blank = draw(st.integers(0, V - 1))
    zero_infinity = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = rng.integers(1, T + 1, B)
    labels = [k for k in range(V) if k != blank]
    transcripts = [rng.choice(labels, rng.integers(0, 4)).tolist() for _ in range(B)]
    if not zero_infinity:
        transcripts = [fitted(transcript, n) for transcript, n in zip(transcripts, frames)]
    lengths = np.array([len(transcript) for transcript in transcripts])
    if draw(st.booleans()):
        targets = np.full((B, max(1, lengths.max())), -5)       # nobody looks at the padding
        for row, transcript in zip(targets, transcripts):
            row[:len(transcript)] = transcript
    else:
        targets = np.array(sum(transcripts, []), int)
    options = dict(blank=blank, zero_infinity=zero_infinity)
    options |= dict(reduction=draw(st.sampled_from(reductions))) if reductions else {}
    return (draw(arrays((T, B, V), low=-3, high=1)), targets, frames, lengths), options


def fitted(transcript, frames):
    """The transcript, shortened until it fits."""
    while len(transcript) + sum(a == b for a, b in zip(transcript, transcript[1:])) > frames:
        transcript = transcript[:-1]
    return transcript


def spelled(path, blank):
    """Repeats merged, then blanks dropped."""
    return [label for label, _ in groupby(path) if label != blank]


def enumerated(log_probs, targets, frames, lengths, blank, zero_infinity, reduction="none"):
    """Over all Vᵀ paths."""
    rows = list(targets) if targets.ndim == 2 else np.split(targets, np.cumsum(lengths)[:-1])
    losses = []
    for b, (row, T, U) in enumerate(zip(rows, frames, lengths)):
        total = sum(np.exp(sum(log_probs[t, b, k] for t, k in enumerate(path)))
                    for path in product(range(log_probs.shape[2]), repeat=T) if spelled(path, blank) == list(row[:U]))
        losses.append(0.0 if total == 0 and zero_infinity else -np.log(total))
    losses = np.array(losses)
    return {"none": losses, "sum": losses.sum(), "mean": (losses / np.maximum(lengths, 1)).mean()}[reduction]


def loss_of_scores(scores, *args, **kwargs):
    """`ctc_loss` of scores: PyTorch's gradient of log-probabilities is that of scores already."""
    return ctc_loss(log_softmax(scores, -1), *args, **kwargs)


def enumerated_of_scores(scores, *args, **kwargs):
    return enumerated(scores - np.log(np.exp(scores).sum(-1, keepdims=True)), *args, **kwargs)


def theirs(torch, scores, targets, frames, lengths, **options):
    return torch.nn.functional.ctc_loss(scores.log_softmax(-1), targets.clamp(min=0), frames, lengths, **options)


spec("ctc_losses", transcribed, enumerated)
spec("ctc_losses", lambda: transcribed(3, ("mean", "sum", "none")), enumerated_of_scores, theirs,
     function=loss_of_scores, public="ctc_loss")
