"""Contrastive mapping (3.2.3): two encoders whose outputs for a pair are near, and far for everything else."""

from .losses import info_nce, info_nce_any, info_nce_one_way, sigmoid_loss, similarities, unit
from .positives import same
from .temperature import SigmoidScale, Temperature

__all__ = [
    "SigmoidScale", "Temperature", "info_nce", "info_nce_any", "info_nce_one_way", "same", "sigmoid_loss",
    "similarities", "unit",
]
