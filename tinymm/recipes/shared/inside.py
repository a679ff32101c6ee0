"""What goes on inside a fused model: who looked at what, how the gates stand, and whether one modality starves another.

Which of this a report shows is decided by what the fusion declares in `shows`; no shape is guessed.
"""

import math
from dataclasses import dataclass

import numpy as np

from ... import functional as F
from ...autograd import no_grad
from ...cores import ceil_div
from ...encoders.over_time import mean_over_time
from ...fusion import Scales, attention_maps, gate_values
from ...metrics import bootstrap_interval
from .answering import BATCH
from .baselines import logistic_regression
from .prediction import over_batches

__all__ = ["Picture", "Sentence", "add_gates", "add_inside", "add_learning", "add_maps"]

DRAWN = 4  # examples whose attention is shown
PROBED = 2000  # training examples that a linear probe learns from
CURVES = {"gradient": "norm of the encoder's gradient", "confidence": "confidence, this modality alone",
          "modulation": "factor of the encoder's gradient"}


@dataclass(frozen=True)
class Sentence:
    """Positions that are words.

    Parameters
    ----------
    words : list of str
    """

    words: list


@dataclass(frozen=True)
class Picture:
    """Positions that are places of a picture, row by row; of a clip frame by frame.

    Parameters
    ----------
    pixels : array (3, H, W), or (t, 3, H, W) of a clip
    grid : tuple (h, w), or (t, h, w) of a clip, optional
        How many places there are. Default: one row of places, as over a spectrogram.
    """

    pixels: np.ndarray
    grid: tuple | None = None

    @property
    def image(self):
        """The picture (3, H, W); of a clip all frames side by side, in the order of reading."""
        return self.pixels if self.pixels.ndim == 3 else _side_by_side(self.pixels)

    def laid_out(self, maps):
        """Weights (T, N) of places, as maps (T, h, w) over the image, those of each map scaled to sum to 1."""
        grid = (1, maps.shape[1]) if self.grid is None else self.grid
        if maps.shape[1] != math.prod(grid):
            raise ValueError(f"Picture: a grid {grid} has {math.prod(grid)} places; got weights of {maps.shape[1]}")
        maps = _as_shares(maps).reshape(-1, *grid)
        return maps if len(grid) == 2 else _side_by_side(maps.swapaxes(0, 1))


def _side_by_side(frames):
    """Frames (t, C, h, w) as one picture (C, rows·h, columns·w), about as many columns as rows, and none left empty."""
    t, C, h, w = frames.shape
    columns = next(count for count in range(math.isqrt(t - 1) + 1, t + 1) if t % count == 0)
    return frames.reshape(-1, columns, C, h, w).transpose(2, 0, 3, 1, 4).reshape(C, -1, columns * w)


def add_inside(report, run, answered, parts, views, part="test"):
    """Add to a report what went on inside: attention maps and gates, if the fusion has them, and who learned.

    Parameters
    ----------
    report : Report
    run : Run
    answered : Answered
    parts : dict of str to Examples
        As given to `answer`.
    views : callable
        ``views(i)`` → (title, dict of modality to Sentence or Picture), of example i of the test.
    part : str
        The part of the test on which encoders are probed: one that is not too easy.

    Returns
    -------
    dict of str to float
        Metrics: "gate/NAME/mean", "probe/NAME/accuracy" and "probe/NAME_only/accuracy".
    """
    add_maps(report, answered.model, parts["test"], views)
    return add_gates(report, answered.model, parts["test"]) | add_learning(report, run, answered, parts, part)


# Attention --------------------------------------------------------------------------------------------------------


def add_maps(report, model, examples, views):
    """Add where the modalities looked in each other, in both directions where the fusion has both."""
    shown = [_maps(model, examples, i) for i in range(min(DRAWN, len(examples)))]
    if not any(shown):
        return
    report.heading("Where the modalities looked")
    report.text("Weights of the fusion's attention, the mean over its heads, of the first examples of the test. They "
                "say where the model took its features from, which need not be why it gave its answer.")
    for i, maps in enumerate(shown):
        title, view = views(i)
        for (asking, seen), weights in maps.items():
            who = "learned queries" if asking is None else f"the {asking}"
            _add_map(report, title, (who, view.get(asking)), (f"the {seen}", view[seen]), weights)


