"""What a fusion has to show of itself: which of its weights say who looked at what, and which are gates.

Shapes do not tell: of weights (B, 6, 6) nobody knows which six are words. So each fusion declares in `shows` what its
`Fused.weights` are, and the functions here give them names.
"""

from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

__all__ = ["Attends", "Gates", "Scales", "attention_maps", "gate_values"]


class Attends(NamedTuple):
    """Weights that are attention: (B, S), or (B, T, S), or (B, H, T, S) with heads.

    Attributes
    ----------
    asking : tuple of int
        The modalities that look, by their place in `fusion.modalities`. Of several the positions T lie end to end;
        without T the modality looks as a whole. Empty: learned queries look, such as the tokens of a bottleneck.
    seen : tuple of int
        The modalities that are looked at. Of several the positions S lie end to end.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.fusion.AttentionFusion.shows
    (Attends(asking=(0,), seen=(1,)),)
    """

    asking: tuple
    seen: tuple


class Gates(NamedTuple):
    """Weights that are gates: how much of the result comes from each modality.

    Attributes
    ----------
    axis : int
        On which the modalities are told apart, counted from the end. Axes after it are coordinates.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.fusion.GatingFusion.shows, tm.fusion.GatedMultimodalUnit.shows
    ((Gates(axis=-1),), (Gates(axis=-2),))
    """

    axis: int


class Scales(NamedTuple):
    """Weights (B, D) by which one modality scales the features of another.

    Attributes
    ----------
    of, by : int
        The modality that is scaled, and the one that says how.

    Examples
    --------
    >>> import tinymm as tm
    >>> tm.fusion.FiLMFusion.shows
    (Scales(of=0, by=1),)
    """

    of: int
    by: int


def attention_maps(fusion, fused, lengths=None):
    """Where each modality looked in each other, and in itself: the mean over heads.

    Parameters
    ----------
    fusion : Module
    fused : Fused
        What it returned.
    lengths : sequence of M int, optional
        How many positions each modality has; needed only where several lie end to end, as in `EarlyFusion`.

    Returns
    -------
    dict of (str or None, str) to array (B, T, S)
        (who looks, what is looked at): the weights of S positions, a row for each position that looks; T = 1 where the
        modality looks as a whole. None looks where learned queries do. Rows sum to 1 where nothing else was looked at.

    Raises
    ------
    ValueError
        If the lengths are missing, or do not add up to the positions that there are.

    Examples
    --------
    >>> import tinymm as tm
    >>> fusion = tm.fusion.ParallelCoAttention({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> {pair: maps.shape for pair, maps in attention_maps(fusion, fused).items()}
    {('image', 'text'): (2, 1, 3), ('text', 'image'): (2, 1, 5)}
    """
    names, found = fusion.modalities, {}
    for what, weights in _declared(fusion, fused):
        if not isinstance(what, Attends):
            continue
        maps = weights[:, None] if weights.ndim == 2 else weights.mean(1) if weights.ndim == 4 else weights
        for asking, rows in _ends(fusion, what.asking, lengths, maps.shape[1]):
            for seen, columns in _ends(fusion, what.seen, lengths, maps.shape[2]):
                found[None if asking is None else names[asking], names[seen]] = maps[:, rows, columns]
    return found


def gate_values(fusion, fused):
    """The gates of each modality.

    Parameters
    ----------
    fusion : Module
    fused : Fused
        What it returned.

    Returns
    -------
    dict of str to array (B, ...)
        A gate for each example, or one for each coordinate too. Of `Scales` there is one entry, "A scaled by B".

    Examples
    --------
    >>> import tinymm as tm
    >>> fusion = tm.fusion.GatedMultimodalUnit({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32)))
    >>> {name: gates.shape for name, gates in gate_values(fusion, fused).items()}
    {'text': (2, 4), 'image': (2, 4)}
    """
    names, found = fusion.modalities, {}
    for what, weights in _declared(fusion, fused):
        if isinstance(what, Gates):
            found |= dict(zip(names, np.moveaxis(weights, what.axis, 0), strict=True))
        elif isinstance(what, Scales):
            found[f"{names[what.of]} scaled by {names[what.by]}"] = weights
    return found


def _declared(fusion, fused):
    """Of each of the weights that the fusion explains: what it is, and its array."""
    weights = fused.weights if isinstance(fused.weights, tuple) else (fused.weights,)
    return [(what, shown.data) for what, shown in zip(fusion.shows, weights)]


def _ends(fusion, modalities, lengths, total):
    """Where each of some modalities lies among positions that are laid end to end: pairs of modality and slice."""
    if len(modalities) < 2:
        return [(modalities[0] if modalities else None, slice(None))]
    parts = None if lengths is None or len(lengths) != len(fusion.modalities) else [lengths[m] for m in modalities]
    if parts is None or sum(parts) != total:
        raise ValueError(f"attention_maps: {type(fusion).__name__} lays modalities end to end, so lengths must say how "
                         f"many of the {total} positions each of {', '.join(fusion.modalities)} has; got {lengths}")
    return [(m, slice(*ends)) for m, ends in zip(modalities, pairwise(accumulate(parts, initial=0)))]
