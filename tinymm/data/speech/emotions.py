r"""Spoken sentences that are meant or not: the words praise or blame, the tone of voice is warm or flat, and whoever
praises flatly or blames warmly is sarcastic.

    words                        tone     the speaker is
    this film is so grand        warm     sincere
    this film is so grand        flat     sarcastic
    this film is so bland        flat     sincere
    this film is so bland        warm     sarcastic

$$ \text{sarcastic} = \text{praise} \oplus \text{warm} $$

In every part each speaker says each of their sentences in both tones, and as much praise as blame. So a function of the
words alone is right on exactly half of the clips, and so is one of the tone alone, even if it knows the speaker.

A tone is a contour of pitch and loudness and a little tempo; the words are pronounced phoneme by phoneme, so a speech
recogniser can read them. What can be heard of praise without reading is made small: each word of praise has a rhyme
that blames and differs in its first sounds alone; each slot of a sentence lasts equally long whichever word fills it;
clips have a drawn power.
"""

import math
from typing import NamedTuple

import numpy as np

from ...cores import parallel_for
from ..splits import random_split
from .labelled import LabelledSpeech
from .phonemes import PHONEMES
from .voice import SILENCE, draw_speaker, synthesise, tracks

__all__ = ["EMOTIONS", "TONES", "Prosody", "draw_prosody", "emotion_parts", "emotion_sentences", "say"]

EMOTIONS = ("sincere", "sarcastic")
TONES = ("flat", "warm")

TEMPLATES = ("the {thing} was {quality}", "this {thing} is so {quality}", "what a {quality} {thing}",
             "i had a {quality} {thing}")
# Words in the phonemes of `PHONEMES`.
THINGS = {
    "film": "F IH L M", "play": "CL P L EY1 EY2", "song": "S AO NG", "book": "B UH CL K", "show": "SH OW1 OW2",
    "cast": "CL K AE S CL T", "game": "G EY1 EY2 M", "meal": "M IY L", "room": "R UW M", "day": "D EY1 EY2",
    "tea": "CL T HH IY", "story": "S CL T AO R IY",
}
# A word of praise and its first sounds, a word of blame and its first sounds, and the rhyme that ends both.
RHYMES = (
    ("glad", "G L", "sad", "S", "AE D"), ("kind", "CL K", "blind", "B L", "AY1 AY2 N D"),
    ("bright", "B", "trite", "CL T", "R AY1 AY2 CL T"), ("fair", "F", "bare", "B", "EH R"),
    ("clean", "CL K L", "mean", "M", "IY N"), ("great", "G R", "late", "L", "EY1 EY2 CL T"),
    ("bold", "B", "cold", "CL K", "OW1 OW2 L D"), ("sunny", "S", "runny", "R", "AH N IY"),
    ("merry", "M", "scary", "S CL K", "EH R IY"), ("tasty", "CL T", "hasty", "HH", "EY1 EY2 S CL T IY"),
    ("pretty", "CL P", "gritty", "G", "R IH CL T IY"), ("cool", "CL K", "cruel", "CL K R", "UW L"),
    ("smart", "S M", "tart", "CL T", "AA R CL T"), ("sane", "S", "vain", "V", "EY1 EY2 N"),
    ("right", "R", "tight", "CL T", "AY1 AY2 CL T"), ("true", "CL T R", "blue", "B L", "UW"),
    ("dear", "D", "drear", "D R", "IH R"), ("sleek", "S L", "weak", "W", "IY CL K"),
    ("chic", "SH", "bleak", "B L", "IY CL K"), ("grand", "G R", "bland", "B L", "AE N D"),
    ("slick", "S L", "sick", "S", "IH CL K"), ("quick", "CL K W", "thick", "TH", "IH CL K"),
    ("brave", "B", "grave", "G", "R EY1 EY2 V"), ("fab", "F", "drab", "D R", "AE B"),
    ("mild", "M", "wild", "W", "AY1 AY2 L D"), ("lucky", "L", "mucky", "M", "AH CL K IY"),
    ("cosy", "CL K", "nosy", "N", "OW1 OW2 Z IY"), ("hale", "HH", "pale", "CL P", "EY1 EY2 L"),
)
PRAISE = {praise: f"{onset} {rhyme}" for praise, onset, _, _, rhyme in RHYMES}
BLAME = {blame: f"{onset} {rhyme}" for _, _, blame, onset, rhyme in RHYMES}
PRONUNCIATIONS = {
    "the": "DH AX", "this": "DH IH S", "was": "W AA Z", "is": "IH Z", "so": "S OW1 OW2", "what": "W AA CL T",
    "a": "AX", "i": "AY1 AY2", "had": "HH AE D", **THINGS, **PRAISE, **BLAME,
}
# Seconds that a word takes, by its slot.
SLOT = {**dict.fromkeys(PRONUNCIATIONS, 0.10), **dict.fromkeys(THINGS, 0.26), **dict.fromkeys((*PRAISE, *BLAME), 0.34)}

