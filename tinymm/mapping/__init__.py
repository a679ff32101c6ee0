"""One modality to another."""

from . import contrastive, decoding, reinforcement, rewards, scheduled_sampling, zero_shot
from .captioner import Captioner, caption_loss, hide_words
from .contrastive import *
from .ctc_decoding import collapse, ctc_beam_search, ctc_greedy
from .ctc_prefix import ctc_next_label, mixed
from .decoding import *
from .encoder_decoder import EncoderDecoder, next_word, next_word_of, sequence_loss
from .fusion_decoder import CaptionState, FusionDecoder
from .reinforcement import *
from .rewards import *
from .scheduled_sampling import *
from .text_decoder import TextDecoder, TextState
from .towers import Tower, Towers
from .zero_shot import *

__all__ = [
    "CaptionState", "Captioner", "EncoderDecoder", "FusionDecoder", "TextDecoder", "TextState", "Tower", "Towers",
    "caption_loss", "collapse", "ctc_beam_search", "ctc_greedy", "ctc_next_label", "hide_words", "mixed", "next_word",
    "next_word_of", "sequence_loss", *contrastive.__all__, *decoding.__all__, *reinforcement.__all__,
    *rewards.__all__, *scheduled_sampling.__all__, *zero_shot.__all__,
]
