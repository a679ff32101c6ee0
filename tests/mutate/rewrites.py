"""How one node of a formula can be got wrong:
for a node of the syntax tree, what was done and the node to put in its place.

Each rewrite is a generator of `(what, node)`; `None` for the node removes the statement.
"""

import ast

__all__ = ["rewrites_of"]

NUMBERS = (bool, int, float)
INVERSE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
           ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
NEIGHBOURS = {ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
              ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
              ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,)}
PARTNERS = {"sin": "cos", "cosh": "sinh", "max": "min", "maximum": "minimum", "argmax": "argmin", "any": "all",
            "sum": "mean", "ones": "zeros", "ones_like": "zeros_like", "floor": "ceil", "logical_and": "logical_or"}
BARE_PARTNERS = {"max": "min", "min": "max", "any": "all", "all": "any"}  # Python's own
PARTNERS |= {b: a for a, b in PARTNERS.items()}
COMMUTES = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)
COMMUTATIVE = {"maximum", "minimum", "multiply", "add", "max", "min", "vecdot", "logical_and", "logical_or",
               "broadcast_shapes", "zip"}
# calls that change where numbers lie in memory, not the numbers
SAME_NUMBERS = {"ascontiguousarray", "asarray", "copy"}
AXES = {"axis", "axes", "dim", "dims"}
MODULES = {"np", "math", "scipy", "np.add", "scipy.sparse", "scipy.special"}


def rewrites_of(node, parameters):
    """Every `(what, replacement)` for one node, in a function of these parameters: a mapping of name to the node of the
    default, None without one."""
    for rewrite in REWRITES.get(type(node), ()):
        yield from rewrite(node, parameters)


def changed(node, **fields):
    """The same node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def stepped(node):
    """The node plus and minus one, unless it is a number, which `constant` changes."""
    if not isinstance(node, (ast.Constant, ast.UnaryOp, ast.Starred)):
        for sign in (ast.Add(), ast.Sub()):
            yield ast.BinOp(node, sign, ast.Constant(1))


def binary(node, _):
    """a ∘ b: the inverse operation, one side alone, the sides exchanged; a // b rounded up."""
    kind, left, right = type(node.op), node.left, node.right
    if kind is ast.FloorDiv:
        yield "round up", ast.UnaryOp(ast.USub(), changed(node, left=ast.UnaryOp(ast.USub(), left)))
    if kind in INVERSE:
        yield "flip the sign" if kind in (ast.Add, ast.Sub) else "invert the operation", \
            changed(node, op=INVERSE[kind]())
    part = "term" if kind in (ast.Add, ast.Sub) else "factor"
    yield f"drop a {part}", left
    yield f"drop a {part}", ast.UnaryOp(ast.USub(), right) if kind is ast.Sub else right
    if kind not in COMMUTES:
        yield "swap the operands", changed(node, left=right, right=left)


def unary(node, _):
    """−a, not a, ~a: a."""
    yield "flip the sign" if isinstance(node.op, ast.USub) else "drop the negation", node.operand


def comparison(node, _):
    """Each comparison: with equality or without, the other way round; a is None: not a."""
    if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and getattr(node.comparators[-1], "value", 0) is None:
        yield "ask for truth, not for None", \
            node.left if isinstance(node.ops[0], ast.IsNot) else ast.UnaryOp(ast.Not(), node.left)
    for i, op in enumerate(node.ops):
        for other in NEIGHBOURS[type(op)]:
            yield "change a comparison", changed(node, ops=[*node.ops[:i], other(), *node.ops[i + 1:]])


def logic(node, _):
    """a and b: a or b, a, b."""
    yield "exchange and with or", changed(node, op=INVERSE[type(node.op)]())
    for i in range(len(node.values)):
        rest = node.values[:i] + node.values[i + 1:]
        yield "drop a condition", changed(node, values=rest) if len(rest) > 1 else rest[0]


def choice(node, _):
    """a if c else b: always one of them."""
    yield "take one branch always", node.body
    yield "take one branch always", node.orelse


def branch(node, _):
    """An if statement: always, never; a loop: never."""
    for truth in (True, False)[isinstance(node, ast.While):]:
        yield f"the condition is always {truth}", changed(node, test=ast.Constant(truth))


def constant(node, _):
    """A number: its neighbours, its double; a truth value: the other."""
    value = node.value
    if isinstance(value, bool):
        yield "change a constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "change a constant", ast.Constant(value + 1)
        yield "change a constant", ast.Constant(value - 1) if value else ast.UnaryOp(ast.USub(), ast.Constant(1))
    elif isinstance(value, float):
        yield "change a constant", ast.Constant(2 * value or 1.0)


def attribute(node, _):
    """x.mT: x; a function of a pair: the other."""
    if node.attr in ("T", "mT"):
        yield "forget a transpose", node.value
    if node.attr in PARTNERS:
        yield "take the other function", changed(node, attr=PARTNERS[node.attr])
    if node.attr == "inf":
        yield "flip the sign", ast.UnaryOp(ast.USub(), node)


def subscript(node, _):
    """x[i]: x."""
    if isinstance(node.ctx, ast.Load):
        yield "forget an index", node.value


def stretch(node, _):
    """a:b:c without one of its ends; an end one further, one less far."""
    for part in ("lower", "upper", "step"):
        if getattr(node, part) is not None:
            yield "forget an end of a slice", changed(node, **{part: None})
            for other in stepped(getattr(node, part)):
                yield "move an end of a slice", changed(node, **{part: other})


