"""One modality to another."""

from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import beam_search, filter_logits, greedy, sample
from .flow import between, euler, flow_loss, guided, noise_levels, random_levels, shifted
from .flow_painter import FlowPainter, paint, painter_loss
from .gaussian_flow import GaussianMixtureFlow
from .picture_scale import PictureScale
from .token_painter import TokenPainter, next_code, paint_tokens, token_loss
from .unet import ModulatedBlock, UNet, WordLayer
from .vq import Codebook, PictureCodec, codec_loss, nearest_codes, perplexity

__all__ = [
    "CaptionState", "Captioner", "Codebook", "FlowPainter", "GaussianMixtureFlow", "ModulatedBlock", "PictureCodec",
    "PictureScale", "TokenPainter", "UNet", "WordLayer", "beam_search", "between", "caption_loss", "codec_loss",
    "collapse", "ctc_beam_search", "ctc_greedy", "euler", "filter_logits", "flow_loss", "greedy", "guided",
    "hide_words", "nearest_codes", "next_code", "next_word", "noise_levels", "paint", "paint_tokens",
    "painter_loss", "perplexity", "random_levels", "sample", "shifted", "token_loss",
]
