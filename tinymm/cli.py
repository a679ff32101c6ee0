"""The `tinymm` command: run a recipe, ask a trained model, check gradients, look at this machine, measure.

Exit status: 0; 1 if a check failed; 2 for wrong usage or bad input, in one readable line; 130 after Ctrl-C, with
the last checkpoint kept.
"""

import argparse
import sys
from functools import partial
from importlib import import_module
from inspect import cleandoc

from . import recipes
from ._version import __version__
from .machine.kernels import CHOSEN, VARIABLE, start_with_better_kernels
from .recipes.shared.options import add_options, collected, options_of

__all__ = ["main", "program"]

COMMANDS = {  # each a module with `add_arguments` and `run`, or a function whose signature says its options
    "predict": "tinymm.recipes.shared.predicting:predict",
    "caption": "tinymm.recipes.captioning:caption",
    "gradcheck": "tinymm.testing.command",
    "doctor": "tinymm.machine.doctor",
    "bench": "tinymm.machine.bench",
}
EPILOG = f"""\
tinymm run NAME --help explains a recipe's options.

Where OpenBLAS runs slower kernels than the processor could (tinymm doctor tells), this command starts itself again
with {VARIABLE} set, and says so. It does not if {VARIABLE} is set already, nor with {CHOSEN}=off.
"""


def program():
    """What `tinymm` and `python -m tinymm` run: `main`, on the best kernels the processor has."""
    start_with_better_kernels()
    return main()


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        The words after `tinymm`; by default those of this process.

    Returns
    -------
    int
        The exit status.

    Examples
    --------
    >>> main(["run", "captioning", "--epochs", "0", "--out", "nowhere"])
    2
    """
    options = vars(_parser().parse_args(argv))
    call = options.pop("call")
    try:
        outcome = call(**options)
    except KeyboardInterrupt:
        kept = "; the last checkpoint is kept, --resume goes on from it" if "resume" in options else ""
        print(f"\ntinymm: interrupted{kept}", file=sys.stderr)
        return 130
    except (ValueError, ImportError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        print(f"tinymm: {error}", file=sys.stderr)
        return 2
    return outcome if type(outcome) is int else 0  # a recipe returns its results, a check its exit status


def _parser():
    parser = argparse.ArgumentParser(prog="tinymm", description="Multimodal learning from scratch, in pure NumPy.",
                                     epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"tinymm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="train and test a recipe",
                              description="Train a recipe, test it, write a report.")
    names = run.add_subparsers(required=True, metavar="NAME")
    for name, page in recipes.available().items():
        own = _add_parser(names, name, page.__doc__)
        add_options(own, [*page.run.own_options, *options_of(page.run, "every recipe")])
        for option in page.run.moved:
            own.add_argument(f"--{option}", action="store_true", help=argparse.SUPPRESS)
        own.set_defaults(call=page.run)
    for name, place in COMMANDS.items():
        module, _, function = place.partition(":")
        command = import_module(module)
        if function:
            call = getattr(command, function)
            own = _add_parser(commands, name, cleandoc(call.__doc__).partition("\n\nParameters\n")[0])
            add_options(own, options_of(call))
            own.set_defaults(call=partial(_called, call))
        else:
            own = _add_parser(commands, name, command.__doc__)
            command.add_arguments(own)
            own.set_defaults(call=command.run)
    return parser


def _add_parser(commands, name, text):
    """The parser of one command; the first line of the text is what lists of commands show."""
    text = cleandoc(text)
    return commands.add_parser(name, help=text.partition("\n")[0], description=text,
                               formatter_class=argparse.RawDescriptionHelpFormatter)


def _called(call, **options):
    return call(**collected(call, options))
