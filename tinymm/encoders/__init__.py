"""Each modality to features: `encoder(x, mask=None)` → `Encoded`, a sequence (B, N, D), a pooled vector, the mask."""

from .audio import AudioRecurrent, AudioTransformer, ConvSubsampling
from .encoded import Encoded
from .image import (
    ConvEncoder, ConvHistogramEncoder, FiLMConvEncoder, PatchEmbedding, ResidualColourEncoder, ResidualEncoder,
    VisionTransformer,
)
from .over_time import max_over_time, mean_over_time
from .text import BagOfWords, CausalLSTM, CausalTransformer, TextCNN, TextRNN, TextTransformer
from .video import VideoAttention, VideoConv3d, VideoRecurrent, VideoRegions
from .whisper import WhisperEncoder, WhisperFront

__all__ = [
    "AudioRecurrent", "AudioTransformer", "BagOfWords", "CausalLSTM", "CausalTransformer", "ConvEncoder",
    "ConvHistogramEncoder", "ConvSubsampling", "Encoded", "FiLMConvEncoder", "PatchEmbedding", "ResidualColourEncoder",
    "ResidualEncoder", "TextCNN", "TextRNN", "TextTransformer", "VideoAttention", "VideoConv3d", "VideoRecurrent",
    "VideoRegions", "VisionTransformer", "WhisperEncoder", "WhisperFront", "max_over_time", "mean_over_time",
]
