"""A text with a colour behind each word: what it adds to the prediction, or how much attention it got."""

from itertools import accumulate

import numpy as np

from ..letters import graphemes
from .elements import element
from .maps import NEGATIVE, POSITIVE

__all__ = ["attended_words", "check_shares", "coloured_words"]


def coloured_words(words, weights):
    """A text with a shade behind each word, as strong as its weight relative to the largest in the text.

    Words that would cut a character apart, such as a letter and its accent, have one shade; their weights are added.

    Parameters
    ----------
    words : sequence of T str
        Including the spaces between them.
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
    shaded = _whole_characters(words, weights)
    peak = max((abs(weight) for _, weight in shaded), default=0) or 1.0
    spans = []
    for word, weight in shaded:
        colour = POSITIVE if weight >= 0 else NEGATIVE
        red, green, blue = (round(255 * part) for part in colour)
        shade = f"background: rgb({red} {green} {blue} / {0.7 * abs(weight) / peak:.2f})"
        spans.append(element("span", word, style=shade, title=f"{weight:+.3g}"))
    return element("p", *spans, class_="words", dir="auto")


def check_shares(lines):
    """Check that each line has a share of at least 0 for each of its words, and that these sum to 1.

    Parameters
    ----------
    lines : sequence of (str, sequence of T str, array (T,))
        A title, words, and shares.

    Returns
    -------
    list of (str, list of str, float64 array (T,))

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_shares([("image", ["red"], [0.5])])
    Traceback (most recent call last):
    ValueError: strip: the shares of 'image' must be at least 0 and sum to 1, one for each of 1 words; got [0.5]
    """
    checked = [(title, list(words), np.asarray(shares, np.float64)) for title, words, shares in lines]
    for title, words, shares in checked:
        if shares.shape != (len(words),) or not words or not (shares.min() >= 0 and abs(shares.sum() - 1) <= 1e-3):
            raise ValueError(f"strip: the shares of {title!r} must be at least 0 and sum to 1, one for each of "
                             f"{len(words)} words; got {shares}")
    return checked


def attended_words(words, shares, peak):
    """Words in boxes, each with its share below and a shade behind; the full shade is that of the share `peak`.

    Examples
    --------
    >>> attended_words(["red"], [1.0], 1.0)
    '<ul class="strip"><li style="background: rgb(214 94 5 / 0.70)"><span dir="auto">red</span><span
    class="measure">1.00</span></li></ul>'
    """
    red, green, blue = (round(255 * part) for part in POSITIVE)
    boxes = [element("li", element("span", word, dir="auto"), element("span", f"{share:.2f}", class_="measure"),
                     style=f"background: rgb({red} {green} {blue} / {0.7 * share / peak:.2f})")
             for word, share in zip(words, shares, strict=True)]
    return element("ul", *boxes, class_="strip")


def _whole_characters(words, weights):
    """The words, brought together where one ends inside a character: list of (text, sum of weights)."""
    ends = set(accumulate(map(len, graphemes("".join(words))), initial=0))
    whole = []
    text, total, place = "", 0.0, 0
    for word, weight in zip(words, weights):
        text += word
        total += weight
        place += len(word)
        if place in ends:
            whole.append((text, total))
            text, total = "", 0.0
    return whole
