"""Rows for `tinymm.functional.attending.hard`: what it draws, and what is not a derivative, is in the tests."""

import math

import numpy as np

from ....functional import attention_entropy, gumbel_softmax, location_log_probability
from ...specification import spec
from ...strategies import arrays, calls, masks, seeds, shapes, st


@st.composite
def scored(draw):
    """Scores (B, S), maybe with a mask."""
    B = draw(st.integers(1, 3))
    S = draw(st.integers(1, 4))
    return (draw(arrays((B, S))),), {"mask": draw(st.one_of(st.none(), masks((S,)), masks((B, S))))}


@st.composite
def chosen(draw):
    """The same, and a location that may be attended to for each row, or none."""
    args, kwargs = draw(scored())
    rng = np.random.default_rng(draw(seeds))
    choice = np.zeros(args[0].shape, bool)
    open_ = np.broadcast_to(True if kwargs["mask"] is None else kwargs["mask"], choice.shape)
    for b in range(len(choice)):
        choice[b, rng.permutation(np.flatnonzero(open_[b]))[:1]] = rng.random() < 0.8
    return (*args, choice), kwargs


def probabilities(scores, mask):
    """A dictionary for each row: location to probability."""
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    for row, may in zip(scores, mask):
        e = {s: math.exp(row[s]) for s in np.flatnonzero(may)}
        yield {s: v / math.fsum(e.values()) for s, v in e.items()}


def log_probability(scores, choice, mask):
    rows = zip(probabilities(scores, mask), choice)
    return np.array([math.fsum(math.log(p[s]) for s in np.flatnonzero(row)) for p, row in rows])


def entropy(scores, mask):
    return np.array([-math.fsum(v * math.log(v) for v in p.values()) for p in probabilities(scores, mask)])


def seeded(logits, tau, dim, seed):
    return gumbel_softmax(logits, tau, dim=dim, rng=np.random.default_rng(seed))


def relaxed(logits, tau, dim, seed):
    """From the uniform numbers behind the same draws."""
    noise = np.random.default_rng(seed).gumbel(size=logits.shape)
    e = np.exp((logits + noise) / tau)
    return e / e.sum(dim, keepdims=True)


def draws():
    return shapes(1, 3).flatmap(lambda shape: calls(
        arrays(shape), st.sampled_from((0.5, 1.0, 3.0)), st.integers(-len(shape), len(shape) - 1), seeds))


spec("log_softmax", chosen, log_probability, function=location_log_probability)
spec("log_softmax", scored, entropy, function=attention_entropy)
spec("softmax", draws, relaxed, function=seeded, public="gumbel_softmax")
