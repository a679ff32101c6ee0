"""One modality to another."""

from . import contrastive, reinforcement, rewards, zero_shot
from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .contrastive import *
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import Decoded, beam_search, drawing, filter_logits, greedy, likeliest, roll_out, sample
from .reinforcement import *
from .rewards import *
from .zero_shot import *

__all__ = [
    "CaptionState", "Captioner", "Decoded", "beam_search", "caption_loss", "collapse", "ctc_beam_search", "ctc_greedy",
    "drawing", "filter_logits", "greedy", "hide_words", "likeliest", "next_word", "roll_out", "sample",
    *contrastive.__all__, *reinforcement.__all__, *rewards.__all__, *zero_shot.__all__,
]
