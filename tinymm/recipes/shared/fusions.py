"""Fusions by name, as `--fusion NAME` chooses them, each of a width that makes all models equally large."""

from dataclasses import dataclass

import numpy as np

from ... import fusion
from .options import require

__all__ = ["CAUSAL", "FUSIONS", "HEADS", "Choice", "chosen", "width_for"]

HEADS = 4  # of every attention
WIDEST = 4096  # of what is fused; count sketches have no parameters that would end the search


@dataclass(frozen=True)
class Choice:
    """A fusion that a name stands for.

    Parameters
    ----------
    make : callable
        ``make(widths, width, rng)``.
    multiple : int
        Its width is a multiple of it: the heads.
    """

    make: object
    multiple: int = 1


def _at_each_position(kind):
    return lambda widths, width, rng: fusion.AtEachPosition(kind(widths, width, rng=rng))


def _plain(kind):
    return lambda widths, width, rng: kind(widths, width, rng=rng)


def _with(kind, **options):
    return lambda widths, width, rng: kind(widths, width, **options, rng=rng)


def _low_rank(kind, times=2, **options):
    """A bilinear form through projections `times` as wide as its result."""
    return lambda widths, width, rng: kind(widths, width, hidden=times * width, **options, rng=rng)


def _decisions(kind):
    return lambda widths, width, rng: kind(widths, rng=rng)


# For captions: position t of what is fused depends on words up to t.
CAUSAL = {
    "attention": Choice(_with(fusion.AttentionFusion, heads=HEADS), HEADS),
    "hard": Choice(_plain(fusion.HardAttentionFusion)),
    "gumbel": Choice(_plain(fusion.GumbelAttentionFusion)),
    "dual-stream": Choice(_at_each_position(fusion.ConcatenationFusion)),
    "co-attention": Choice(_with(fusion.CausalCoAttention, heads=HEADS), HEADS),
    "bilinear": Choice(_at_each_position(fusion.MFBFusion)),
    "early": Choice(_with(fusion.PrefixFusion, layers=1, heads=HEADS), HEADS),
}

# For one answer.
FUSIONS = {
    "concatenation": Choice(_plain(fusion.ConcatenationFusion)),
    "addition": Choice(_plain(fusion.AdditionFusion)),
    "gating": Choice(_plain(fusion.GatingFusion)),
    "gated-unit": Choice(_plain(fusion.GatedMultimodalUnit)),
    "film": Choice(_plain(fusion.FiLMFusion)),
    "mlb": Choice(_low_rank(fusion.MLBFusion)),
    "mfb": Choice(_plain(fusion.MFBFusion)),
    "mutan": Choice(_low_rank(fusion.MUTANFusion, times=1, rank=5)),
    "mcb": Choice(_plain(fusion.MCBFusion)),
    "block": Choice(_low_rank(fusion.BLOCKFusion, chunks=10, rank=5), 10),
    "low-rank": Choice(_plain(fusion.LowRankFusion)),
    "attention": Choice(_with(fusion.AttentionFusion, heads=HEADS), HEADS),
    "co-attention": Choice(_plain(fusion.ParallelCoAttention)),
    "alternating": Choice(_plain(fusion.AlternatingCoAttention)),
    "glimpses": Choice(_plain(fusion.GlimpseFusion)),
    "early": Choice(_with(fusion.EarlyFusion, layers=1, heads=HEADS), HEADS),
    "intermediate": Choice(_with(fusion.IntermediateFusion, layers=1, exchange_at=(0,), heads=HEADS), HEADS),
    "bottleneck": Choice(_with(fusion.BottleneckFusion, layers=2, exchange_from=0, heads=HEADS), HEADS),
    "mean": Choice(_decisions(fusion.MeanOfDecisions)),
    "product": Choice(_decisions(fusion.ProductOfExperts)),
    "weighted": Choice(_decisions(fusion.WeightedDecisions)),
    "stacking": Choice(_decisions(fusion.StackedDecisions)),
}


def chosen(names, choices=None):
    """The names of `--fusion`: all of them for "all", some with commas between; anything else is refused.

    Examples
    --------
    >>> chosen("film,mlb")
    ['film', 'mlb']
    """
    choices = FUSIONS if choices is None else choices
    some = list(choices) if names == "all" else list(dict.fromkeys(names.split(",")))
    require(set(some) <= set(choices), "--fusion",
            f"is all, or one or more of {', '.join(choices)}, with commas between", names)
    return some


def width_for(choice, widths, parameters, outputs):
    """The largest width with which a fusion, and a linear layer from it to so many outputs, have at most `parameters`.

    Parameters
    ----------
    choice : Choice
    widths : dict of str to int
        Of its inputs.
    parameters : int
    outputs : int

    Returns
    -------
    int
        At least the smallest one there is.

    Examples
    --------
    >>> width_for(FUSIONS["concatenation"], {"text": 8, "image": 6}, 1000, 10)
    39
    """
    def fits(width):
        made = choice.make(widths, width, np.random.default_rng(0))
        fused = sum(made.width) if isinstance(made.width, tuple) else made.width
        return made.num_parameters() + (fused + 1) * outputs <= parameters

    low, high = 1, WIDEST // choice.multiple
    while low < high:                                                    # of multiples; `low` fits, or is the first
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle * choice.multiple) else (low, middle - 1)
    return low * choice.multiple
