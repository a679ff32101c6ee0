"""One modality to another."""

from .captioner import Captioner, caption_loss, hide_words, next_word
from .decoding import beam_search, filter_logits, greedy, sample

__all__ = ["Captioner", "beam_search", "caption_loss", "filter_logits", "greedy", "hide_words", "next_word", "sample"]
