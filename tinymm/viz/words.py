"""A text whose words carry a colour each: orange speaks for what was predicted, blue against it."""

import numpy as np

from .elements import element
from .maps import NEGATIVE, POSITIVE

__all__ = ["coloured_words"]


def coloured_words(words, weights):
    """Write a text with a shade behind each word, in the strength of its weight beside the largest of the text.

    Parameters
    ----------
    words : sequence of T str
        With the spaces that belong between them.
    weights : (T,) array
        Of either sign.

    Returns
    -------
    Markup

    Raises
    ------
    ValueError
        If there is not one finite weight per word.

    Examples
    --------
    >>> coloured_words(["not ", "good"], [0.5, -1.0])
    '<p class="words" dir="auto"><span style="background: rgb(214 94 5 / 0.35)" title="+0.5">not </span><span
    style="background: rgb(36 87 196 / 0.70)" title="-1">good</span></p>'
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (len(words),) or not np.isfinite(weights).all():
        raise ValueError(f"words: needs a finite weight for each of {len(words)} words; got {weights.shape}")
    peak = np.abs(weights).max(initial=0) or 1.0
    spans = []
    for word, weight in zip(words, weights):
        red, green, blue = (round(255 * part) for part in (POSITIVE if weight >= 0 else NEGATIVE))
        shade = f"background: rgb({red} {green} {blue} / {0.7 * abs(weight) / peak:.2f})"
        spans.append(element("span", word, style=shade, title=f"{weight:+.3g}"))
    return element("p", *spans, class_="words", dir="auto")
