r"""Options of a command, stated once: in the signature and the docstring of the function that it calls.

    def run(run, model="cnn", image_size=None, flip=False):
        '''Train an image classifier.

        Parameters
        ----------
        model : {"cnn", "vit"}
            What looks at the image.
        image_size : int, optional
            Scale images to N×N.
        flip : bool
            Mirror training images at random.
        '''

become --model {cnn,vit}, --image-size N and --flip, each with its sentence as help. A parameter without a default is a
positional argument, one whose default is () stands for any number of them; keyword-only ones are options all the same.
A parameter whose default is a dataclass object stands for the options that its fields make.
"""

import argparse
import dataclasses
import inspect
import re

__all__ = ["add_options", "collected", "documented", "options_of", "require", "require_used"]

SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", re.M | re.S)
ENTRY = re.compile(r"^(?P<names>\S[^:\n]*) : (?P<kind>[^\n]*)\n(?P<sentence>(?:[ ]+[^\n]*\n?|\n(?=[ ]))*)", re.M)
LONGEST = 200  # letters of a value in a message


@dataclasses.dataclass(frozen=True)
class _Option:
    """One option: its name in Python, its docstring's type and sentence, its default, the heading of its group."""

    name: str
    kind: str
    sentence: str
    default: object
    group: str
    is_option: bool = True

    @property
    def flag(self):
        return "--" + self.name.replace("_", "-")


def require(holds, option, rule, got):
    """Raise a ValueError, "--option: rule; got …", unless the condition holds.

    Examples
    --------
    >>> require(0 >= 1, "--epochs", "must be at least 1", 0)
    Traceback (most recent call last):
    ValueError: --epochs: must be at least 1; got 0
    """
    if not holds:
        got = str(got)
        raise ValueError(f"{option}: {rule}; got {got if len(got) <= LONGEST else got[:LONGEST - 1] + '…'}")


def require_used(options, choice, users):
    """Raise a ValueError for an option that is not at its default though the choice made leaves it unused.

    Parameters
    ----------
    options : dataclass object
    choice : str
        The name of the field that chooses.
    users : dict of str to str, or to tuple of str
        The name of a field to the choice that uses it, or to several.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Decoding:
    ...     decode: str = "greedy"
    ...     beam: int = 4
    >>> require_used(Decoding(beam=5), "decode", {"beam": "beam"})
    Traceback (most recent call last):
    ValueError: --beam: needs --decode beam; got --decode greedy
    """
    chosen = getattr(options, choice)
    for name, user in users.items():
        several = (user,) if isinstance(user, str) else user
        is_default = getattr(options, name) == getattr(type(options), name)
        flag = "--" + name.replace("_", "-")
        require(is_default or chosen in several, flag, f"needs --{choice} {' or '.join(several)}",
                f"--{choice} {chosen}")


def documented(docstring):
    """The parameters of a numpydoc docstring: dict of name to (type, sentence).

    Examples
    --------
    >>> documented('''Add.
    ...
    ... Parameters
    ... ----------
    ... a, b : int
    ...     What is added.
    ... ''')
    {'a': ('int', 'What is added.'), 'b': ('int', 'What is added.')}
    """
    section = SECTION.search(inspect.cleandoc(docstring))
    found = {}
    for entry in ENTRY.finditer(section[1] if section else ""):
        sentence = " ".join(entry["sentence"].split())
        found |= {name: (entry["kind"], sentence) for name in entry["names"].split(", ")}
    return found


def options_of(function, group="options"):
    """The options that a function's parameters make, in order; those of a dataclass under its first line as heading."""
    told, found = documented(function.__doc__), []
    for name, parameter in inspect.signature(function).parameters.items():
        if dataclasses.is_dataclass(parameter.default):
            heading = parameter.default.__doc__.partition("\n")[0].rstrip(".")
            fields = documented(parameter.default.__doc__)
            found += [_Option(field, *fields[field], getattr(parameter.default, field), heading) for field in fields]
        elif name in told:
            is_option = parameter.kind is parameter.KEYWORD_ONLY or parameter.default not in (parameter.empty, ())
            found.append(_Option(name, *told[name], parameter.default, group, is_option))
    return found


def add_options(parser, options):
    """Add options to an argparse parser, in the groups they name."""
    groups = {"options": parser}
    for option in options:
        if not option.is_option:
            more = {"nargs": "*"} if option.default == () else {}
            more |= {"type": _path} if option.kind == "path" else {}
            parser.add_argument(option.name, metavar=option.name.upper(), help=_sentence(option), **more)
            continue
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        groups[option.group].add_argument(option.flag, help=_sentence(option), **_argparse(option))


def collected(function, values):
    """Keyword arguments of a function out of the values of its options: the fields of a dataclass become its object."""
    values = dict(values)
    for name, parameter in inspect.signature(function).parameters.items():
        if dataclasses.is_dataclass(parameter.default):
            own = {f.name: values.pop(f.name) for f in dataclasses.fields(parameter.default) if f.name in values}
            values[name] = dataclasses.replace(parameter.default, **own)
    return values


def _sentence(option):
    text = option.sentence.replace("`", "").replace("%", "%%").removesuffix(".")
    is_silent = option.default is False or option.default in (None, (), inspect.Parameter.empty)
    return text if is_silent else f"{text} (default: {_written(option.default)})"


def _written(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _argparse(option):
    """The argparse keywords of a docstring's type."""
    kind = option.kind.removesuffix(", optional")
    if kind == "bool":
        return {"action": "store_true"}
    required = option.default is inspect.Parameter.empty
    common = {"required": True} if required else {"default": option.default}
    if kind.startswith("{"):
        return {"choices": re.findall(r'"([^"]+)"', kind), **common}
    if kind.startswith("sequence of str"):
        return {"type": _names, "metavar": "NAME,NAME", **common}
    if kind.startswith("list of"):
        return {"nargs": "+", "metavar": option.name.upper(), **common}
    type_, metavar = {"int": (int, "N"), "float": (float, "X"), "path": (_path, "PATH"), "str": (str, None)}[kind]
    return {"type": type_, "metavar": metavar or option.name.upper(), **common}


def _path(text):
    if not text:
        raise argparse.ArgumentTypeError("must name a file or a folder; got an empty name")
    return text


def _names(text):
    if not all(text.split(",")):
        raise argparse.ArgumentTypeError(f"must be names with commas between them; got {text!r}")
    return tuple(text.split(","))
