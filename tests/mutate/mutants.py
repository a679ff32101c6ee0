"""All mutants of a function: its own text with one rewrite spliced in, so that a diff shows one changed line."""

import ast
import difflib
from dataclasses import dataclass

from .rewrites import rewrites_of

__all__ = ["Mutant", "mutants_of"]


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes
    ----------
    target : Target
    what : str
        What was done, in words.
    source : str
        The text of the changed function.
    """

    target: object
    what: str
    source: str

    @property
    def diff(self):
        """A unified diff of the file."""
        whole = self.target.path.read_text("utf-8").splitlines()
        start, indent = self.target.line - 1, " " * self.target.indent
        after = whole[:start] + [indent + line if line else line for line in self.source.splitlines()] \
            + whole[start + len(self.target.source.splitlines()):]
        name = self.target.path.name
        return "\n".join(difflib.unified_diff(whole, after, name, f"{name}: {self.what}", n=1, lineterm=""))

    @property
    def line(self):
        """The changed line as it now reads; comments and the space around it taken off."""
        before, after = self.target.source.splitlines(), self.source.splitlines()
        blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        lines = [line for tag, _, _, a, b in blocks if tag != "equal" for line in after[a:b]]
        return " ".join(line.split("  #")[0].strip() for line in lines)


def mutants_of(target):
    """Every mutant of a target, no two the same."""
    tree = ast.parse(target.source)
    function = tree.body[0]
    parameters = parameters_of(function.args)
    seen = {ast.dump(tree)}
    for node in [*nodes_of(function.body), *numbers_among(function.args)]:
        for what, replacement in rewrites_of(node, parameters):
            source, dump = spliced(target.source, node, replacement)
            if dump not in seen:
                seen.add(dump)
                yield Mutant(target, what, source)


def parameters_of(args):
    """Name -> node of the default, or None, of each parameter but `self`."""
    named = [*args.posonlyargs, *args.args]
    defaults = [*[None] * (len(named) - len(args.defaults)), *args.defaults, *args.kw_defaults]
    return {a.arg: default for a, default in zip([*named, *args.kwonlyargs], defaults) if a.arg != "self"}


def numbers_among(args):
    """The defaults that are numbers or truth values."""
    return [node for node in (*args.defaults, *args.kw_defaults)
            if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float))]


def nodes_of(body):
    """The nodes that carry mathematics: no docstrings, no errors and what leads to them, no signatures."""
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) \
                or isinstance(node, (ast.Raise, ast.JoinedStr)):
            continue
        if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
            yield from nodes_of(node.orelse)
            continue
        yield node
        inner = node.body if isinstance(node, ast.FunctionDef) else [node.body] if isinstance(node, ast.Lambda) \
            else ast.iter_child_nodes(node)
        yield from nodes_of(inner)


def spliced(source, node, replacement):
    """(text, dump of its tree) with the replacement where the node stood;
    in parentheses where the grammar wants them."""
    lines = source.encode().splitlines(keepends=True)  # columns are counted in bytes
    start = sum(map(len, lines[:node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[:node.end_lineno - 1])) + node.end_col_offset
    before, old, after = (part.decode()
                          for part in (b"".join(lines)[:start], b"".join(lines)[start:end], b"".join(lines)[end:]))
    if replacement is None:
        text = f"{before}pass # {' '.join(old.split())}{after}"
        return text, ast.dump(ast.parse(text))
    head = {ast.If: "test", ast.While: "test", ast.For: "iter"}.get(type(node))
    if head:  # all the rest stays as it is
        return spliced(source, getattr(node, head), getattr(replacement, head))
    new = ast.unparse(ast.fix_missing_locations(replacement))
    if isinstance(node, (ast.Slice, ast.stmt)):
        text = before + new + after
        return text, ast.dump(ast.parse(text))
    grouped = f"{before}({new}){after}"
    dump = ast.dump(ast.parse(grouped))
    plain = before + new + after
    try:
        return (plain if ast.dump(ast.parse(plain)) == dump else grouped), dump
    except SyntaxError:
        return grouped, dump
