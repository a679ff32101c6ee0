"""One modality to another."""

from . import (
    captioner, contrastive, ctc_decoding, ctc_prefix, decoding, encoder_decoder, flow, flow_painter, fusion_decoder,
    gaussian_flow, picture_scale, reinforcement, rewards, scheduled_sampling, text_decoder, token_painter, towers, unet,
    vq, zero_shot,
)
from .captioner import *
from .contrastive import *
from .ctc_decoding import *
from .ctc_prefix import *
from .decoding import *
from .encoder_decoder import *
from .flow import *
from .flow_painter import *
from .fusion_decoder import *
from .gaussian_flow import *
from .picture_scale import *
from .reinforcement import *
from .rewards import *
from .scheduled_sampling import *
from .text_decoder import *
from .token_painter import *
from .towers import *
from .unet import *
from .vq import *
from .zero_shot import *

__all__ = [
    *captioner.__all__, *contrastive.__all__, *ctc_decoding.__all__, *ctc_prefix.__all__, *decoding.__all__,
    *encoder_decoder.__all__, *flow.__all__, *flow_painter.__all__, *fusion_decoder.__all__, *gaussian_flow.__all__,
    *picture_scale.__all__, *reinforcement.__all__, *rewards.__all__, *scheduled_sampling.__all__,
    *text_decoder.__all__, *token_painter.__all__, *towers.__all__, *unet.__all__, *vq.__all__, *zero_shot.__all__,
]
