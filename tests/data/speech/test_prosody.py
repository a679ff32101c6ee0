"""Pitch and energy: what is put in comes out, whatever the level, and noise and silence have no pitch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data.speech import prosody_frames, prosody_statistics, prosody_track
from tinymm.data.speech.resonators import glottal_pulses

seeds = st.integers(0, 2**32 - 1)
INNER = slice(6, -6)  # frames that lie within the sound


@given(st.floats(75, 450), st.integers(1, 5), st.sampled_from([8000, 11025, 16000]))
def test_the_pitch_of_a_periodic_sound_is_found(pitch, harmonics, rate):
    t = np.arange(int(0.4 * rate)) / rate
    sound = sum(np.sin(2 * np.pi * pitch * k * t + k) / k for k in range(1, harmonics + 1))
    track = prosody_track(sound, rate)
    assert len(track.pitch) == len(track.clarity) == len(track.energy) == 1 + len(sound) // round(rate / 100)
    np.testing.assert_allclose(track.pitch[INNER], pitch, rtol=0.02)
    assert track.clarity[INNER].min() > 0.9


@given(st.floats(90, 250), st.floats(-0.4, 0.4))
def test_a_gliding_pitch_is_followed(start, octaves):
    pitch = start * 2 ** (octaves * np.linspace(0, 1, 6400))
    track = prosody_track(np.diff(glottal_pulses(pitch, 8000)))
    expected = pitch[(np.arange(len(track.pitch)) * 80).clip(max=6399)]
    assert np.median(np.abs(np.log2(track.pitch[INNER] / expected[INNER]))) < 0.02


@given(seeds, st.floats(0.01, 1000))
def test_gain_moves_the_energy_alone(seed, gain):
    rng = np.random.default_rng(seed)
    sound = np.sin(2 * np.pi * rng.uniform(100, 300) * np.arange(3200) / 8000) + 0.1 * rng.standard_normal(3200)
    one, other = prosody_track(sound), prosody_track(gain * sound)
    np.testing.assert_allclose(other.pitch, one.pitch, rtol=1e-6)
    np.testing.assert_allclose(other.energy - one.energy, 20 * np.log10(gain), atol=0.01)
    a, b = prosody_statistics(sound), prosody_statistics(gain * sound)
    level = 14
    np.testing.assert_allclose(np.delete(a, level), np.delete(b, level), rtol=1e-3, atol=1e-3)


@given(st.floats(90, 200), st.floats(0.1, 100))
def test_frames_of_a_model_depend_on_neither_level_nor_key(pitch, gain):
    """The same tune, higher and louder: a step of half an octave up is a step of 2 in quarter octaves."""
    t = np.arange(4000) / 8000

    def tune(base):
        steps = base * np.where(t < 0.15, 1.0, 2**0.5)
        return np.sin(2 * np.pi * np.cumsum(steps) / 8000)

    one, other = prosody_frames(tune(100.0)), prosody_frames(gain * tune(pitch))
    inner = [*range(5, 10), *range(22, 45)]
    np.testing.assert_allclose(one[inner], other[inner], atol=0.1)
    assert one.shape == (51, 3) and one.dtype == np.float32
    np.testing.assert_allclose(one[40, 0] - one[8, 0], 2.0, atol=0.05)


@given(seeds)
def test_noise_and_silence_have_no_pitch(seed):
    noise = np.random.default_rng(seed).standard_normal(4000)
    assert (prosody_track(noise).pitch > 0).mean() < 0.05
    silent = prosody_track(np.zeros(800))
    assert not silent.pitch.any() and not silent.clarity.any() and (silent.energy == -90).all()


@given(seeds, st.integers(1, 3000))
def test_statistics_of_any_sound_are_finite(seed, length):
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal(length) * rng.choice([0.0, 1e-6, 1.0, 1e4])
    x = prosody_statistics(sound)
    assert x.shape == (23,) and x.dtype == np.float32 and np.isfinite(x).all()
    assert np.isfinite(prosody_frames(sound)).all()


def test_statistics_say_what_the_docstring_says():
    t = np.arange(8000) / 8000
    sound = np.sin(2 * np.pi * 125 * t) * np.where(t < 0.5, 1.0, 0.1)
    x = prosody_statistics(sound)
    np.testing.assert_allclose(x[:6], 1.0, atol=0.02)                    # an octave above 62.5 Hz
    np.testing.assert_allclose(x[6:10], 0.0, atol=0.05)
    np.testing.assert_allclose(x[[10, 13, 14]], [-20, 0, -3], atol=0.3)  # half of it 20 decibels quieter
    assert x[20] > 0.95 and x[21] > 0.97 and abs(x[22] - 1.0) < 0.03
    rising = prosody_statistics(np.sin(2 * np.pi * np.cumsum(125 * 2**t) / 8000))
    assert abs(rising[7] - 1.0) < 0.05                                   # an octave a clip


@pytest.mark.parametrize("sound, rate", [(np.zeros(0), 8000), (np.array([0.0, np.nan]), 8000), (np.zeros(9), 1000)])
def test_what_has_no_prosody_is_refused(sound, rate):
    with pytest.raises(ValueError, match="prosody_track: needs finite samples, 2000 a second or more; got"):
        prosody_statistics(sound, rate)
