"""The captions of the shapes world, spoken: its words in phonemes, each clip by a new speaker of the small voice."""

import math

import numpy as np

from ...cores import parallel_for
from .phonemes import PHONEMES
from .voice import SILENCE, draw_speaker, synthesise, tracks

__all__ = ["PRONOUNCED", "say_caption", "spoken_captions"]

# Every word of the shapes world's language in the phonemes of `PHONEMES`.
PRONOUNCED = {
    "a": "AX", "an": "AE N", "and": "AE N D", "there": "DH EH R", "is": "IH Z", "the": "DH AX", "to": "CL T UW",
    "of": "AX V", "in": "IH N", "at": "AE CL T", "on": "AO N",
    "left": "L EH F CL T", "right": "R AY1 AY2 CL T", "above": "AX B AH V", "below": "B IH L OW1 OW2",
    "top": "CL T AA CL P", "bottom": "B AA CL T AX M", "middle": "M IH D AX L",
    "small": "S M AO L", "large": "L AA R D ZH",
    "red": "R EH D", "green": "G R IY N", "blue": "B L UW", "yellow": "Y EH L OW1 OW2", "purple": "CL P ER CL P AX L",
    "orange": "AO R IH N D ZH",
    "circle": "S ER CL K AX L", "square": "S CL K W EH R", "triangle": "CL T R AY1 AY2 AE NG G AX L",
    "cross": "CL K R AO S", "diamond": "D AY1 AY2 M AX N D",
}
PAUSE = (0.02, 0.06)  # seconds before and after a sentence
LOUDNESS = (0.2, 0.9)  # of the largest sample


def say_caption(caption, speaker, rng, rate=8000, snr=(15.0, 40.0)):
    """Say a sentence of the words in `PRONOUNCED`.

    Parameters
    ----------
    caption : str
        Words separated by white space.
    speaker : Speaker
    rng : numpy.random.Generator
    rate : int
        Samples per second.
    snr : (float, float)
        The least and the most decibels by which the voice is louder than the noise of the room.

    Returns
    -------
    float32 array (T,)
        In [−1, 1].

    Raises
    ------
    ValueError
        If there is no word, or one without a pronunciation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sound = say_caption("a red circle above a blue cross", draw_speaker(rng), rng)
    >>> sound.dtype, 1.0 < len(sound) / 8000 < 4.0
    (dtype('float32'), True)
    """
    words = caption.split()
    unknown = sorted(set(words) - PRONOUNCED.keys())
    if unknown or not words:
        raise ValueError(f"say_caption: needs words of the shapes world; got {', '.join(unknown) or 'none'}")
    sounds = [PHONEMES[name] for word in words for name in PRONOUNCED[word].split()]
    stretch = np.exp(0.15 * rng.standard_normal(len(sounds))) / speaker.rate
    seconds = [sound.duration * factor for sound, factor in zip(sounds, stretch.tolist())]
    segments = [(SILENCE, rng.uniform(*PAUSE)), *zip(sounds, seconds), (SILENCE, rng.uniform(*PAUSE))]
    sound = synthesise(tracks(segments, speaker, rng, rate), speaker, rng, rate, snr)
    return (sound * (rng.uniform(*LOUDNESS) / np.abs(sound).max())).astype(np.float32)


def spoken_captions(captions, rng, rate=8000):
    """Each caption said by a speaker of its own: list of float32 arrays (T_i,).

    Parameters
    ----------
    captions : sequence of str
    rng : numpy.random.Generator
    rate : int
        Samples per second.

    Examples
    --------
    >>> [sound.ndim for sound in spoken_captions(["a red circle", "a blue cross"], np.random.default_rng(0))]
    [1, 1]
    """
    each = rng.spawn(len(captions))  # a Generator for each clip, so that clips can be made side by side

    def say(start, stop):
        return [say_caption(text, draw_speaker(own), own, rate)
                for text, own in zip(captions[start:stop], each[start:stop])]

    shares = parallel_for(len(captions), say, work=math.inf) if len(captions) else []
    return [sound for share in shares for sound in share]
