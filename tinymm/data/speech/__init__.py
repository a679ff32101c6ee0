"""Speech: reading recordings, changing how they sound, and a small voice that speaks digits."""

from .augmentation import add_noise, change_gain, change_speed, mask_spectrogram, shift_time
from .digits import SpokenDigits, official_test, read_spoken_digits
from .phonemes import WORDS
from .strings import draw_strings, join_sounds
from .voice import Speaker, draw_speaker, speak
from .waves import Wave, read_wave, resampled

__all__ = [
    "WORDS", "Speaker", "SpokenDigits", "Wave", "add_noise", "change_gain", "change_speed", "draw_speaker",
    "draw_strings", "join_sounds", "mask_spectrogram", "official_test", "read_spoken_digits", "read_wave", "resampled",
    "shift_time", "speak",
]
