"""The layout of a WAV file: how its samples are coded, and where they lie.

A WAV file is a header and a list of chunks, each with a name of four letters, a length and so many bytes, after an odd
number a byte more. `fmt ` says how samples are coded, `data` holds them, all others are passed over. Programs differ
from that: some leave out the odd byte; recorders that write into a pipe, or were killed, leave lengths of 0 or of all
ones. What is read here is checked against what is there, so that no length is believed before memory is taken.

References
----------
Microsoft and IBM (1991), Multimedia programming interface and data specifications 1.0, "Waveform audio file format";
Microsoft (2001), Multiple channel audio data and WAVE files (WAVE_FORMAT_EXTENSIBLE); EBU Tech 3306 (RF64).
"""

import struct
from typing import NamedTuple

from ...cores import ceil_div

__all__ = ["WavLayout", "read_layout"]

RATES = (1_000, 768_000)        # samples a second: from below a telephone's to the fastest converters' of sound
BYTE_ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
ENCODINGS = {1: "pcm", 3: "float", 6: "a-law", 7: "mu-law"}
OTHER_ENCODINGS = {0x02: "Microsoft's ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x50: "MPEG", 0x55: "MP3",
                   0xFF: "AAC", 0x161: "WMA", 0x2000: "AC-3", 0xF1AC: "FLAC"}
EXTENSIBLE = 0xFFFE             # the encoding's number stands further back, in a GUID that ends in these bytes:
GUID_END = bytes.fromhex("800000aa00389b71")
ALL_ONES = 0xFFFFFFFF
UNKNOWN_LENGTHS = (ALL_ONES, 0x7FFFFFFF, 0x7FFFF000)  # of streams: FFmpeg's and others', SoX's
MOST_CHUNKS = 10_000


class WavLayout(NamedTuple):
    """How the samples of a WAV file are coded, and where they lie.

    Attributes
    ----------
    order : str
        "<" if the smallest byte of a number comes first, else ">".
    encoding : str
        "pcm", "float", "a-law" or "mu-law".
    channels, rate : int
    width : int
        Bytes of one sample of one channel.
    parts : list of (int, int)
        Where each stretch of samples begins in the file, and how many frames it has (a sample of every channel each).
    """

    order: str
    encoding: str
    channels: int
    rate: int
    width: int
    parts: list


class _Chunk(NamedTuple):
    name: bytes
    start: int                  # of its content
    length: int
    is_open: bool = False       # it has no length of its own and goes to the end of the file


def read_layout(file, size):
    """Walk through the chunks of a WAV file.

    Parameters
    ----------
    file : binary file
    size : int
        Its bytes.

    Returns
    -------
    WavLayout

    Raises
    ------
    ValueError
        If it is no WAV file, is cut short, contradicts itself, or is coded in another way than those named above.
    """
    header = _read(file, 0, 12)
    order = BYTE_ORDERS.get(header[:4])
    if order is None or header[8:] != b"WAVE":
        raise _no_wav(size, "they do not begin with RIFF, a length and WAVE")
    form, data = None, []
    for chunk in _chunks(file, size, order):
        if chunk.name == b"fmt ":
            if form is not None:
                raise _no_wav(size, "there are two fmt chunks")
            form = _form(_content(file, chunk, size, least=16), order, size)
        elif chunk.name == b"data":
            data.append(chunk)
    if form is None or not data:
        raise _no_wav(size, f"there is no {'fmt' if form is None else 'data'} chunk")
    return form._replace(parts=[_part(chunk, form, size) for chunk in data])


def _no_wav(size, why):
    return ValueError(f"must be a WAV file of PCM or float samples; got {size} bytes that are not ({why})")


def _cut_short(chunk, size):
    return ValueError(f"a WAV file must be whole; it ends early (its {chunk.name.decode().strip()} chunk finished at "
                      f"{size} bytes, expected {chunk.start + chunk.length} bytes)")


