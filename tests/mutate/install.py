"""Runs a mutant in place of the original: the function stays the same object, only its code and defaults are exchanged.

So whoever holds the function, the registry of ops, a fast caller or a module that has imported it by name, runs the
mutant. So do the functions that it has made before, such as those that a decorator has put around others.
"""

import ast
import gc
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType

__all__ = ["Changed", "compiled", "installed"]


@dataclass(frozen=True)
class Changed:
    """What a function gets.

    Attributes
    ----------
    code : code
    inner : tuple of code
        Those of the functions defined inside.
    defaults : dict of str to object
        New defaults of parameters.
    """

    code: object
    inner: tuple = ()
    defaults: dict = None


def compiled(mutant):
    """A mutant compiled from its text alone, in a class of the same name if it is a method."""
    target = mutant.target
    original = target.function.__code__
    tree = ast.parse(mutant.source)
    function = tree.body[0]
    keep_what_is_shared(function, [original, *inner_codes(original)])
    owner = target.qualname.rpartition(".")[0]
    if owner:
        tree.body = [ast.ClassDef(owner, [], [], [function], [])]
    filename = f"<mutant of {target.name}>"
    codes = inner_codes(compile(ast.fix_missing_locations(tree), filename, "exec"))
    code, *inner = codes[1:] if owner else codes
    return Changed(code, tuple(inner), new_defaults(target.source, mutant.source))


def inner_codes(code):
    """The codes of the functions and classes defined inside another, in the order of the text."""
    found = []
    for inner in (c for c in code.co_consts if isinstance(c, CodeType)):
        found += [inner] * (not inner.co_name.startswith("<")) + inner_codes(inner)
    return found


def keep_what_is_shared(function, originals):
    """Mention in each function whatever the original takes from outside: a code fits only where as much is given it."""
    defs = [node for node in ast.walk(function) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    for node in defs:
        shared = {name for code in originals if code.co_name == node.name for name in code.co_freevars}
        if shared and isinstance(node, ast.FunctionDef):
            names = ast.Tuple([ast.Name(name, ast.Load()) for name in sorted(shared)], ast.Load())
            node.body.append(ast.If(ast.Constant(False), [ast.Expr(names)], []))


def new_defaults(before, after):
    """Name -> value of the defaults that differ; the others stay the objects that they are."""
    first, second = (ast.parse(text).body[0].args for text in (before, after))
    named = [a.arg for a in (*second.posonlyargs, *second.args)]
    names = [*named[len(named) - len(second.defaults):], *(a.arg for a in second.kwonlyargs)]
    pairs = zip([*first.defaults, *first.kw_defaults], [*second.defaults, *second.kw_defaults])
    return {name: ast.literal_eval(b) for name, (a, b) in zip(names, pairs)
            if b is not None and ast.dump(a) != ast.dump(b)}


@contextmanager
def installed(target, changed):
    """Inside the block, the function of a target runs this code; a cache around it forgets what other code has
    computed."""
    function, forget = target.function, getattr(target.found, "cache_clear", lambda: None)
    record = getattr(target.found, "op", None)
    before = function.__code__, function.__defaults__, function.__kwdefaults__, record and record.defaults
    made = functions_made(function.__code__, changed.inner)
    for f, _, code in [(function, None, changed.code), *made]:
        f.__code__ = code
    set_defaults(function, record, changed.defaults or {})
    forget()
    try:
        yield
    finally:
        for f, code, _ in made:
            f.__code__ = code
        function.__code__, function.__defaults__, function.__kwdefaults__ = before[:3]
        if record is not None:
            record.defaults = before[3]
        forget()


def functions_made(original, inner):
    """(function, its code, code of the mutant) of the functions that there are already of those defined inside."""
    codes = inner_codes(original)
    if [code.co_name for code in codes] != [code.co_name for code in inner]:
        return []
    changed = {id(a): b for a, b in zip(codes, inner) if a != b and a.co_freevars == b.co_freevars}
    return [(f, f.__code__, changed[id(f.__code__)]) for f in changed and gc.get_objects()
            if type(f) is FunctionType and id(f.__code__) in changed]


def set_defaults(function, record, new):
    """Give a function, and the op that is made of it, other defaults."""
    names = function.__code__.co_varnames[:function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    function.__defaults__ = tuple(new.get(name, value) for name, value in
                                  zip(names[len(names) - len(defaults):], defaults)) or None
    function.__kwdefaults__ = {**(function.__kwdefaults__ or {}),
                               **{k: v for k, v in new.items() if k in (function.__kwdefaults__ or {})}} or None
    if record is not None:
        record.defaults = [new.get(name, value) for name, value in zip(record.names, record.defaults)]
