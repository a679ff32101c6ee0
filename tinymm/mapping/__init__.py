"""One modality to another."""

from . import (
    captioner, contrastive, ctc_decoding, ctc_prefix, decoding, encoder_decoder, fusion_decoder, painting,
    reinforcement, rewards, scheduled_sampling, text_decoder,
)
from .captioner import *
from .contrastive import *
from .ctc_decoding import *
from .ctc_prefix import *
from .decoding import *
from .encoder_decoder import *
from .fusion_decoder import *
from .painting import *
from .reinforcement import *
from .rewards import *
from .scheduled_sampling import *
from .text_decoder import *

__all__ = [
    *captioner.__all__, *contrastive.__all__, *ctc_decoding.__all__, *ctc_prefix.__all__, *decoding.__all__,
    *encoder_decoder.__all__, *fusion_decoder.__all__, *painting.__all__, *reinforcement.__all__, *rewards.__all__,
    *scheduled_sampling.__all__, *text_decoder.__all__,
]
