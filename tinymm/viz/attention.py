"""Where a model looked, word by word: the tiles of an attention figure, and a legend by which to compare them."""

import numpy as np

from ..cores import ceil_div
from .blocks import picture
from .elements import element
from .images import overlay

__all__ = ["attention_legend", "attention_tiles", "check_maps", "entropy"]

LARGE = 192  # pixels; maps are drawn at least this large, so that they blend smoothly over small images


def check_maps(words, maps):
    """Check that each word has one map, whose weights are at least 0 and sum to 1.

    Parameters
    ----------
    words : sequence of T str
    maps : (T, h, w) array

    Returns
    -------
    (T, h, w) float64 array

    Raises
    ------
    ValueError
        If the shape is another, or the weights of a word are negative or do not sum to 1.

    Examples
    --------
    >>> check_maps(["red"], np.full((1, 2, 2), 0.25)).shape
    (1, 2, 2)
    """
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim != 3 or maps.size == 0 or len(words) != len(maps):
        raise ValueError(f"attention: maps must be (T, h, w), one per word; got {maps.shape} for {len(words)} words")
    sums = maps.sum(axis=(1, 2))
    if not (maps.min() >= 0 and np.allclose(sums, 1, atol=1e-3)):
        raise ValueError(
            f"attention: the weights of each word must be at least 0 and sum to 1; "
            f"got a least weight of {maps.min():.3g} and sums from {sums.min():.3g} to {sums.max():.3g}"
        )
    return maps


def entropy(weights):
    r"""How widely attention is spread: $-\sum_i a_i \log_2 a_i$, in bits.

    Examples
    --------
    >>> entropy(np.full((2, 4), 1 / 8)), entropy(np.eye(1, 8))
    (3.0, 0.0)
    """
    a = weights[weights > 0]
    return float(np.abs((a * np.log2(a)).sum()))


def attention_tiles(image, words, maps):
    """Write the image and, for each word, its map over the image, as list items; without an image the words alone.

    Examples
    --------
    >>> attention_tiles(None, ["red"], np.full((1, 2, 2), 0.25))
    ['<li><p class="word" dir="auto">red</p><p class="measure">max 0.25, 2.0 bits</p></li>']
    """
    tiles = []
    large = None
    if image is not None:
        large = _enlarged(image)
        tiles.append(element("li", picture(image, "The image."), element("p", "image", class_="measure")))
    for word, weights in zip(words, maps, strict=True):
        parts = [
            element("p", word, class_="word", dir="auto"),
            element("p", f"max {weights.max():.2f}, {entropy(weights):.1f} bits", class_="measure"),
        ]
        if large is not None:
            parts.insert(0, picture(overlay(large, weights, maps.max()), f"Where the model looked for: {word}"))
        tiles.append(element("li", *parts))
    return tiles


def attention_legend(maps):
    """The parts of a caption that explain the colours and the two numbers under a word.

    Examples
    --------
    >>> attention_legend(np.full((1, 2, 2), 0.25))[-1]
    'Under each word: its largest weight and its entropy; evenly spread over 2 × 2 places, max 0.25 and 2.0 bits.'
    """
    _, height, width = maps.shape
    even = f"max {1 / (height * width):.2g} and {np.log2(height * width):.1f} bits"
    measures = "Under each word: its largest weight and its entropy; evenly spread over"
    try:
        # The colours of the maps themselves, on a grey image.
        ramp = picture(overlay(np.full((1, 128), 0.5), np.linspace(0, 1, 128)[None]), "from grey over violet to yellow")
        scale = element("span", "Weight 0", ramp, f"{maps.max():.2f}, the same for all words.", class_="scale")
    except ImportError:
        scale = " "
    return scale, f"{measures} {height} × {width} places, {even}."


def _enlarged(image):
    """The image, each pixel repeated, so that its larger side has at least LARGE pixels."""
    image = np.asarray(image)
    scale = max(1, ceil_div(LARGE, max(image.shape[-2:])))
    return image.repeat(scale, axis=-2).repeat(scale, axis=-1)
