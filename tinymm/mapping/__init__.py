"""One modality to another."""

from . import decoding
from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import *

__all__ = [
    "CaptionState", "Captioner", "caption_loss", "collapse", "ctc_beam_search", "ctc_greedy", "hide_words", "next_word",
    *decoding.__all__,
]
