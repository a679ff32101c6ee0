"""Reading one picture, of the formats named in `FORMATS`: upright, as RGB on white, at a size of choice."""

import io
import os
import threading
import warnings
from contextlib import contextmanager

import numpy as np

from ...extras import need
from ..files import file_error, one_line, open_file

__all__ = ["FORMATS", "MOST_PIXELS", "SUFFIXES", "decoding", "on_white", "open_image", "read_image", "resized"]

# What pillow may be asked to read. It knows some that start another program, such as EPS, whatever the suffix says.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
LARGEST = 1 << 28               # bytes of a file
LARGEST_PLAIN = 1 << 22         # bytes of a PPM whose numbers are written out in digits: pillow takes a second for them
MOST_READS = 200_000            # of a file; pillow reads some headers byte by byte, and text chunks one by one
MOST_PIXELS = 1 << 26           # 67 million
LONGEST_SIDE = (1 << 16) - 1    # the most that a JPEG can have

ORIENTATION = 0x0112            # the EXIF tag, and what undoes each of its values
UPRIGHT = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
           7: "TRANSVERSE", 8: "ROTATE_90"}
TIFF_BITS, TIFF_ZERO_IS = 258, 262  # tags: bits of a sample; whether its zero is white (0) or black (1)

_silence = threading.Lock()  # the filters of warnings belong to all threads: one at a time may change them


def open_image(path):
    """Decode a picture file to RGB, upright as its orientation tag says; transparent pixels show white.

    Of several pictures in a file it is the first. 16 bits of grey keep their upper 8.

    Parameters
    ----------
    path : path
        BMP, GIF, JPEG, PNG, PPM, TIFF or WebP, recognised by content.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        Naming the file: it is missing, of another format, cannot be decoded, has more than 67 million pixels or a
        side above 65,535, or is in very many pieces; its numbers do not tell which is white, as whole ones of 32 bits,
        or floating ones outside [0, 1].
    """
    pil = need("PIL.Image", extra="media", feature="read images")
    with decoding(path) as (picture, file):
        picture.load()
        turn = _turn(picture)
        picture = on_white(_of_eight_bits(pil, picture, file))
        return picture.transpose(pil.Transpose[turn]) if turn else picture


@contextmanager
def decoding(path, formats=FORMATS):
    """Open a picture file to decode it: ``with decoding(path) as (picture, file): picture.load()``.

    The picture is that of pillow; whatever is wrong with it, found inside the block too, is a ValueError that names the
    file.
    """
    pil = need("PIL.Image", extra="media", feature="read images")
    with _Patient(open_file(path, LARGEST).detach()) as file:
        try:
            _check_plain(file)
            with _silence, warnings.catch_warnings():
                warnings.simplefilter("ignore")     # such as of a damaged date; what matters is checked here
                picture = pil.open(file, formats=formats)
                _check_size(*picture.size)          # before any pixel is decoded
                yield picture, file
                return
        except pil.UnidentifiedImageError:
            problem = f"it is none of {', '.join(formats)}"
        except Exception as error:  # every decoder fails in its own way on a damaged file
            problem = one_line(error) or type(error).__name__
    raise file_error(path, f"must be an image that can be decoded; {problem}")


class _Patient(io.BufferedReader):
    """A file that may be read so often: a header made of very many pieces would take minutes."""

    reads = 0

    def read(self, size=-1):
        self.reads += 1
        if self.reads > MOST_READS:
            raise ValueError("it is in too many pieces")
        return super().read(size)


def _check_plain(file):
    is_plain = file.peek(2)[:2] in (b"P1", b"P2", b"P3")
    if is_plain and os.fstat(file.fileno()).st_size > LARGEST_PLAIN:
        raise ValueError(f"a plain PPM, in digits, must have at most {LARGEST_PLAIN:,} bytes")


def _check_size(width, height):
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise ValueError(f"it must have at most {MOST_PIXELS:,} pixels and {LONGEST_SIDE:,} a side; "
                         f"got {width:,} × {height:,}")


def _turn(picture):
    """Which turn shows the picture as viewers do, or None. pillow turns a TIFF itself, and then no longer tells."""
    try:
        return UPRIGHT.get(picture.getexif().get(ORIENTATION))
    except Exception:  # a damaged tag, which viewers pass over
        return None


def _of_eight_bits(pil, picture, file):
    """The picture in a mode of 8 bits a channel, its transparent colour in the same numbers."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        return pil.fromarray(_grey(picture))
    clear = picture.info.get("transparency")
    if picture.format == "PNG" and picture.mode in ("L", "RGB") and clear is not None:
        file.seek(24)  # of the file's header: bits of a sample
        bits = file.read(1)[0]
        if bits == 16:
            raise ValueError("16 bits a channel with one transparent colour cannot be read without loss")
        if bits < 8:
            picture.info["transparency"] = clear * 255 // (2**bits - 1)
    return picture


def _grey(picture):
    """uint8 (H, W), the pixels of a picture of one channel of more than 8 bits."""
    values = np.asarray(picture)
    tags = getattr(picture, "tag_v2", {})
    if picture.mode == "F":
        low, high = values.min(), values.max()
        if not (low >= 0 and high <= 1):  # NaN neither
            raise ValueError(f"floating-point pixels must lie between 0, black, and 1, white; got {low:g} to {high:g}")
        grey = values * 255
        grey += 0.5
        grey = grey.astype(np.uint8)
    elif picture.mode == "I" and picture.format == "TIFF":
        raise ValueError("whole numbers of 32 bits, or signed ones, do not tell which of them is white: "
                         "save it with 8 or 16 bits")
    else:
        grey = (values >> tags.get(TIFF_BITS, (16,))[0] - 8).astype(np.uint8)
    if tags.get(TIFF_ZERO_IS) == 0:
        grey = 255 - grey
    if "transparency" in picture.info:
        grey[values == picture.info["transparency"]] = 255
    return grey


def on_white(picture):
    """The picture as RGB, laid upon white where it is transparent."""
    pil = need("PIL.Image", extra="media", feature="read images")
    if picture.has_transparency_data:
        picture = picture.convert("LA") if picture.mode == "La" else picture
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        picture = pil.alpha_composite(pil.new("RGBA", picture.size, "white"), picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def resized(picture, size):
    """Scale a picture to (H, W) bilinearly with antialiasing, without keeping its proportions."""
    pil = need("PIL.Image", extra="media", feature="read images")
    return picture.resize((size[1], size[0]), pil.Resampling.BILINEAR)


def read_image(path, size):
    """A picture file as float32 (3, H, W) in [0, 1].

    Parameters
    ----------
    path : path
    size : (int, int)
        H and W, to which the picture is scaled.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        As `open_image`.
    """
    pixels = np.asarray(resized(open_image(path), size))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / 255
