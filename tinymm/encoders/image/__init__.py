"""Images to feature sequences.

Each encoder turns images (B, C, H, W) into `Encoded`: a feature sequence (B, N, D), one feature per place of a grid
h × w = N, and a pooled vector (B, P). `grid`, `width` and `pooled_width` say h × w, D and P. A mask (B, N) lies over
this grid, row by row. It is applied after the last norm: features of hidden regions are zero, but the network has seen
the whole image.
"""

from .convolutional import ConvEncoder, grid_positions
from .histograms import ConvHistogramEncoder
from .modulated import FiLMConvEncoder
from .residual import ResidualBlock, ResidualEncoder
from .residual_colour import ResidualColourEncoder
from .vision_transformer import PatchEmbedding, VisionTransformer, patches

__all__ = ["ConvEncoder", "ConvHistogramEncoder", "FiLMConvEncoder", "PatchEmbedding", "ResidualBlock",
           "ResidualColourEncoder", "ResidualEncoder", "VisionTransformer", "grid_positions", "patches"]
