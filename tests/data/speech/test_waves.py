"""Reading WAV files: every width to the same sound, and every kind of broken file named."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.io import wavfile

from tinymm.data.speech import read_wave, resampled


def write(path, rate, samples):
    wavfile.write(path, rate, samples)
    return path


def pcm24(path, rate, whole):
    """A WAV file of 24 bits, which SciPy reads and does not write; `whole` int (T,)."""
    body = b"".join(int(v).to_bytes(3, "little", signed=True) for v in whole)
    head = b"fmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
    head += rate.to_bytes(4, "little") + (3 * rate).to_bytes(4, "little") + (3).to_bytes(2, "little") \
        + (24).to_bytes(2, "little")
    content = b"WAVE" + head + b"data" + len(body).to_bytes(4, "little") + body
    path.write_bytes(b"RIFF" + len(content).to_bytes(4, "little") + content)
    return path


def as_pcm(samples, bits):
    """Samples in [−1, 1) as whole numbers of so many bits."""
    return np.floor(samples * 2 ** (bits - 1)).astype(np.int64)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_every_width_is_the_same_sound(bits, rng, tmp_path):
    samples = rng.uniform(-1, 1, 300)
    samples[:2] = -1, 1 - 2.0**-31
    whole, path = as_pcm(samples, bits), tmp_path / "a.wav"
    if bits == 24:
        pcm24(path, 8000, whole)
    else:
        write(path, 8000, (whole + 128).astype(np.uint8) if bits == 8 else whole.astype(f"int{bits}"))
    wave = read_wave(path)
    assert wave.samples.dtype == np.float32 and (wave.rate, wave.channels) == (8000, 1)
    np.testing.assert_allclose(wave.samples, whole / 2.0 ** (bits - 1), rtol=0, atol=2**-24)
    assert np.abs(wave.samples).max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_kept(dtype, rng, tmp_path):
    samples = rng.standard_normal(50).astype(dtype)
    np.testing.assert_array_equal(read_wave(write(tmp_path / "a.wav", 8000, samples)).samples,
                                  samples.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_channels_are_averaged(dtype, rng, tmp_path):
    both = (rng.uniform(0, 100, (40, 3))).astype(dtype)
    wave = read_wave(write(tmp_path / "a.wav", 8000, both))
    alone = [read_wave(write(tmp_path / "b.wav", 8000, np.ascontiguousarray(c))).samples for c in both.T]
    assert wave.channels == 3
    np.testing.assert_allclose(wave.samples, np.mean(alone, 0), atol=1e-5)


def test_another_rate_keeps_the_tone(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    wave = read_wave(write(tmp_path / "a.wav", 44100, (tone * 30000).astype(np.int16)), rate=8000)
    assert wave.rate == 44100 and len(wave.samples) == 8000
    spectrum = np.abs(np.fft.rfft(wave.samples))
    assert spectrum.argmax() == 440
    expected = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000) * 30000 / 32768
    np.testing.assert_allclose(wave.samples[200:-200], expected[200:-200], atol=0.01)


@given(st.integers(1, 3000), st.sampled_from([8000, 11025, 16000, 44100, 48000]), st.sampled_from([8000, 16000]))
def test_the_length_at_another_rate(length, rate, target):
    result = resampled(np.zeros(length, np.float32), rate, target)
    assert len(result) == -(-length * target // rate) and result.dtype == np.float32


def broken(tmp_path, content):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_a_file_cut_anywhere_is_named(dtype, tmp_path):
    whole = write(tmp_path / "whole.wav", 8000, np.ones(20, dtype)).read_bytes()
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"broken\.wav: .*(whole|must be a WAV file|at least one sample)"):
            read_wave(broken(tmp_path, whole[:length]))


def test_what_is_no_sound_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"broken\.wav: must be a WAV file of PCM or float samples; got 11 bytes"):
        read_wave(broken(tmp_path, b"hello world"))
    with pytest.raises(ValueError, match=r"empty\.wav: a WAV file must hold at least one sample; got none"):
        read_wave(write(tmp_path / "empty.wav", 8000, np.zeros(0, np.int16)))
    with pytest.raises(ValueError, match=r"nan\.wav: samples must be finite; got nan"):
        read_wave(write(tmp_path / "nan.wav", 8000, np.array([0, np.nan], np.float32)))
    with pytest.raises(ValueError, match=r"nowhere\.wav: a WAV file must be there"):
        read_wave(tmp_path / "nowhere.wav")
    with pytest.raises(ValueError, match="a WAV file must be there to be read; Is a directory"):
        read_wave(tmp_path)


def test_a_truncated_file_says_how_much_is_there(tmp_path):
    whole = write(tmp_path / "whole.wav", 8000, np.ones(100, np.int16)).read_bytes()
    with pytest.raises(ValueError, match="ends early .*finished at 144 bytes, expected 244 bytes"):
        read_wave(broken(tmp_path, whole[:144]))
    with pytest.raises(ValueError, match="rates must be at least 1; got 8000 and 0"):
        resampled(np.zeros(3), 8000, 0)


def test_a_chunk_of_tags_is_passed_over(tmp_path):
    whole = write(tmp_path / "a.wav", 8000, np.arange(10, dtype=np.int16)).read_bytes()
    tagged = whole + b"note" + (4).to_bytes(4, "little") + b"tags"
    path = broken(tmp_path, tagged[:4] + (len(tagged) - 8).to_bytes(4, "little") + tagged[8:])
    np.testing.assert_array_equal(read_wave(path).samples, np.arange(10, dtype=np.float32) / 32768)
