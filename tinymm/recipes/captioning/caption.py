"""Caption a picture of your own with a trained captioner, and save where it looked.

The picture is scaled to the size the captioner was trained on.
"""

from pathlib import Path

import numpy as np

from ...data import read_image
from ...viz import Report
from . import _decoding, add_decoding_arguments
from .model import decode, load, words_and_maps

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of `tinymm caption`."""
    parser.add_argument("image", metavar="IMAGE", help="a PNG, JPEG or other picture")
    parser.add_argument("--checkpoint", required=True, metavar="FILE", help="checkpoint.npz of `tinymm run captioning`")
    parser.add_argument("--out", metavar="FILE",
                        help="the attention map, a web page (default: IMAGE-attention.html here)")
    parser.add_argument("--seed", type=int, default=0, help="for --decode sample (default: 0)")
    add_decoding_arguments(parser)


def run(image, checkpoint, out=None, seed=0, **decoding):
    """Print the caption of an image file and write the attention map.

    Returns
    -------
    str
        The caption.
    """
    decoding = _decoding(**decoding)
    captioner, tokenizer, config = load(checkpoint)
    pixels = read_image(image, (config.size, config.size))
    ids, = decode(captioner, pixels[None], decoding, np.random.default_rng(seed))
    text = tokenizer.decode(ids)
    report = Report(text or "(no words)", f"{Path(image).name}, captioned by {checkpoint}")
    if ids:
        words, maps = words_and_maps(captioner, tokenizer, pixels, ids)
        report.attention(pixels, words, maps, caption="Attention over the image for each word, mean over heads.")
    out = Path(out) if out else Path(f"{Path(image).stem}-attention.html")
    report.save(out)
    print(text)
    print(f"attention map: {out}")
    return text
