"""Inline code that names something documented becomes a link: `F.softmax`, `tm.grad()`, `tinymm.data.read_mnist`."""

import importlib
import inspect
import re

from docutils import nodes
from generate_api import documented
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

ALIASES = {"tm": "tinymm", "F": "tinymm.functional", "nn": "tinymm.nn"}
NAME = re.compile(r"(?P<name>(?:tinymm|tm|F|nn)(?:\.[A-Za-z_]\w*)+)(?:\((?:[^()]|\([^()]*\))*\))?")  # perhaps called


class LinkCode(SphinxTransform):
    """Every literal that looks like a name of the library refers to its entry; Sphinx warns where there is none."""

    default_priority = 400

    def apply(self, **options):
        for literal in list(self.document.findall(nodes.literal)):
            match = NAME.fullmatch(literal.astext())
            if match is None or isinstance(literal.parent, (nodes.reference, pending_xref)):
                continue
            literal["classes"] += ["xref", "py", "py-obj"]
            target = entry(match["name"])
            link = pending_xref("", refdomain="py", reftype="obj", reftarget=target, refdoc=self.env.docname,
                                refwarn=True, refexplicit=True)
            link.source, link.line = literal.source, literal.line
            literal.replace_self(link)
            link += literal


def entry(name):
    """The entry that a dotted name means: the name in full where it is documented, else the one of the same object."""
    head, _, rest = name.partition(".")
    full = f"{ALIASES.get(head, head)}.{rest}"
    names = documented()
    if full in names:
        return full
    known = {id(thing): place for place, thing in names.items() if callable(thing)}
    try:
        owner, thing = _walk(full)
    except (ImportError, AttributeError):
        return full
    if id(thing) in known:
        return known[id(thing)]
    member = full.rpartition(".")[2]
    for kind in inspect.getmro(owner) if inspect.isclass(owner) else ():
        if member in vars(kind) and id(kind) in known:
            return f"{known[id(kind)]}.{member}"
    return full


def _walk(full):
    """What a full name means, and what it is an attribute of."""
    owner, thing = None, importlib.import_module("tinymm")
    place = "tinymm"
    for part in full.split(".")[1:]:
        place = f"{place}.{part}"
        if not hasattr(thing, part):
            importlib.import_module(place)
        owner, thing = thing, getattr(thing, part)
    return owner, thing
