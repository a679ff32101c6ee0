"""Text to image (2.3): a picture along a flow from noise (`flow_painter`), or in the codes of a VQ-VAE, one after the
other (`token_painter`)."""

from . import flow, flow_painter, gaussian_flow, picture_scale, sketch, token_painter, unet, vq
from .flow import *
from .flow_painter import *
from .gaussian_flow import *
from .picture_scale import *
from .sketch import *
from .token_painter import *
from .unet import *
from .vq import *

__all__ = [*flow.__all__, *flow_painter.__all__, *gaussian_flow.__all__, *picture_scale.__all__,
           *sketch.__all__, *token_painter.__all__, *unet.__all__, *vq.__all__]
