"""The formant voice: the filter is the recursion, its peaks lie at the formants, the pulses come at the pitch."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.signal import freqz

from tinymm.data.speech import WORDS, Speaker, draw_speaker, speak
from tinymm.data.speech.phonemes import DIGITS, PHONEMES
from tinymm.data.speech.resonators import glottal_pulses, recursion_by_steps, resonate, resonator_coefficients
from tinymm.data.speech.voice import tracks

MAN = Speaker(pitch=110.0, size=1.0, rate=1.0, breath=0.0)
VOWELS = [name for name, phoneme in PHONEMES.items() if phoneme.voice == 1]


@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_the_triangular_system_is_the_recursion(seed, length):
    rng = np.random.default_rng(seed)
    x, f, b = rng.standard_normal(length), rng.uniform(100, 3900, length), rng.uniform(30, 500, length)
    expected = recursion_by_steps(x, *resonator_coefficients(f, b, 8000))
    np.testing.assert_allclose(resonate(x, f, b, 8000), expected, rtol=1e-9, atol=1e-9)


@given(st.floats(200, 3600), st.floats(30, 150))
def test_a_resonator_peaks_at_its_frequency_with_its_bandwidth(frequency, bandwidth):
    A, B, C = resonator_coefficients(frequency, bandwidth, 8000)
    at = np.arange(1, 4000.0)
    gain = np.abs(freqz([A], [1, -B, -C], at, fs=8000)[1])
    peak = at[gain.argmax()]
    assert abs(peak - frequency) < 2 + bandwidth**2 / frequency
    assert abs(freqz([A], [1, -B, -C], [0.0], fs=8000)[1][0] - 1) < 1e-9
    wide = at[gain > gain.max() / np.sqrt(2)]
    if 2 * bandwidth < frequency < 4000 - 2 * bandwidth:  # away from the mirror image
        assert abs(wide[-1] - wide[0] - bandwidth) < 0.1 * bandwidth + 3


def test_pulses_come_at_the_pitch():
    g = glottal_pulses(np.full(8000, 125.0), 8000)
    assert g.min() >= 0 and g.max() <= 1
    assert np.abs(np.fft.rfft(g - g.mean())).argmax() == 125
    starts = np.flatnonzero((g[1:] > 0) & (g[:-1] == 0))
    assert set(np.diff(starts)) == {64}


@pytest.mark.parametrize("name", VOWELS)
def test_a_held_vowel_has_its_spectral_peaks_at_its_formants(name):
    """Excited by an impulse, the filter's spectrum shows the formants;
    pulses would sample it at multiples of the pitch."""
    rng = np.random.default_rng(3)
    track = tracks([(PHONEMES[name], 0.3)], MAN, rng, 8000)
    sound = np.eye(1, track["formants"].shape[1])[0]
    for formant, bandwidth in zip(track["formants"], (40, 40, 40, 40)):
        sound = resonate(sound, formant, bandwidth, 8000)
    level = np.log(np.abs(np.fft.rfft(sound, 8000)))
    peaks = 1 + np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:]))
    for formant in track["formants"][:3, 0]:
        assert np.abs(peaks - formant).min() < 25
        assert abs(formant / track["formants"][:3, 0] - 1).min() == 0


def test_a_spoken_vowel_is_loudest_near_its_first_formants():
    """The long-term spectrum of "three" ends in IY: energy near F1 and F2–F3, little in between."""
    rng = np.random.default_rng(0)
    sound = speak([3], MAN, rng, snr=(60.0, 60.0))
    end = sound[int(0.6 * len(sound)):int(0.8 * len(sound))]
    power = np.abs(np.fft.rfft(end * np.hanning(len(end)), 8000)) ** 2
    low, between, high = power[150:450].mean(), power[900:1700].mean(), power[2000:3200].mean()
    assert low > 20 * between and high > 5 * between


def test_formants_scale_with_the_speaker_and_move_slowly():
    segments = [(PHONEMES["AH"], 0.1), (PHONEMES["IY"], 0.1)]
    one = tracks(segments, MAN, np.random.default_rng(1), 8000)
    small = tracks(segments, MAN._replace(size=1.2), np.random.default_rng(1), 8000)
    np.testing.assert_allclose(small["formants"][:3], 1.2 * one["formants"][:3])
    jump = abs(one["formants"][1, -1] - one["formants"][1, 0])
    assert np.abs(np.diff(one["formants"][1])).max() < jump / 100
    assert np.abs(np.diff(one["pitch"])).max() < 0.2


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_any_string_is_spoken(seed, digits):
    rng = np.random.default_rng(seed)
    speaker = draw_speaker(rng)
    sound = speak(digits, speaker, rng)
    assert sound.dtype == np.float32 and np.isfinite(sound).all() and 0.1 < np.abs(sound).max() <= 1
    assert 0.15 * len(digits) < len(sound) / 8000 < 0.4 + 1.4 * len(digits)
    assert 80 < speaker.pitch < 270 and 0.8 < speaker.size < 1.25


def test_the_same_seed_says_the_same():
    one, other = (speak([1, 2], MAN, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert len(WORDS) == len(DIGITS) == 10 and {name for digit in DIGITS for name in digit} <= PHONEMES.keys()


def test_noise_of_the_room_is_as_loud_as_asked():
    """The noise is what is left when the same string is said without it."""
    loud, quiet = (speak([8], MAN, np.random.default_rng(2), snr=(snr, snr)).astype(np.float64)
                   for snr in (10.0, 150.0))
    scale = (loud @ quiet) / (quiet @ quiet)
    noise = loud - scale * quiet
    ratio = 10 * np.log10((scale * quiet) @ (scale * quiet) / (noise @ noise))
    assert abs(ratio - 10.0) < 0.5


@pytest.mark.parametrize("digits", [[], [10], [3, -1]])
def test_what_is_no_digit_is_refused(digits, rng):
    with pytest.raises(ValueError, match="speak: needs at least one digit from 0 to 9; got"):
        speak(digits, MAN, rng)
