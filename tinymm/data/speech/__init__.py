"""Speech: reading recordings, changing how they sound, how they are said, and a small voice that speaks digits and
sentences, sincere and sarcastic."""

from .augmentation import add_noise, change_gain, change_speed, mask_spectrogram, pink_noise, shift_time
from .digits import SpokenDigits, official_test, read_spoken_digits
from .emotion_folders import leave_one_speaker_out, read_emodb, read_ravdess, split_speech
from .emotions import EMOTIONS, TONES, Prosody, draw_prosody, emotion_parts, emotion_sentences, say
from .labelled import LabelledSpeech, oracle_limit
from .phonemes import WORDS
from .prosody import ProsodyTrack, prosody_frames, prosody_statistics, prosody_track
from .spoken_scenes import PRONOUNCED, say_caption, spoken_captions
from .strings import draw_strings, join_sounds
from .voice import Speaker, draw_speaker, speak
from .waves import Wave, read_wave, resampled

__all__ = [
    "EMOTIONS", "LabelledSpeech", "PRONOUNCED", "Prosody", "ProsodyTrack", "Speaker", "SpokenDigits", "TONES",
    "WORDS", "Wave", "add_noise", "change_gain", "change_speed", "draw_prosody", "draw_speaker", "draw_strings",
    "emotion_parts", "emotion_sentences", "join_sounds", "leave_one_speaker_out", "mask_spectrogram", "official_test",
    "oracle_limit", "pink_noise", "prosody_frames", "prosody_statistics", "prosody_track", "read_emodb",
    "read_ravdess", "read_spoken_digits", "read_wave", "resampled", "say", "say_caption", "shift_time", "speak",
    "split_speech", "spoken_captions",
]
