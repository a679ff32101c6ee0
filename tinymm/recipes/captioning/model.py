"""The recipe's captioner: built from a handful of numbers, so that a checkpoint can say how to build it again."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from ...cores.threads import parallel_for
from ...data import WordTokenizer
from ...data.texts.tokenizer import BOS, EOS
from ...encoders import CausalLSTM, CausalTransformer, ConvEncoder
from ...fusion import AttentionFusion
from ...mapping import Captioner, beam_search, greedy, next_word, sample
from ...training import load_checkpoint, load_weights

__all__ = ["Decoding", "ModelConfig", "build", "captions_of", "decode", "description", "load", "words_and_maps"]


@dataclass(frozen=True)
class ModelConfig:
    """What determines the shapes of all parameters."""

    size: int
    vocabulary: int
    widths: tuple
    width: int
    dropout: float
    context_dropout: float = 0.0
    text: str = "lstm"
    heads: int = 4


@dataclass(frozen=True)
class Decoding:
    """How words are chosen: `method` is greedy, beam or sample; the rest is for the last two."""

    method: str = "greedy"
    beam: int = 4
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    max_length: int = 30


def build(config, rng):
    """The captioner of a ModelConfig, its weights drawn from `rng`."""
    image = ConvEncoder(config.widths, config.size, brightness=True, rng=rng)
    encoder = {"lstm": CausalLSTM, "transformer": CausalTransformer}[config.text]
    text = encoder(config.vocabulary, config.width, context=image.pooled_width, dropout=config.dropout,
                   context_dropout=config.context_dropout, rng=rng)
    fusion = AttentionFusion(config.width, image.width, config.width, config.heads, rng=rng)
    return Captioner(image, text, fusion, config.vocabulary, config.dropout, rng=rng)


def description(config, tokenizer):
    """What a checkpoint says about its model, beside the weights."""
    return {"recipe": "captioning", "model": asdict(config), "tokenizer": tokenizer.to_json()}


def load(path):
    """(captioner in eval mode, tokenizer, ModelConfig) of a checkpoint.

    Raises
    ------
    ValueError
        If the file is damaged, or no checkpoint of this recipe.
    """
    about = load_checkpoint(path)[1].get("about", {})
    if about.get("recipe") != "captioning":
        raise ValueError(f"load: {path} is no checkpoint of `tinymm run captioning`")
    config = ModelConfig(**{**about["model"], "widths": tuple(map(tuple, about["model"]["widths"]))})
    captioner = build(config, np.random.default_rng(0))
    load_weights(path, captioner)
    return captioner.eval(), WordTokenizer.from_json(about["tokenizer"]), config


def captions_of(captioner, tokenizer, images, decoding=Decoding(), rng=None, batch=100):
    """Caption images (B, 3, H, W), in batches: list of str."""
    captioner.eval()
    starts = range(0, len(images), batch)

    def some(first, last):
        return [ids for start in starts[first:last]
                for ids in decode(captioner, images[start:start + batch], decoding, rng)]

    one_by_one = decoding.method == "sample"  # draws come from one Generator, in order
    shares = [some(0, len(starts))] if one_by_one else parallel_for(len(starts), some, work=math.inf)
    return [tokenizer.decode(ids) for share in shares for ids in share]


def decode(captioner, images, decoding, rng=None):
    """Captions as lists of word numbers."""
    step = next_word(captioner, images)
    common = (step, len(images), BOS, EOS, decoding.max_length)
    if decoding.method == "greedy":
        return greedy(*common)
    if decoding.method == "beam":
        return beam_search(*common, beam=decoding.beam)
    if rng is None:
        raise ValueError("decode: sampling needs a Generator; got none")
    return sample(*common, rng, decoding.temperature, decoding.top_k, decoding.top_p)


def words_and_maps(captioner, tokenizer, image, ids):
    """The words of one caption and where the model looked for each.

    Parameters
    ----------
    captioner : Captioner
    tokenizer : WordTokenizer
    image : array (3, H, W)
    ids : list of int
        A caption without <bos> and <eos>.

    Returns
    -------
    words : list of T str
    maps : array (T, h, w)
        Mean over heads; each sums to 1.
    """
    _, weights = captioner.eval()(image[None], np.array([[BOS, *ids[:-1]]]))
    maps = weights.data[0].mean(0).reshape(len(ids), *captioner.image_encoder.grid)  # (T, h, w)
    return [tokenizer.words[i] for i in ids], maps