def _chunks(file, size, order):
    """The chunks up to the end of the file, or to what is no chunk any more."""
    position = 12
    data_length = None  # of RF64 files, for which the chunk's own four bytes are too few
    for _ in range(MOST_CHUNKS):
        header = _read(file, position, 8)
        if not _is_header(header):
            return
        chunk = _Chunk(header[:4], position + 8, struct.unpack(order + "I", header[4:])[0])
        if chunk.name == b"ds64":
            data_length = struct.unpack("<Q", _content(file, chunk, size, least=16)[8:16])[0]
        if chunk.name == b"data":
            if chunk.length == ALL_ONES and data_length is not None:
                chunk = chunk._replace(length=data_length)
            elif _is_open(file, chunk, size, order):
                chunk = chunk._replace(length=size - chunk.start, is_open=True)
        yield chunk
        position = min(chunk.start + chunk.length, size)
        if chunk.length % 2 and not _is_header(_read(file, position, 8)):  # else the odd byte has been left out
            position += 1
    raise _no_wav(size, f"there are more than {MOST_CHUNKS} chunks")


def _read(file, start, length):
    file.seek(start)
    return file.read(length)


def _is_header(header):
    """Whether these eight bytes begin with a name."""
    return len(header) == 8 and all(0x20 <= byte < 0x7F for byte in header[:4])


def _is_open(file, chunk, size, order):
    """Whether the length of the data is not known; 0 may also be true, if another chunk follows."""
    if chunk.length:
        return chunk.length in UNKNOWN_LENGTHS
    header = _read(file, chunk.start, 8)
    return not (_is_header(header) and chunk.start + 8 + struct.unpack(order + "I", header[4:])[0] <= size)


def _content(file, chunk, size, least, most=40):
    """The first bytes of a chunk, which must have so many at least."""
    if chunk.start + chunk.length > size:
        raise _cut_short(chunk, size)
    if chunk.length < least:
        raise _no_wav(size, f"their {chunk.name.decode().strip()} chunk has {chunk.length} bytes, fewer than {least}")
    return _read(file, chunk.start, min(chunk.length, most))


def _form(content, order, size):
    """The layout that a fmt chunk tells, without the parts."""
    number, channels, rate, _, frame, bits = struct.unpack(order + "HHIIHH", content[:16])  # _: bytes a second
    if number == EXTENSIBLE:
        number = _extended_number(content, order, bits, size)
    if number not in ENCODINGS:
        name = OTHER_ENCODINGS.get(number, f"number {number}")
        raise _no_wav(size, f"their encoding is {name}; PCM, floats, A-law and mu-law are read")
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"must be a sound of {RATES[0]:,} to {RATES[1]:,} samples a second; got {rate:,}")
    encoding = ENCODINGS[number]
    width = frame // channels if channels else 0
    if not channels or frame % channels or width not in _widths(encoding, bits):
        raise _no_wav(size, f"frames of {frame} bytes contradict {channels} channels of {bits} bits in {encoding}")
    return WavLayout(order, encoding, channels, rate, width, [])


def _extended_number(content, order, bits, size):
    """The number of the encoding in a fmt chunk of the extensible form."""
    if len(content) < 40:
        raise _no_wav(size, f"their extensible fmt chunk has {len(content)} bytes, fewer than 40")
    valid_bits = struct.unpack(order + "H", content[18:20])[0]
    number, *middle = struct.unpack(order + "IHH", content[24:32])
    if middle != [0, 0x10] or content[32:] != GUID_END:
        raise _no_wav(size, f"their encoding is {content[24:40].hex()}; PCM, floats, A-law and mu-law are read")
    if valid_bits > bits:
        raise _no_wav(size, f"{valid_bits} valid bits contradict samples of {bits}")
    return number


def _widths(encoding, bits):
    """The bytes that a sample of so many bits may take; 17 to 24 bits of PCM come in three or in four."""
    if encoding == "float":
        return {32: (4,), 64: (8,)}.get(bits, ())
    if encoding != "pcm":
        return (1,) if bits == 8 else ()
    if not 1 <= bits <= 64:
        return ()
    width = ceil_div(bits, 8)
    return (3, 4) if width == 3 else (width,)


def _part(chunk, form, size):
    """Where the frames of a data chunk begin, and how many they are; of an open one, an unfinished last is left out."""
    frame = form.channels * form.width
    if chunk.start + chunk.length > size:
        raise _cut_short(chunk, size)
    if chunk.length % frame and not chunk.is_open:
        raise _no_wav(size, f"their data chunk has {chunk.length} bytes, no whole number of frames of {frame}")
    return chunk.start, chunk.length // frame
