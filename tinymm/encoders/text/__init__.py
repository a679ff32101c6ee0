"""Text to feature sequences.

All but the causal ones are built alike: `embed` turns tokens (B, T) into vectors (B, T, E); `read` turns the vectors
into `Encoded`, a feature sequence (B, T, D) and a pooled vector (B, P), and can be differentiated by the vectors;
calling the encoder does both. A mask (B, T) says which tokens are real: what stands under padding changes nothing, and
features there are zero.
"""

from .bag import BagOfWords
from .causal import CausalLSTM, CausalTransformer
from .convolutional import TextCNN
from .recurrent import TextRNN
from .transformer import TextTransformer

__all__ = ["BagOfWords", "CausalLSTM", "CausalTransformer", "TextCNN", "TextRNN", "TextTransformer"]
