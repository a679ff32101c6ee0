"""Two equal balls meet, and there may be a knock: did they bounce, or pass? A clip, its sound, a computed ceiling.

Of two equal balls that meet and part again, pictures cannot tell whether they bounced or passed through each other;
what is heard at that moment decides it for people too (Sekuler, Sekuler and Lau, 1997, Sound alters visual motion
perception, Nature 385). So the event is told partly by the pictures, partly by the sound, and partly only by both:
whether they are of one moment, which takes the order of the frames.
"""

import numpy as np

from ...metrics import partial_information
from .tables import Interaction, draw_symbols

__all__ = ["EVENTS", "MOMENTS", "StreamBounce", "stream_bounce"]

EVENTS = ("apart", "bounce", "pass")
MOMENTS = (2, 4, 6)                         # frames in which the balls may meet, and the knock may be heard
FRAMES = 9
RATE, PER_FRAME = 8000, 400                 # samples a second, and while a frame is shown: 50 ms
KNOCK = 240                                 # samples: 30 ms
MISSED = 1 / 3                              # P(they do not meet)
IN_STEP, SILENT = 1 / 2, 1 / 4              # P(a knock at that moment | they meet), P(no knock)
SPEED, RADIUS, ROWS = (1.2, 1.8), (1.3, 1.7), (4.0, 6.0)  # in pixels: a frame; of a ball; between two that miss


def stream_bounce():
    r"""The table of what is seen, what is heard and the event: Interaction.

    Seen: 0, the balls stay in rows of their own, or i, they meet in moment i; heard: 0, no knock, or j, a knock in
    moment j. If they meet and it knocks in that moment, they bounce; if they meet and it knocks in another one, or not
    at all, they pass. Whether they meet is independent of what is heard: apart from the events, either alone tells
    nothing of the other's.

    Examples
    --------
    >>> told = stream_bounce()
    >>> [round(accuracy, 3) for accuracy in told.accuracies]             # seen, heard, both
    [0.667, 0.444, 1.0]
    >>> [round(bits, 2) for bits in told.information]
    [0.0, 0.92, 0.13, 0.54]
    """
    count = len(MOMENTS)
    other = (1 - IN_STEP - SILENT) / (count - 1)                         # P(a knock in each other moment | they meet)
    heard_if_met = np.full((count, count + 1), other)
    heard_if_met[:, 0] = SILENT
    np.fill_diagonal(heard_if_met[:, 1:], IN_STEP)
    table = np.zeros((count + 1, count + 1, len(EVENTS)))
    table[0, :, 0] = MISSED * heard_if_met.mean(0)
    for moment in range(1, count + 1):
        table[moment, :, 2] = (1 - MISSED) / count * heard_if_met[moment - 1]
        table[moment, moment, 1:] = table[moment, moment, :0:-1]         # a bounce, not a pass
    seen = MISSED + (1 - MISSED) * max(IN_STEP, 1 - IN_STEP)
    heard = (1 - MISSED) * SILENT + max(MISSED * (1 - SILENT), (1 - MISSED) * IN_STEP)
    return Interaction("stream or bounce", table, (seen, heard, 1.0), partial_information(table))


class StreamBounce:
    """Clips with their sounds.

    Parameters
    ----------
    size : int
        Height and width of the frames.

    Attributes
    ----------
    rate : int
        Samples a second.

    Examples
    --------
    >>> (clips, sounds), events = StreamBounce().sample(4, np.random.default_rng(0))
    >>> clips.shape, sounds.shape, events.shape
    ((4, 9, 1, 16, 16), (4, 3600), (4,))
    """

    rate = RATE

    def __init__(self, size=16):
        self.size = size
        self.table = stream_bounce().table

    def sample(self, n, rng, table=None):
        """Draw examples.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        table : array, optional
            Another table of the same symbols, for a control.

        Returns
        -------
        (clips, sounds) : pair of float32 arrays (n, 9, 1, size, size), (n, 3600)
            Of 9 frames in [0, 1], and of 8,000 samples a second.
        events : int64 array (n,)
            Numbers of `EVENTS`.
        """
        seen, heard, events = draw_symbols(self.table if table is None else table, n, rng)
        return (self._clips(seen, rng), _sounds(heard, rng)), events

    def _clips(self, seen, rng):
        """Two balls of one size that come from both sides, are in the middle in one moment, and go on or back."""
        n, side = len(seen), self.size

        def uniform(low, high):
            return rng.uniform(low, high, (n, 1)).astype(np.float32)

        moments = np.where(seen > 0, np.array(MOMENTS)[seen - 1], rng.choice(MOMENTS, n))[:, None]
        way = uniform(*SPEED) * (np.arange(FRAMES, dtype=np.float32) - moments)      # (n, T), 0 in the moment
        middle, row, radius = side / 2 + uniform(-1, 1), side / 2 + uniform(-1.5, 1.5), uniform(*RADIUS)
        apart = np.where(seen[:, None] > 0, 0, uniform(*ROWS) / 2 * rng.choice([-1, 1], (n, 1)))
        pixel = np.arange(side, dtype=np.float32) + 0.5
        clips = np.zeros((n, FRAMES, side, side), np.float32)
        for sign in (-1, 1):
            u = pixel - (middle + sign * way)[..., None]                 # (n, T, W)
            v = pixel - (row + sign * apart)                             # (n, H)
            distance = np.sqrt(u[:, :, None] ** 2 + v[:, None, :, None] ** 2)
            clips = np.maximum(clips, np.clip(radius[..., None, None] + 0.5 - distance, 0, 1))
        clips *= uniform(0.6, 0.9)[..., None, None]
        clips += 0.05 * rng.standard_normal(clips.shape, dtype=np.float32) + 0.1
        return np.clip(clips, 0, 1).astype(np.float32)[:, :, None]


def _sounds(heard, rng):
    """A hum of some pitch, and a knock that fades within 30 ms."""
    n, length = len(heard), FRAMES * PER_FRAME

    def uniform(low, high):
        return rng.uniform(low, high, (n, 1)).astype(np.float32)

    time = np.arange(length, dtype=np.float32) / RATE
    sounds = np.float32(0.1) * np.sin(np.float32(2 * np.pi) * (uniform(150, 400) * time + uniform(0, 1)))
    sounds += np.float32(0.01) * rng.standard_normal(sounds.shape, dtype=np.float32)
    since = time[:KNOCK]
    tones = np.sin(np.float32(2 * np.pi) * uniform(800, 1600) * since)
    knocks = np.float32(0.5) * np.exp(-since / np.float32(0.008)) * tones
    begins = ((np.array(MOMENTS)[heard - 1] + uniform(0.3, 0.7)[:, 0]) * PER_FRAME).astype(int)
    for row in np.flatnonzero(heard):
        sounds[row, begins[row]:begins[row] + KNOCK] += knocks[row]
    return sounds
