"""Reading WAV files: every coding and every layout to the same sound, and every kind of broken file named."""

import os
import struct
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.data.speech import read_wave, resampled
from tinymm.data.speech.waves import MOST_SAMPLES

GUID_END = bytes.fromhex("800000aa00389b71")
PCM = [(bits, -(-bits // 8)) for bits in (1, 4, 8, 12, 16, 20, 24, 32, 48, 64)] + [(20, 4), (24, 4)]  # (bits, width)
CODINGS = [*((1, bits, width) for bits, width in PCM), (3, 32, 4), (3, 64, 8), (6, 8, 1), (7, 8, 1)]


# Writing, as plainly as can be: the tests' own idea of the format.

def chunk(name, content, order="<", length=None, pad=True):
    length = len(content) if length is None else length
    return name + struct.pack(order + "I", length) + content + bytes(pad and len(content) % 2)


def form(number=1, channels=1, rate=8000, bits=16, width=None, order="<", frame=None, valid=None):
    width = width or -(-bits // 8)
    frame = channels * width if frame is None else frame
    head = [channels, rate, rate * frame & 0xFFFFFFFF, frame, bits]
    if valid is None:
        return struct.pack(order + "HHIIHH", number, *head)
    return struct.pack(order + "HHIIHHHHIIHH", 0xFFFE, *head, 22, valid, 0, number, 0, 16) + GUID_END


def file_of(*chunks, order="<", name=None, length=None):
    body = b"WAVE" + b"".join(chunks)
    name = name or {"<": b"RIFF", ">": b"RIFX"}[order]
    return name + struct.pack(order + "I", len(body) if length is None else length) + body


class Good(NamedTuple):
    """The bytes of a right file, where the samples of its first data chunk end in it, and the sound that they are."""

    content: bytes
    end: int
    samples: list
    channels: int


def code(number, width, order, rng):
    """One sample at random: its bytes and its value."""
    endian = {"<": "little", ">": "big"}[order]
    if number == 3:
        value = float(rng.choice([0.0, -1.0, 1e-30, 32768.0, rng.standard_normal()]))
        packed = struct.pack(order + {4: "f", 8: "d"}[width], value)
        return packed, struct.unpack(order + {4: "f", 8: "d"}[width], packed)[0]
    whole = int.from_bytes(rng.bytes(width), endian)
    if number == 1:
        signed = whole - 128 if width == 1 else whole - (whole >> 8 * width - 1 << 8 * width)
        return whole.to_bytes(width, endian), signed / 2 ** (8 * width - 1)
    return bytes([whole]), {6: a_law, 7: mu_law}[number](whole)


def mu_law(byte):
    """ITU-T G.191's ulaw_expand, step by step."""
    sign, exponent, mantissa = byte < 0x80, (~byte >> 4) & 7, ~byte & 15
    step = 4 << (exponent + 1)
    value = (0x80 << exponent) + step * mantissa + step // 2 - 4 * 33
    return (-value if sign else value) / 32768


def a_law(byte):
    """ITU-T G.191's alaw_expand, step by step."""
    code = (byte ^ 0x55) & 0x7F
    exponent, mantissa = code >> 4, (code & 15) << 4
    value = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return (value if byte >= 0x80 else -value) / 32768


NAMES = st.sampled_from([b"LIST", b"fact", b"JUNK", b"id3 "])
EXTRAS = st.lists(st.tuples(NAMES, st.binary(max_size=7), st.booleans()), max_size=2)  # name, content, pad byte or not


@st.composite
def good_files(draw, is_open=st.booleans()):
    """All codings, byte orders and layouts: chunks of odd sizes with and without a pad byte, two of data, streams."""
    number, bits, width = draw(st.sampled_from(CODINGS))
    order, channels = draw(st.sampled_from("<>")), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    frames = [[code(number, width, order, rng) for _ in range(channels)] for _ in range(draw(st.integers(1, 9)))]
    packed = [b"".join(sample for sample, _ in frame) for frame in frames]
    means = [np.float32(np.mean([value for _, value in frame])) for frame in frames]
    head = form(number, channels, 8000, bits, width, order, valid=draw(st.sampled_from([None, bits])))
    parts = [chunk(b"fmt ", head, order), *(chunk(*extra[:2], order, pad=extra[2]) for extra in draw(EXTRAS))]
    length = draw(st.sampled_from([None, 0, 4, 0xFFFFFFFF]))            # of the whole; no reader needs it
    if draw(is_open):
        data = b"".join(packed)
        stated = draw(st.sampled_from([0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000]))
        cut = draw(st.integers(0, channels * width - 1))                # of a frame that was being written
        last = chunk(b"data", data + bytes(cut), order, stated, pad=False)
        content = file_of(*parts, last, order=order, length=length)
        return Good(content, len(content) - cut, means, channels)
    if order == "<" and draw(st.booleans()):                            # RF64: lengths stand in a chunk of their own
        data = b"".join(packed)
        ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(data), 0, 0))
        start = file_of(ds64, *parts, chunk(b"data", data, length=0xFFFFFFFF), name=b"RF64", length=0xFFFFFFFF)
        end = len(start) - len(data) % 2
    else:
        k = draw(st.integers(1, len(packed)))
        first, second = b"".join(packed[:k]), b"".join(packed[k:])
        start = file_of(*parts, chunk(b"data", first, order, pad=False), order=order, length=length)
        end = len(start)
        start += bytes(draw(st.booleans()) and len(first) % 2)
        start += chunk(b"data", second, order) if second else b""
    tail = draw(st.sampled_from([b"", bytes(9), b"\xff" * 3, chunk(b"LIST", b"INFOx", order)]))
    return Good(start + tail, end, means, channels)


def read(folder, content, rate=None):
    path = folder / "x.wav"
    path.write_bytes(content)
    return read_wave(path, rate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("waves")


@given(good=good_files())
def test_every_coding_and_layout_is_read_as_it_was_meant(folder, good):
    wave = read(folder, good.content)
    np.testing.assert_allclose(wave.samples, good.samples, rtol=2e-7, atol=2e-38)
    assert wave.samples.dtype == np.float32 and (wave.rate, wave.channels) == (8000, good.channels)


@given(good=good_files(is_open=st.just(False)), place=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_before_the_end_of_its_data_is_named(folder, good, place):
    with pytest.raises(ValueError, match=r"x\.wav: .*(whole|must be a WAV file|at least one sample)"):
        read(folder, good.content[:int(place * good.end)])


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)


@given(good=good_files(), changes=CHANGES, header=st.booleans())
def test_a_damaged_file_is_read_or_named_in_one_line(folder, good, changes, header):
    content = bytearray(good.content)
    for place, byte in changes:
        content[int(place * (min(60, len(content)) if header else len(content)))] = byte
    try:
        wave = read(folder, bytes(content), 8000)
        assert np.isfinite(wave.samples).all() and 0 < len(wave.samples) <= 8 * len(content)
    except ValueError as error:
        assert str(error).startswith(f"{folder / 'x.wav'}: ") and "\n" not in str(error) and len(str(error)) < 400


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_what_scipy_writes_and_reads_is_the_same_sound(dtype, channels, rng, tmp_path):
    stored = np.frombuffer(rng.bytes(600 * channels * np.dtype(dtype).itemsize), dtype).reshape(600, channels)
    if np.dtype(dtype).kind == "f":
        stored = rng.standard_normal((600, channels)).astype(dtype)
    wavfile.write(tmp_path / "a.wav", 16000, stored)
    rate, values = wavfile.read(tmp_path / "a.wav")
    values = values.astype(np.float64).reshape(600, channels)
    scale = {"u": 128, "i": 2.0 ** (8 * np.dtype(dtype).itemsize - 1), "f": 1}[np.dtype(dtype).kind]
    expected = (values - 128 * (dtype == np.uint8)).mean(1) / scale
    wave = read_wave(tmp_path / "a.wav")
    np.testing.assert_allclose(wave.samples, expected, rtol=2e-7, atol=1e-15)
    assert (wave.rate, wave.channels) == (rate, channels)


def test_known_values_of_g711(folder):
    """From the tables of Sun Microsystems' g711.c, on the scale of 16 bits."""
    for number, values in ((7, {0x00: -32124, 0x01: -31100, 0x0F: -16764, 0x10: -15996, 0x7E: -8, 0x7F: 0, 0x80: 32124,
                                0xFE: 8, 0xFF: 0}),
                           (6, {0x00: -5504, 0x01: -5248, 0x2A: -32256, 0x54: -24, 0x55: -8, 0x80: 5504, 0xAA: 32256,
                                0xD5: 8})):
        wave = read(folder, file_of(chunk(b"fmt ", form(number, bits=8)), chunk(b"data", bytes(values))))
        assert (wave.samples * 32768).tolist() == list(values.values())


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_the_largest_whole_numbers_are_one(bits, folder):
    width, offset = bits // 8, 128 * (bits == 8)
    ends = [(value + offset).to_bytes(width, "little", signed=bits > 8)
            for value in (-2 ** (bits - 1), 2 ** (bits - 1) - 1)]
    samples = read(folder, file_of(chunk(b"fmt ", form(bits=bits)), chunk(b"data", b"".join(ends)))).samples
    assert samples[0] == -1 and samples[1] == pytest.approx(1, abs=2.0 ** (1 - bits)) and samples[1] <= 1


def test_another_rate_keeps_the_tone(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    wavfile.write(tmp_path / "a.wav", 44100, (tone * 30000).astype(np.int16))
    wave = read_wave(tmp_path / "a.wav", rate=8000)
    assert wave.rate == 44100 and len(wave.samples) == 8000
    spectrum = np.abs(np.fft.rfft(wave.samples))
    assert spectrum.argmax() == 440
    expected = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000) * 30000 / 32768
    np.testing.assert_allclose(wave.samples[200:-200], expected[200:-200], atol=0.01)


@given(st.integers(1, 3000), st.sampled_from([8000, 11025, 16000, 44100, 48000]), st.sampled_from([8000, 16000]))
def test_the_length_at_another_rate(length, rate, target):
    result = resampled(np.zeros(length, np.float32), rate, target)
    assert len(result) == -(-length * target // rate) and result.dtype == np.float32


def test_rates_that_would_fill_the_memory_are_refused():
    with pytest.raises(ValueError, match="rates must be at least 1; got 8000 and 0"):
        resampled(np.zeros(3), 8000, 0)
    with pytest.raises(ValueError, match=r"may have 67,108,864 samples; from 1 to 8000 it has 80,000,000"):
        resampled(np.zeros(10_000), 1, 8000)
    with pytest.raises(ValueError, match=r"numbers up to 100,000; got 8000/767999 for 767999 and 8000"):
        resampled(np.zeros(3), 767_999, 8000)


SAMPLES = chunk(b"data", bytes(2400))
FORM = chunk(b"fmt ", form())
REFUSED = {
    "not RIFF": (b"hello world", "must be a WAV file of PCM or float samples; got 11 bytes"),
    "no file": (b"", "got 0 bytes"),
    "an AVI": (b"RIFF\0\0\0\0AVI " + FORM + SAMPLES, "RIFF, a length and WAVE"),
    "no fmt": (file_of(SAMPLES), "there is no fmt chunk"),
    "no data": (file_of(FORM), "there is no data chunk"),
    "two fmt": (file_of(FORM, FORM, SAMPLES), "there are two fmt chunks"),
    "short fmt": (file_of(chunk(b"fmt ", form()[:14]), SAMPLES), "fmt chunk has 14 bytes, fewer than 16"),
    "no samples": (file_of(FORM, chunk(b"data", b"")), "must hold at least one sample; got none"),
    "tags only": (file_of(FORM, chunk(b"data", b""), chunk(b"LIST", b"INFO")), "at least one sample; got none"),
    "half a frame": (file_of(FORM, chunk(b"data", bytes(3))), "data chunk has 3 bytes, no whole number of frames of 2"),
    "no channels": (file_of(chunk(b"fmt ", form(channels=0)), SAMPLES), "contradict 0 channels"),
    "frames of 0": (file_of(chunk(b"fmt ", form(frame=0)), SAMPLES), "frames of 0 bytes contradict 1 channels"),
    "frames of 3": (file_of(chunk(b"fmt ", form(frame=3)), SAMPLES), "frames of 3 bytes contradict"),
    "0 bits": (file_of(chunk(b"fmt ", form(bits=0, width=2)), SAMPLES), "of 0 bits"),
    "65 bits": (file_of(chunk(b"fmt ", form(bits=65)), SAMPLES), "of 65 bits"),
    "floats of 16": (file_of(chunk(b"fmt ", form(3)), SAMPLES), "16 bits in float"),
    "valid bits": (file_of(chunk(b"fmt ", form(valid=17)), SAMPLES), "17 valid bits contradict samples of 16"),
    "ADPCM": (file_of(chunk(b"fmt ", form(0x11, bits=4)), SAMPLES), "their encoding is IMA ADPCM; PCM"),
    "unheard of": (file_of(chunk(b"fmt ", form(0x1234)), SAMPLES), "their encoding is number 4660"),
    "another GUID": (file_of(chunk(b"fmt ", form(valid=16)[:-1] + b"!"), SAMPLES), "encoding is 0100000000001000"),
    "rate 0": (file_of(chunk(b"fmt ", form(rate=0)), SAMPLES), "of 1,000 to 768,000 samples a second; got 0"),
    "rate 1": (file_of(chunk(b"fmt ", form(rate=1)), SAMPLES), "of 1,000 to 768,000 samples a second; got 1"),
    "rate 2**32 - 5": (file_of(chunk(b"fmt ", form(rate=2**32 - 5)), SAMPLES), "a second; got 4,294,967,291"),
    "a fmt of 2 GiB": (file_of(chunk(b"fmt ", form(), length=2**31), SAMPLES), "ends early .its fmt chunk finished"),
    "a long ds64": (file_of(chunk(b"ds64", struct.pack("<QQ", 0, 2**64 - 1)), FORM,
                            chunk(b"data", b"", length=2**32 - 1), name=b"RF64"), "must be whole; it ends early"),
    "nothing but chunks": (file_of(chunk(b"JUNK", b"") * 20_000), "more than 10000 chunks"),
    "nan": (file_of(chunk(b"fmt ", form(3, bits=32)), chunk(b"data", struct.pack("<2f", 0, np.nan))),
            "samples must be finite and at most 2..31; got nan"),
    "inf": (file_of(chunk(b"fmt ", form(3, bits=64)), chunk(b"data", struct.pack("<d", -np.inf))), "got -inf"),
    "absurd": (file_of(chunk(b"fmt ", form(3, 2, bits=32)), chunk(b"data", struct.pack("<2f", 3e38, 3e38))),
               "got 3e.38"),
}


@pytest.mark.parametrize("content, message", REFUSED.values(), ids=REFUSED)
def test_what_is_no_sound_is_named(content, message, folder):
    with pytest.raises(ValueError, match=rf"x\.wav: .*{message}"):
        read(folder, content, 8000)


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path, message in ((tmp_path / "nowhere.wav", "the file is not there"), (tmp_path, "it is a folder"),
                          (tmp_path / "pipe.wav", "it is a pipe")):
        with pytest.raises(ValueError, match=f"{path}: .*{message}"):
            read_wave(path)


def test_a_truncated_file_says_how_much_is_there(folder):
    with pytest.raises(ValueError, match="must be whole; it ends early .*finished at 144 bytes, expected 2444 bytes"):
        read(folder, file_of(FORM, SAMPLES)[:144])


def test_a_sound_too_long_is_refused_before_it_is_read(folder):
    path = folder / "long.wav"
    path.write_bytes(file_of(chunk(b"fmt ", form(bits=8)), chunk(b"data", b"", length=0xFFFFFFFF)))
    os.truncate(path, 44 + MOST_SAMPLES + 1)                            # a hole: it takes no room on the disk
    with pytest.raises(ValueError, match="may have 67,108,864 samples of a channel; got 67,108,865"):
        read_wave(path)
    os.truncate(path, 44 + MOST_SAMPLES)
    with pytest.raises(ValueError, match="from 8000 to 16000 it has 134,217,728"):
        read_wave(path, 16_000)
    path.unlink()
