"""One modality to another."""

from . import contrastive, zero_shot
from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .contrastive import *
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import beam_search, filter_logits, greedy, sample
from .towers import Tower, Towers
from .zero_shot import *

__all__ = [
    "CaptionState", "Captioner", "Tower", "Towers", "beam_search", "caption_loss", "collapse", "ctc_beam_search",
    "ctc_greedy", "filter_logits", "greedy", "hide_words", "next_word", "sample", *contrastive.__all__,
    *zero_shot.__all__,
]