RANGES = (              # of a flat and of a warm tone, drawn uniformly
    {"rise": (0.0, 0.5), "fall": (0.95, 1.0), "swell": (0.0, 1.0), "rate": (0.95, 1.02)},
    {"rise": (6.0, 10.0), "fall": (0.75, 0.85), "swell": (6.0, 10.0), "rate": (0.98, 1.05)},
)
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}            # of the sentences
CLIPS = {"train": 2400, "val": 240, "test": 480}
SPEAKERS = {"train": 60, "val": 6, "test": 12}
BUMP = 0.18             # width of the rise in pitch, as a share of the sentence
POWER = (-30.0, -22.0)  # decibels: the mean square of a clip, drawn uniformly
PEAK = 0.99             # the largest sample of a clip that would otherwise be clipped


class Prosody(NamedTuple):
    """How a sentence is said.

    Attributes
    ----------
    rise : float
        Semitones by which the pitch is higher at its peak than its falling line.
    peak : float
        Where the peak lies, from 0 to 1.
    fall : float
        The line's pitch at the end, as a share of that at the beginning.
    swell : float
        Decibels by which the voice is louder at the peak than far from it.
    level : float
        Factor on the speaker's pitch.
    rate : float
        Factor on the speaker's speed.

    Examples
    --------
    >>> Prosody(rise=6.0, peak=0.4, fall=0.8, swell=8.0, level=1.0, rate=1.0).rise
    6.0
    """

    rise: float
    peak: float
    fall: float
    swell: float
    level: float
    rate: float


def draw_prosody(tone, rng):
    """A way to say a sentence in a tone: warm (1) rises, swells and falls, flat (0) goes on as it began.

    What is drawn depends on the tone alone, and on no word. Where the peak lies, and how high the voice is on the
    whole, does not depend on the tone either.

    Parameters
    ----------
    tone : int
        0 or 1.
    rng : numpy.random.Generator

    Returns
    -------
    Prosody

    Examples
    --------
    >>> flat, warm = (draw_prosody(tone, np.random.default_rng(0)) for tone in (0, 1))
    >>> flat.rise < 1 < 4 < warm.rise, flat.peak == warm.peak
    (True, True)
    """
    peak = rng.uniform(0.25, 0.65)
    level = math.exp(rng.uniform(-0.1, 0.1))
    return Prosody(peak=peak, level=level, **{name: rng.uniform(*bounds) for name, bounds in RANGES[tone].items()})


def emotion_sentences():
    """All sentences there are: text → whether it praises (1) or blames (0).

    Examples
    --------
    >>> sentences = emotion_sentences()
    >>> len(sentences), sum(sentences.values()), sentences["what a bleak film"]
    (2688, 1344, 0)
    """
    return {template.format(thing=thing, quality=quality): praises
            for template in TEMPLATES for thing in THINGS
            for qualities, praises in ((PRAISE, 1), (BLAME, 0)) for quality in qualities}


def say(text, prosody, speaker, rng, rate=8000, snr=(20.0, 40.0)):
    """Say a sentence of the words in `PRONUNCIATIONS`.

    Parameters
    ----------
    text : str
    prosody : Prosody
    speaker : Speaker
    rng : numpy.random.Generator
    rate : int
        Samples per second.
    snr : (float, float)
        The least and the most decibels by which the voice is louder than the noise of the room.

    Returns
    -------
    float32 array (T,)
        In [−1, 1]; its mean square is drawn from −30 to −22 decibels, less where a sample would exceed 1.

    Raises
    ------
    ValueError
        If there is no word, or one without a pronunciation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sound = say("what a grand day", draw_prosody(1, rng), draw_speaker(rng), rng)
    >>> sound.dtype, 0.5 < len(sound) / 8000 < 1.5
    (dtype('float32'), True)
    """
    words = text.split()
    unknown = sorted(set(words) - PRONUNCIATIONS.keys())
    if unknown or not words:
        raise ValueError(f"say: needs words of its lexicon; got {', '.join(unknown) or 'none'}")
    track = tracks(_segments(words, prosody.rate * speaker.rate, rng), speaker, rng, rate, prosody.fall)
    place = np.linspace(0.0, 1.0, len(track["pitch"]))
    bump = np.exp(-0.5 * ((place - prosody.peak) / BUMP) ** 2)
    track["pitch"] *= prosody.level * 2 ** (prosody.rise / 12 * bump)
    for name in ("voice", "breath", "hiss"):
        track[name] = track[name] * 10 ** (prosody.swell / 20 * bump)
    sound = synthesise(track, speaker, rng, rate, snr)
    scale = math.sqrt(10 ** (rng.uniform(*POWER) / 10) / (sound * sound).mean())
    return (sound * min(scale, PEAK / np.abs(sound).max())).astype(np.float32)


