"""Each modality to a feature sequence (B, N, D)."""

from .audio import AudioRecurrent, AudioTransformer, ConvSubsampling
from .image import ConvEncoder, PatchEmbedding, ResidualEncoder, VisionTransformer
from .over_time import max_over_time, mean_over_time
from .text import BagOfWords, CausalLSTM, CausalTransformer, TextCNN, TextRNN, TextTransformer
from .video import VideoAttention, VideoConv3d, VideoRecurrent

__all__ = [
    "AudioRecurrent", "AudioTransformer", "BagOfWords", "CausalLSTM", "CausalTransformer", "ConvEncoder",
    "ConvSubsampling", "PatchEmbedding", "ResidualEncoder", "TextCNN", "TextRNN", "TextTransformer", "VideoAttention",
    "VideoConv3d", "VideoRecurrent", "VisionTransformer", "max_over_time", "mean_over_time",
]