def _maps(model, examples, i):
    """(who looks, at what) → (T, S) of example i, without those that look at themselves."""
    inputs, masks = examples.inputs(np.array([i]), None)
    with no_grad():
        encoded = model.eval().encode(inputs, masks)
        _, fused = model.decide(encoded)
    frames, lengths = getattr(model, "frames", 1), [e.sequence.shape[1] for e in encoded]
    lengths[-1] //= frames                                               # of a clip, the regions of a frame
    found = attention_maps(model.fusion, fused, lengths)
    return {pair: _over_frames(maps, *(name == list(model.encoders)[-1] for name in pair))
            for pair, maps in found.items() if pair[0] != pair[1]}


def _over_frames(maps, clip_looks, clip_is_seen):
    """Maps (T, R, S) of what is fused at each of T frames, of a clip or of one picture, as one of the clip."""
    if clip_looks:
        return maps.reshape(-1, maps.shape[2])                           # (T·R, S)
    if clip_is_seen:
        return maps.swapaxes(0, 1).reshape(maps.shape[1], -1) / len(maps)    # (R, T·S)
    return maps.mean(0)


def _add_map(report, title, asking, seen, weights):
    """One direction, over a picture or a sentence: for each learned query, or each word that looks; else the mean."""
    (who, view), (what, over) = asking, seen
    share = weights.sum(1).mean()
    caption = f"{title} {who.capitalize()} looking at {what}" + (
        "." if share > 0.999 else f": {share:.2f} of all its attention, here scaled to 1.")
    if view is None:                                                     # learned queries, few of them
        titles = [f"query {k}" for k in range(1, len(weights) + 1)]
    elif isinstance(over, Picture) and isinstance(view, Sentence) and len(weights) > 1:
        titles = view.words
    else:
        titles = [f"{who} as a whole" if len(weights) == 1 else f"{who}, mean of {len(weights)} positions"]
        weights = weights.mean(0, keepdims=True)
    if isinstance(over, Picture):
        report.attention(over.image, titles, over.laid_out(weights), caption)
    else:
        report.strip([(title, over.words, shares) for title, shares in zip(titles, _as_shares(weights))], caption)


def _as_shares(weights):
    """Weights (…, S) scaled to sum to 1; evenly spread where all of them are 0."""
    weights = weights.astype(np.float64)
    total = weights.sum(-1, keepdims=True)
    return np.divide(weights, total, out=np.full_like(weights, 1 / weights.shape[-1]), where=total > 0)


# Gates ------------------------------------------------------------------------------------------------------------


def add_gates(report, model, examples):
    """Add the gates' mean and spread over a part, if the fusion has gates; metrics "gate/NAME/mean"."""
    def ask(rows):
        inputs, masks = examples.inputs(rows, None)
        _, fused = model(inputs, masks, None if examples.present is None else examples.present[rows])
        values = gate_values(model.fusion, fused)
        values = {name: gates.reshape(len(rows), -1, *gates.shape[1:]) for name, gates in values.items()}
        return [{name: gates[i] for name, gates in values.items()} for i in range(len(rows))]

    found = over_batches(model, len(examples), BATCH, ask)
    gates = {name: np.stack([values[name] for values in found]) for name in found[0]}      # (N, T) or (N, T, D)
    if not gates:
        return {}
    scales = any(isinstance(what, Scales) for what in model.fusion.shows)
    report.heading("Scales" if scales else "Gates")
    report.table([[name, *(float(f(values)) for f in (np.mean, _low, _high, _over_examples))]
                  for name, values in gates.items()],
                 ["scale" if scales else "gate", "mean", "lowest 5 %", "highest 5 %", "spread over examples"],
                 caption="Over the test; the last column is the standard deviation over examples, the mean over "
                         "coordinates and frames where there are several.")
    if any(np.ptp(values) for values in gates.values()):
        report.histogram(gates, "scale" if scales else "gate")
    report.text(
        "A scale of 1 leaves a feature as it is, 0 takes it out, below 0 it turns its sign. Where the spread over "
        "examples is near 0, features are scaled alike whatever the other modality says." if scales else
        "A gate says how much of the result comes from a modality: near 0, it is left out. Where the spread over "
        "examples is near 0, the model weighs its modalities once and for all, and does not choose example by example.")
    return {f"gate/{name.replace(' ', '_')}/mean": float(np.mean(values)) for name, values in gates.items()}


