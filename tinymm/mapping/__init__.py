"""One modality to another."""

from . import decoding
from .captioner import Captioner, caption_loss, hide_words
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .ctc_prefix import ctc_next_label, mixed
from .decoding import *
from .encoder_decoder import EncoderDecoder, next_word, next_word_of, scheduled_words, sequence_loss
from .fusion_decoder import CaptionState, FusionDecoder
from .text_decoder import TextDecoder, TextState

__all__ = [
    "CaptionState", "Captioner", "EncoderDecoder", "FusionDecoder", "TextDecoder", "TextState", "caption_loss",
    "collapse", "ctc_beam_search", "ctc_greedy", "ctc_next_label", "hide_words", "mixed", "next_word", "next_word_of",
    "scheduled_words", "sequence_loss", *decoding.__all__,
]