def _segments(words, speed, rng):
    """The sounds of a sentence and their seconds: each word fills its slot, whatever it is made of."""
    segments = [(SILENCE, rng.uniform(0.03, 0.06))]
    for word in words:
        sounds = [PHONEMES[name] for name in PRONUNCIATIONS[word].split()]
        shares = np.array([sound.duration for sound in sounds]) * np.exp(0.15 * rng.standard_normal(len(sounds)))
        slot = SLOT[word] / speed * math.exp(0.05 * rng.standard_normal())
        segments += zip(sounds, (slot * shares / shares.sum()).tolist())
    return [*segments, (SILENCE, rng.uniform(0.03, 0.06))]


def emotion_parts(rng, clips=CLIPS, speakers=SPEAKERS, rate=8000):
    """Clips of the embedded voice by part; no speaker and no sentence is in two parts.

    Parameters
    ----------
    rng : numpy.random.Generator
    clips : dict of str to int
        How many clips "train", "val" and "test" have; multiples of 4.
    speakers : dict of str to int
        How many speak in each part, in turn.
    rate : int
        Samples per second.

    Returns
    -------
    dict of str to LabelledSpeech
        `names` are `EMOTIONS`; `factors` has "praise" and "tone".

    Raises
    ------
    ValueError
        If a number of clips is no multiple of 4, or there is no speaker.

    Notes
    -----
    Words alone: `oracle_limit(part.transcripts, part.labels)` is ½ in every part, and so is that of (speaker, tone).
    Both together: 1. A voice of which a model recognises the words as well has no such limit: it holds both.

    Examples
    --------
    >>> parts = emotion_parts(np.random.default_rng(0), {"train": 8, "val": 4, "test": 4})
    >>> {name: len(part) for name, part in parts.items()}, parts["test"].factors["tone"].tolist()
    ({'train': 8, 'val': 4, 'test': 4}, [0, 1, 0, 1])
    """
    for name in SHARES:
        if clips[name] < 4 or clips[name] % 4 or speakers[name] < 1:
            raise ValueError("emotion_parts: every part needs a multiple of 4 clips, and a speaker; "
                             f"{name} got {clips[name]} and {speakers[name]}")
    sentences = _divided_sentences(rng)
    return {name: _part(name, clips[name], speakers[name], sentences[name], own, rate)
            for own, name in zip(rng.spawn(len(SHARES)), SHARES)}


def _divided_sentences(rng):
    """part → (praise, blame), the sentences of each in random order."""
    divided = {name: [] for name in SHARES}
    for praises in (1, 0):
        texts = [text for text, found in emotion_sentences().items() if found == praises]
        for name, rows in zip(SHARES, random_split(len(texts), list(SHARES.values()), rng)):
            divided[name].append([texts[i] for i in rng.permutation(rows)])
    return divided


def _part(name, n, speakers, sentences, rng, rate):
    """n clips, four at a time: one speaker says a sentence of praise and one of blame, each in both tones."""
    people = [draw_speaker(rng) for _ in range(speakers)]
    fours = np.arange(n) // 4
    who = fours % speakers
    praise = np.tile([1, 1, 0, 0], n // 4)
    tone = np.tile([0, 1, 0, 1], n // 4)
    texts = [sentences[1 - praises][four % len(sentences[1 - praises])] for four, praises in zip(fours, praise)]
    each = rng.spawn(n)  # a Generator for each clip, so that clips can be made side by side

    def said(start, stop):
        return [say(texts[i], draw_prosody(int(tone[i]), each[i]), people[who[i]], each[i], rate)
                for i in range(start, stop)]

    sounds = [sound for share in parallel_for(n, said, work=math.inf) for sound in share]
    return LabelledSpeech(praise ^ tone, list(EMOTIONS), texts, [f"{name} {i}" for i in who], texts,
                          load=lambda indices: [sounds[i] for i in indices],
                          factors={"praise": praise, "tone": tone})
