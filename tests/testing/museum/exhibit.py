"""A museum of wrong gradients: mistakes that were made, by students and by libraries, each with the check that sees it.

An exhibit is a class. Its docstring is the mistake; `forward` with `right` is an op, `forward` with `wrong` is the
exhibit. `rung` is the lowest rung of the ladder that catches it, and `blind` a popular check that does not: on the
inputs that `harmless` gives, where the mistake has no effect, or with `used_naively` in place of `used`, or because of
what that check itself is like.
"""

from .blind import differences


class Exhibit:
    """What exhibits have in common; `museum` lists them as the halls are opened."""

    museum = []
    rung, blind = "differences", differences
    composite = wrong_composite = None
    inputs = harmless = None
    used = used_naively = staticmethod(lambda op: op)

    def __init_subclass__(cls):
        cls.harmless = cls.harmless or cls.inputs
        Exhibit.museum.append(cls)
