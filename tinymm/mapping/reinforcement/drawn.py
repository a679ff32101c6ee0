"""Captions drawn from a captioner, as policy gradient needs them: padded, with a mask that includes the closing word.

They are drawn in eval mode, and their log-probabilities must be computed in eval mode too. Dropout would make the
policy that draws another one than the policy whose gradient is taken, and the estimate would be biased. (The reference
code of self-critical training draws with dropout on, but has the log-probabilities from the same pass.)
"""

from typing import NamedTuple

import numpy as np

from ..encoder_decoder import next_word
from ..decoding import drawing, likeliest, roll_out

__all__ = ["DrawnCaptions", "draw_captions", "greedy_captions"]


class DrawnCaptions(NamedTuple):
    """Some captions of some images, n for each image in turn.

    Attributes
    ----------
    said : list of B·n lists of int
        The words, without <bos> and <eos>.
    closed : bool array (B·n,)
        Whether the captioner closed the caption; otherwise it was cut at the length limit.
    ids : int array (B·n, 1 + T)
        <bos> w₁ … <eos> and padding; no <eos> where the caption was cut.
    mask : bool array (B·n, T)
        Which of `ids[:, 1:]` were drawn: the words, and <eos>.

    Examples
    --------
    >>> drawn = DrawnCaptions.of([[7, 8], [9]], np.array([False, True]), bos=1, eos=2)
    >>> drawn.ids.tolist(), drawn.mask.tolist()
    ([[1, 7, 8], [1, 9, 2]], [[True, True], [True, True]])
    """

    said: list
    closed: np.ndarray
    ids: np.ndarray
    mask: np.ndarray

    @classmethod
    def of(cls, said, closed, bos, eos):
        """Pad captions, closed ones with their closing word; the padding is `eos` again, which the mask hides."""
        lengths = np.array([len(words) for words in said]) + closed
        ids = np.full((len(said), 1 + lengths.max(initial=1)), eos)
        ids[:, 0] = bos
        for row, words in zip(ids, said):
            row[1:1 + len(words)] = words
        return cls(said, closed, ids, np.arange(ids.shape[1] - 1) < lengths[:, None])


def draw_captions(captioner, images, n, bos, eos, max_length, rng):
    """Draw n captions of each image from the captioner's own distribution, without temperature or truncation.

    Parameters
    ----------
    captioner : Captioner
        In eval mode.
    images : array (B, C, H, W)
        Encoded once.
    n : int
    bos, eos : int
        The first and the closing word.
    max_length : int
        At most so many words, `eos` included.
    rng : numpy.random.Generator

    Returns
    -------
    DrawnCaptions
    """
    return _rolled_out(captioner, images, n, bos, eos, max_length, drawing(rng))


def greedy_captions(captioner, images, bos, eos, max_length):
    """The greedy caption of each image: `DrawnCaptions`. Arguments are those of `draw_captions`."""
    return _rolled_out(captioner, images, 1, bos, eos, max_length, likeliest)


def _rolled_out(captioner, images, n, bos, eos, max_length, choose):
    next_words = next_word(captioner, images)

    def step(words, rows, state):
        return next_words(words, rows // n if state is None else rows, state)       # at first, the image of each

    found = roll_out(step, len(images) * n, bos, eos, max_length, choose)
    return DrawnCaptions.of(found.words, found.closed, bos, eos)
