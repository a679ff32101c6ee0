"""Where a captioner looked for each of its words."""

import numpy as np

from ...data.texts.tokenizer import BOS
from ...mapping import EncoderDecoder

__all__ = ["words_and_maps"]


def words_and_maps(captioner, tokens, image, ids):
    """The words of one caption and where the model looked for each.

    Parameters
    ----------
    captioner : Captioner or EncoderDecoder
    tokens : WordTokenizer
    image : array (3, H, W)
    ids : list of int
        A caption without <bos> and <eos>.

    Returns
    -------
    words : list of T str
    maps : array (T, h, w), or None
        Mean over heads; None for a fusion that does not choose among regions.
    """
    shown = np.array([[BOS, *ids[:-1]]])
    if isinstance(captioner, EncoderDecoder):
        encoder, maps = captioner.encoder, captioner.decoder.looks(captioner.eval().encode(image[None]), shown)[0]
    else:
        encoder, maps = captioner.image_encoder, _over_regions(captioner.eval()(image[None], shown)[1])
    if maps is not None:
        maps = maps.reshape(len(ids), *encoder.grid)                     # (T, h, w)
    return [tokens.words[i] for i in ids], maps


def _over_regions(weights):
    """What share of its look each word gives to each region, (T, N), of what the fusion of a caption has to show."""
    if isinstance(weights, tuple):                                       # a Look; or α and β of a co-attention
        weights = weights[0]
    if weights is None:
        return None
    found = weights.data[0]
    found = found.mean(0) if found.ndim == 3 else found                  # over heads
    return found / found.sum(-1, keepdims=True)                          # words may look at words too
