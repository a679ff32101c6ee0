"""Instruments that show whether a gradient is right."""

from .gradcheck import GradientError, gradcheck, gradgradcheck
from .specification import SPECS, Spec, spec

__all__ = ["SPECS", "GradientError", "Spec", "gradcheck", "gradgradcheck", "spec"]
