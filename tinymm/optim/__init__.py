"""Optimisers and learning-rate schedules, under the names and with the formulas of torch.optim."""

from .adam import Adam, AdamW
from .clip import clip_grad_norm_, clip_grad_value_
from .layerwise import layerwise_groups
from .optimizer import Optimizer
from .schedules import CosineAnnealingLR, LambdaLR, LinearWarmup, OneCycleLR, WarmupCosine
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "CosineAnnealingLR", "LambdaLR", "LinearWarmup", "OneCycleLR", "Optimizer",
           "WarmupCosine", "clip_grad_norm_", "clip_grad_value_", "layerwise_groups"]
