"""The sounds that English words are made of, as a synthesiser needs them, and the digits as sequences of sounds.

Formants of the vowels are an average adult man's (Peterson & Barney 1952, Table II); the consonants' are round numbers
in the ranges of Klatt (1980), Tables II and III.
A diphthong is two targets one after the other; a stop is a closure, a burst and breath.
"""

from typing import NamedTuple

__all__ = ["DIGITS", "PHONEMES", "WORDS", "Phoneme"]

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Phoneme(NamedTuple):
    """A target the voice moves to.

    Attributes
    ----------
    formants : tuple of float
        F1, F2, F3 in Hz.
    duration : float
        Seconds, at an ordinary rate of speaking.
    voice, breath, hiss : float
        Three amplitudes: of the pulses and of the noise that pass through the formants, and of the noise made at a
        narrow place in the mouth.
    place, width : float
        Frequency and bandwidth in Hz of the resonance in front of that narrow place.

    Examples
    --------
    >>> PHONEMES["IY"].formants
    (270, 2290, 3010)
    """

    formants: tuple
    duration: float
    voice: float = 0.0
    breath: float = 0.0
    hiss: float = 0.0
    place: float = 3000.0
    width: float = 1000.0


PHONEMES = {
    # vowels, and the two halves of diphthongs
    "IY": Phoneme((270, 2290, 3010), 0.14, voice=1),
    "IH": Phoneme((390, 1990, 2550), 0.09, voice=1),
    "EH": Phoneme((530, 1840, 2480), 0.11, voice=1),
    "AH": Phoneme((640, 1190, 2390), 0.12, voice=1),
    "AX": Phoneme((500, 1400, 2400), 0.06, voice=0.8),
    "AO": Phoneme((570, 840, 2410), 0.13, voice=1),
    "AA": Phoneme((730, 1090, 2440), 0.13, voice=1),
    "AE": Phoneme((660, 1720, 2410), 0.12, voice=1),
    "ER": Phoneme((490, 1350, 1690), 0.12, voice=1),
    "UH": Phoneme((440, 1020, 2240), 0.10, voice=1),
    "UW": Phoneme((300, 870, 2240), 0.17, voice=1),
    "OW1": Phoneme((530, 1000, 2400), 0.09, voice=1), "OW2": Phoneme((380, 800, 2300), 0.10, voice=0.8),
    "EY1": Phoneme((490, 1900, 2550), 0.09, voice=1), "EY2": Phoneme((330, 2200, 2850), 0.08, voice=0.9),
    "AY1": Phoneme((730, 1150, 2440), 0.12, voice=1), "AY2": Phoneme((400, 1950, 2600), 0.09, voice=0.9),
    # glides, liquids and nasals
    "W": Phoneme((290, 650, 2200), 0.07, voice=0.7),
    "R": Phoneme((330, 1150, 1600), 0.07, voice=0.8),
    "L": Phoneme((350, 1050, 2880), 0.07, voice=0.7),
    "Y": Phoneme((260, 2070, 3020), 0.06, voice=0.7),
    "M": Phoneme((250, 1000, 2200), 0.08, voice=0.35),
    "N": Phoneme((250, 1350, 2400), 0.08, voice=0.35),
    "NG": Phoneme((250, 2000, 2700), 0.08, voice=0.35),
    # fricatives
    "S": Phoneme((320, 1500, 2530), 0.12, hiss=0.03, place=3700, width=700),
    "Z": Phoneme((260, 1500, 2530), 0.08, voice=0.30, hiss=0.02, place=3700, width=700),
    "F": Phoneme((340, 1100, 2080), 0.10, hiss=0.012, place=2300, width=3000),
    "V": Phoneme((260, 1100, 2080), 0.06, voice=0.35, hiss=0.006, place=2300, width=3000),
    "TH": Phoneme((320, 1290, 2540), 0.09, hiss=0.008, place=3200, width=1800),
    "SH": Phoneme((350, 1600, 2500), 0.12, hiss=0.03, place=2600, width=500),
    "ZH": Phoneme((300, 1600, 2500), 0.07, voice=0.30, hiss=0.02, place=2600, width=500),
    "DH": Phoneme((270, 1290, 2540), 0.05, voice=0.35, hiss=0.004, place=3200, width=1800),
    # stops: closure, burst, breath; a voiced one is heard through its closure
    "CL": Phoneme((300, 1600, 2600), 0.06),
    "T": Phoneme((400, 1700, 2650), 0.02, breath=0.10, hiss=0.05, place=3300, width=900),
    "K": Phoneme((300, 1990, 2850), 0.03, breath=0.15, hiss=0.05, place=2000, width=500),
    "P": Phoneme((400, 1100, 2150), 0.02, breath=0.12, hiss=0.02, place=900, width=800),
    "B": Phoneme((250, 900, 2150), 0.06, voice=0.15, hiss=0.006, place=700, width=600),
    "D": Phoneme((250, 1700, 2600), 0.06, voice=0.15, hiss=0.015, place=3300, width=900),
    "G": Phoneme((250, 1990, 2850), 0.06, voice=0.15, hiss=0.015, place=2000, width=500),
    "HH": Phoneme((350, 1300, 2500), 0.04, breath=0.30),
}

DIGITS = (
    ("Z", "IH", "R", "OW1", "OW2"),
    ("W", "AH", "N"),
    ("CL", "T", "HH", "UW"),
    ("TH", "R", "IY"),
    ("F", "AO", "R"),
    ("F", "AY1", "AY2", "V"),
    ("S", "IH", "CL", "K", "S"),
    ("S", "EH", "V", "AX", "N"),
    ("EY1", "EY2", "CL", "T"),
    ("N", "AY1", "AY2", "N"),
)
