"""Reading animated GIFs as clips: some of their frames, evenly taken, as RGB on white."""

import numpy as np

from ..files import file_error
from .picture import decoding, on_white, resized

__all__ = ["check_animation", "read_animation"]


def read_animation(path, frames, size):
    """Frames of a GIF as float32 (T, 3, H, W) in [0, 1].

    The clip is divided into T parts of equal length, and the frame in the middle of each is read: of N frames number
    ⌊(2t + 1) N / 2T⌋ for t = 0, ..., T − 1. Of fewer than T some come more than once.

    Parameters
    ----------
    path : path
    frames : int
        T, at least 1.
    size : (int, int)
        H and W, to which the frames are scaled.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        Naming the file: it is missing, no GIF, cannot be decoded, is too large, or has a single frame.
    """
    with decoding(path, ("GIF",)) as (picture, _):
        count = picture.n_frames
        if count > 1:
            clip = np.empty((frames, 3, *size), np.float32)
            for t in range(frames):
                picture.seek((2 * t + 1) * count // (2 * frames))
                clip[t] = np.asarray(resized(on_white(picture), size)).transpose(2, 0, 1)
            return clip / np.float32(255)
    raise _single_frame(path)


def check_animation(path):
    """Raise what `read_animation` would for a file that is no GIF or has a single frame; little of it is decoded."""
    with decoding(path, ("GIF",)) as (picture, _):
        if picture.is_animated:
            return
    raise _single_frame(path)


def _single_frame(path):
    return file_error(path, "a clip must be a GIF of at least two frames; got one")