def _low(values):
    return np.quantile(values, 0.05)


def _high(values):
    return np.quantile(values, 0.95)


def _over_examples(values):
    return values.std(0).mean()


# Who learned ------------------------------------------------------------------------------------------------------


def add_learning(report, run, answered, parts, part="test"):
    """Add the norms of the encoders' gradients over the steps, and what a linear probe finds in each encoder.

    Returns
    -------
    dict of str to float
        "probe/NAME/accuracy" of the fused model's encoder and "probe/NAME_only/accuracy" of the one trained alone;
        empty where the controls were not trained.
    """
    names = list(answered.model.encoders)
    rows = [row for row in run.trainer.log.rows if row["kind"] == "step"]
    rows = rows if len(rows) > 1 else [row for row in run.trainer.log.rows if row["kind"] == "epoch"]
    report.heading("Does one modality starve another?")
    drawn = [{"step": row["step"], **{f"{name}/{title}": row.get(f"train/{what}/{name}") for name in names}}
             for what, title in CURVES.items() for row in rows]
    report.curves(drawn)

    norms = {name: np.array([row[f"train/gradient/{name}"] for row in rows]) for name in names}
    quarter = ceil_div(len(rows), 4)
    table = {name: [name, float(of[:quarter].mean()), float(of[-quarter:].mean())] for name, of in norms.items()}
    told = "Norms are means over steps; compare them over time, and not between encoders of different sizes."
    headers = ["modality", "gradient, first quarter", "last quarter"]
    if not answered.singles:                                             # the controls were trained in another run
        report.table(list(table.values()), headers, told)
        return {}

    starved, more = [], {}
    for m, name in enumerate(names):
        encoders = answered.model.encoders[name], answered.singles[name].encoder
        ours, alone = _probed(encoders, m, parts["train"], parts[part], run.rng(11, m))
        gains = ours * 1.0 - alone
        low, high = bootstrap_interval(gains, run.rng(12))
        table[name] += [float(ours.mean()), float(alone.mean()), f"{gains.mean():+.3f} [{low:+.3f}, {high:+.3f}]"]
        more |= {f"probe/{name}/accuracy": float(ours.mean()), f"probe/{name}_only/accuracy": float(alone.mean())}
        if high < 0:
            starved.append(f"The encoder of the {name} holds less than it would if trained alone: it is starved.")
    report.table(list(table.values()), [*headers, "probe, fused", "probe, alone", "difference, 95 % interval"], (
        f"{told} Probe: logistic regression on what the encoder makes of {min(PROBED, len(parts['train']))} training "
        f"examples, its accuracy on {part}; of the fused model's encoder, and of the one trained alone."))
    report.text(" ".join(starved) or "No encoder holds less than the same one trained alone, beyond chance. Where one "
                "modality alone tells nothing of the answer, probes cannot show whether it is starved.")
    return more


def _probed(encoders, m, train, test, rng):
    """Whether a linear probe of each of some encoders of modality m is right: boolean arrays (N,)."""
    rows = rng.choice(len(train), min(PROBED, len(train)), replace=False)
    known = _encoded(encoders, m, train, rows, rng)
    new = _encoded(encoders, m, test, np.arange(len(test)), None)
    labels, right = train.labels[rows], []
    for x, y in zip(known, new, strict=True):
        mean, scale = x.mean(0), x.std(0) + 1e-6
        found = logistic_regression((x - mean) / scale, labels, (y - mean) / scale, penalty=1e-2)
        right.append(found == test.labels)
    return right


def _encoded(encoders, m, examples, rows, rng):
    """What each encoder makes of the same examples: the pooled features, and beside them the mean of all positions."""
    def ask(batch):
        inputs, masks = examples.inputs(rows[batch], rng)
        encoded = [encoder(inputs[m], masks[m]) for encoder in encoders]
        both = [F.concatenate([e.pooled, mean_over_time(e.sequence, e.mask)], -1).data for e in encoded]
        return list(zip(*both))

    for encoder in encoders:
        encoder.eval()
    found = over_batches(encoders[0], len(rows), BATCH, ask, one_core=True)
    return [np.stack(features) for features in zip(*found)]
