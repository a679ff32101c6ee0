"""One modality to another."""

from . import contrastive
from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .contrastive import *
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import beam_search, filter_logits, greedy, sample

__all__ = [
    "CaptionState", "Captioner", "beam_search", "caption_loss", "collapse", "ctc_beam_search", "ctc_greedy",
    "filter_logits", "greedy", "hide_words", "next_word", "sample", *contrastive.__all__,
]
