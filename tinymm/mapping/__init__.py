"""One modality to another."""

from .captioner import Captioner, CaptionState, caption_loss, hide_words, next_word
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .decoding import Decoded, beam_search, drawing, filter_logits, greedy, likeliest, roll_out, sample

__all__ = [
    "CaptionState", "Captioner", "Decoded", "beam_search", "caption_loss", "collapse", "ctc_beam_search", "ctc_greedy",
    "drawing", "filter_logits", "greedy", "hide_words", "likeliest", "next_word", "roll_out", "sample",
]
