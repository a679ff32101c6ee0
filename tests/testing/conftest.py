"""Ops made for one test, right and wrong."""

import pytest

import tinymm as tm
import tinymm.testing.specs  # noqa: F401  (imported only once: its rows must be among those that stay)


@pytest.fixture
def make_op():
    """make_op(forward, vjp, composite=None): an op that is forgotten after the test."""
    registry, specs = dict(tm.autograd.registry), dict(tm.testing.SPECS)

    def make(forward, vjp, composite=None):
        forward.__name__ = f"made_{len(tm.autograd.registry)}"
        made = tm.op(forward)
        made.vjp(vjp)
        if composite is not None:
            made.composite(composite)
        return made

    yield make
    for table, before in ((tm.autograd.registry, registry), (tm.testing.SPECS, specs)):
        table.clear()
        table.update(before)
