"""Reading one picture, of any format and mode that pillow knows: as RGB on white, at a size of choice."""

import numpy as np

from ...extras import need

__all__ = ["open_image", "read_image", "resized"]


def open_image(path):
    """Decode a picture file to RGB; transparent pixels show white.

    Parameters
    ----------
    path : path

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        Naming the file, if it is missing or cannot be decoded.
    """
    pil = need("PIL.Image", extra="media", feature="read images")
    try:
        with pil.open(path) as picture:
            picture.load()
    except Exception as error:  # every decoder fails in its own way on a damaged file
        raise ValueError(f"{path}: must be an image that can be decoded; {error}") from error
    if picture.mode.startswith("I"):  # 16 bits of grey: keep the upper 8, where convert() would clip to 255
        picture = pil.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        white = pil.new("RGBA", picture.size, "white")
        picture = pil.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


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
