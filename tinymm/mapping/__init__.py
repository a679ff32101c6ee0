"""One modality to another."""

from . import decoding
from .captioner import Captioner, caption_loss, hide_words
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import *
from .encoder_decoder import EncoderDecoder, next_word, next_word_of, sequence_loss
from .fusion_decoder import CaptionState, FusionDecoder
from .scheduled_sampling import (
    inverse_sigmoid_decay, linear_decay, scheduled_words, scheduled_words_at_once,
)
from .text_decoder import TextDecoder, TextState

__all__ = [
    "CaptionState", "Captioner", "EncoderDecoder", "FusionDecoder", "TextDecoder", "TextState", "caption_loss",
    "collapse", "ctc_beam_search", "ctc_greedy", "hide_words", "inverse_sigmoid_decay", "linear_decay", "next_word",
    "next_word_of", "scheduled_words", "scheduled_words_at_once", "sequence_loss",
    *decoding.__all__,
]
