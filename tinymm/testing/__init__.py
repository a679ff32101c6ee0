"""Instruments that show whether a gradient is right."""

from .differences import find_kinks
from .failure import GradientError
from .gradcheck import check_complex_step, gradcheck, gradgradcheck
from .specification import SPECS, Spec, spec

__all__ = ["SPECS", "GradientError", "Spec", "gradcheck", "gradgradcheck", "spec"]
