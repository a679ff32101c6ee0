"""Checks of gradients, a ladder of them: from finite differences to the memory that a VJP hands out.

`tinymm.testing.strategies` and the spec rows of the library's own ops, `tinymm.testing.specs`, need
hypothesis (extra `test`).
"""

from .derivatives import hessian, hvp, jacobian, jvp, vjp
from .differences import Kink, find_kinks
from .directional import check_directional, check_taylor
from .failure import Agreement, GradientError, KinkError, NotApplicable
from .gradcheck import check_complex_step, gradcheck, gradgradcheck
from .ladder import LadderResult, Outcome, check_op, run_ladder
from .layouts import check_float32, check_layouts
from .rungs import RUNGS
from .specification import SPECS, Spec, spec
from .structure import check_structure

__all__ = ["Agreement", "GradientError", "Kink", "KinkError", "LadderResult", "NotApplicable", "Outcome", "RUNGS",
           "SPECS", "Spec", "check_complex_step", "check_directional", "check_float32", "check_layouts", "check_op",
           "check_structure", "check_taylor", "find_kinks", "gradcheck", "gradgradcheck", "hessian", "hvp", "jacobian",
           "jvp", "run_ladder", "spec", "vjp"]
