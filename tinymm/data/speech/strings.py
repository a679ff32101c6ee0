"""Single digits joined into strings: which recordings, and how they follow each other."""

import numpy as np

__all__ = ["draw_strings", "join_sounds"]


def draw_strings(speakers, n, rng, lengths=(2, 5)):
    """Choose recordings for `n` strings, each of one speaker.

    Parameters
    ----------
    speakers : sequence of hashable
        Who speaks in each recording.
    n : int
    rng : numpy.random.Generator
    lengths : (int, int)
        The fewest and the most digits of a string.

    Returns
    -------
    list of n int64 arrays
        Row numbers. Speakers take turns, and each one's recordings are all used before one is used again.

    Raises
    ------
    ValueError
        If there is no recording, or the lengths do not satisfy 1 ≤ fewest ≤ most.

    Examples
    --------
    >>> rows = draw_strings(["ann", "bob", "ann"], 4, np.random.default_rng(0), (2, 2))
    >>> [sorted(set(r.tolist())) for r in rows]
    [[0, 2], [1], [0, 2], [1]]
    """
    if not len(speakers) or not 1 <= lengths[0] <= lengths[1]:
        raise ValueError(f"draw_strings: needs recordings and lengths of at least 1; got {len(speakers)} and {lengths}")
    speakers = np.asarray(speakers)
    own = {speaker: np.flatnonzero(speakers == speaker) for speaker in sorted(set(speakers.tolist()))}
    waiting = {speaker: np.empty(0, np.int64) for speaker in own}
    strings = []
    for i in range(n):
        speaker = list(own)[i % len(own)]
        length = int(rng.integers(lengths[0], lengths[1] + 1))
        while len(waiting[speaker]) < length:
            waiting[speaker] = np.concatenate([waiting[speaker], rng.permutation(own[speaker])])
        strings.append(waiting[speaker][:length])
        waiting[speaker] = waiting[speaker][length:]
    return strings


def join_sounds(sounds, pauses, fade=0):
    """Put sounds one after the other, silence in between.

    Parameters
    ----------
    sounds : sequence of float array (T_i,)
        At least one.
    pauses : sequence of int
        Samples of silence after each sound but the last; if negative, the samples by which two sounds overlap.
    fade : int
        Samples over which each sound fades in and out, so that a cut does not click.

    Returns
    -------
    float array (T,)

    Raises
    ------
    ValueError
        If there is not one pause between any two sounds.

    Examples
    --------
    >>> join_sounds([np.ones(2), 2 * np.ones(3)], [1]), join_sounds([np.ones(2), 2 * np.ones(3)], [-1])
    (array([1., 1., 0., 2., 2., 2.]), array([1., 3., 2., 2.]))
    """
    if len(pauses) != len(sounds) - 1:
        raise ValueError("join_sounds: there is a pause between any two sounds; "
                         f"got {len(pauses)} for {len(sounds)} sounds")
    starts = [0]
    for sound, pause in zip(sounds, pauses):
        starts.append(max(starts[-1], starts[-1] + len(sound) + pause))
    joined = np.zeros(max(start + len(sound) for start, sound in zip(starts, sounds)), sounds[0].dtype)
    for start, sound in zip(starts, sounds):
        joined[start:start + len(sound)] += sound * _window(len(sound), fade, sound.dtype)
    return joined


def _window(length, fade, dtype):
    """Ones, with a rise from 0 and a fall to 0 over `fade` samples each, or half the sound if that is shorter."""
    fade = min(fade, length // 2)
    window = np.ones(length, dtype)
    if fade:
        ramp = ((np.arange(fade) + 0.5) / fade).astype(dtype)
        window[:fade] = ramp
        window[length - fade:] = ramp[::-1]
    return window