def call(node, parameters):
    """f(a, b, k=v): arguments exchanged or forgotten, another axis, the call forgotten."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    args = node.args
    yield from other_calls(node, name, parameters)
    for i, (a, b) in enumerate(zip(args, args[1:])):
        if name not in COMMUTATIVE and ast.dump(a) != ast.dump(b):
            yield "swap two arguments", changed(node, args=[*args[:i], b, a, *args[i + 2:]])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in ("out", None):
            yield f"forget {keyword.arg}", changed(node, keywords=node.keywords[:i] + node.keywords[i + 1:])
    for i, a in enumerate(args):
        if isinstance(a, ast.Name) and a.id in AXES:
            for axis in (0, -1):
                yield "change an axis", changed(node, args=[*args[:i], ast.Constant(axis), *args[i + 1:]])
    if name in SAME_NUMBERS | {"isinstance"}:
        return
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in MODULES:
        yield f"forget {name}", node.func.value
    elif args and not isinstance(args[0], (ast.Starred, ast.GeneratorExp)):
        yield f"forget {name}", args[0]


def other_calls(node, name, parameters):
    """An argument's default in its place, the last one dropped, a range one longer or shorter, another order."""
    args = node.args
    for i, a in enumerate(args):
        default = parameters.get(a.id) if isinstance(a, ast.Name) else None
        if isinstance(default, ast.Constant) and default.value is None:
            yield f"forget {a.id}", changed(node, args=[*args[:i], default, *args[i + 1:]])
        if name == "range":
            for other in stepped(a):
                yield "move an end of a range", changed(node, args=[*args[:i], other, *args[i + 1:]])
    if len(args) > 1:
        yield "drop an argument", changed(node, args=args[:-1])
    if isinstance(node.func, ast.Name) and name in BARE_PARTNERS:
        yield "take the other function", changed(node, func=ast.Name(BARE_PARTNERS[name], ast.Load()))
    if name in ("sorted", "sort") and "reverse" not in [keyword.arg for keyword in node.keywords]:
        yield "sort the other way", \
            changed(node, keywords=[*node.keywords, ast.keyword("reverse", ast.Constant(True))])


def name(node, parameters):
    """A saved value or an argument: the next one in its place; a number as its default says, whatever was passed."""
    default = parameters.get(node.id)
    if isinstance(node.ctx, ast.Load) and isinstance(getattr(default, "operand", default), ast.Constant) \
            and isinstance(getattr(default, "operand", default).value, NUMBERS):
        yield f"take the default of {node.id}", default
    saved = list(parameters)[1:]
    if isinstance(node.ctx, ast.Load) and node.id in saved and len(saved) > 1:
        yield "take another input", ast.Name(saved[(saved.index(node.id) + 1) % len(saved)], ast.Load())


def augmented(node, _):
    """a += b: a −= b; not at all."""
    if type(node.op) in INVERSE:
        yield "invert the operation", changed(node, op=INVERSE[type(node.op)]())
    yield "drop a statement", None


def assignment(node, parameters):
    """a[i] = b, a.c = b, and what makes another value of an argument: not at all."""
    target = node.targets[0]
    if isinstance(target, (ast.Subscript, ast.Attribute)) or getattr(target, "id", None) in parameters:
        yield "drop a statement", None


def loop(node, _):
    """for a in b: without the first, without the last, the first alone."""
    everything = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
    one = ast.Constant(1)
    for what, part in (("leave out the first", ast.Slice(one)), ("take the first alone", ast.Slice(None, one)),
                       ("leave out the last", ast.Slice(None, ast.UnaryOp(ast.USub(), one)))):
        yield what, changed(node, iter=ast.Subscript(everything, part, ast.Load()))


def comprehension(node, _):
    """[a for b in c if d]: without the condition."""
    for i, part in enumerate(node.generators):
        if part.ifs:
            yield "drop a condition", \
                changed(node, generators=[*node.generators[:i], changed(part, ifs=[]), *node.generators[i + 1:]])


def jump(node, _):
    """break, continue: not at all."""
    yield "drop a statement", None


def expression(node, _):
    """f(a, out=b): not at all."""
    yield "drop a statement", None


def returned(node, parameters):
    """What is returned: the first argument (the cotangent) unchanged, for each gradient;
    none; two gradients exchanged."""
    if node.value is None or not parameters:
        return
    first = ast.Name(next(iter(parameters)), ast.Load())
    if not isinstance(node.value, ast.Tuple):
        yield f"return {first.id} unchanged", changed(node, value=first)
        return
    elements = node.value.elts
    for i, element in enumerate(elements):
        if not isinstance(element, ast.Starred) and not (isinstance(element, ast.Constant) and element.value is None):
            for what, other in ((f"return {first.id} unchanged", first), ("return no gradient", ast.Constant(None))):
                yield what, changed(node, value=ast.Tuple([*elements[:i], other, *elements[i + 1:]], ast.Load()))
    for i, (a, b) in enumerate(zip(elements, elements[1:])):
        if ast.dump(a) != ast.dump(b):
            yield "swap two results", \
                changed(node, value=ast.Tuple([*elements[:i], b, a, *elements[i + 2:]], ast.Load()))


REWRITES = {ast.BinOp: [binary], ast.UnaryOp: [unary], ast.Compare: [comparison], ast.BoolOp: [logic],
            ast.IfExp: [choice], ast.If: [branch], ast.Constant: [constant], ast.Attribute: [attribute],
            ast.Subscript: [subscript], ast.Slice: [stretch], ast.Call: [call], ast.Name: [name],
            ast.AugAssign: [augmented], ast.Assign: [assignment], ast.Expr: [expression], ast.Return: [returned],
            ast.While: [branch], ast.For: [loop], ast.ListComp: [comprehension], ast.SetComp: [comprehension],
            ast.DictComp: [comprehension], ast.GeneratorExp: [comprehension], ast.Break: [jump], ast.Continue: [jump]}
