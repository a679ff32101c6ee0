"""The `tinymm` command: run a recipe, ask a trained model, check gradients, look at this machine, measure.

Exit status: 0; 1 if a check failed, a training diverged or tinymm itself is at fault; 2 for wrong usage, bad input, or
what the system refuses; 130 after Ctrl-C, with the last checkpoint kept. Whatever goes wrong is told in one line;
--debug, anywhere among the words, shows the traceback too, and NumPy's warnings. `exits` says the rest.
"""

import argparse
import sys
import warnings
from functools import partial
from importlib import import_module
from inspect import cleandoc

from . import exits, recipes
from ._version import __version__
from .machine.kernels import CHOSEN, VARIABLE, start_with_better_kernels
from .machine.memory import keep_memory
from .recipes.shared.options import add_options, collected, options_of

__all__ = ["main", "program"]

COMMANDS = {  # each a module with `add_arguments` and `run`, or a function whose signature says its options
    "predict": "tinymm.recipes.shared.predicting:predict",
    "caption": "tinymm.recipes.captioning:caption",
    "search": "tinymm.recipes.retrieval:search",
    "draw": "tinymm.recipes.text_to_image:draw",
    "fill": "tinymm.recipes.masked_language:fill",
    "gradcheck": "tinymm.testing.command",
    "doctor": "tinymm.machine.doctor",
    "bench": "tinymm.machine.bench",
}
EPILOG = f"""\
tinymm run NAME --help explains a recipe's options.

Exit status: 0; 1 if a check failed, a training diverged, or tinymm itself is at fault; 2 for wrong usage, bad input, or
what the system refuses (files, space, memory); 130 after Ctrl-C. Whatever goes wrong is told in one line.

Where OpenBLAS runs slower kernels than the processor could (tinymm doctor tells), this command starts itself again
with {VARIABLE} set, and says so. It does not if {VARIABLE} is set already, nor with {CHOSEN}=off.
"""


def program():
    """What `tinymm` and `python -m tinymm` run: `main`, on the best kernels the processor has, with memory kept."""
    exits.watch()
    exits.accept_any_text()
    start_with_better_kernels()
    keep_memory()
    try:
        return main()
    finally:
        exits.let_go_of_output()


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
    words = sys.argv[1:] if argv is None else argv
    debug = "--debug" in words
    try:
        try:
            with warnings.catch_warnings():
                if not debug:  # of an overflow, say: if it matters the command ends, and tells that in its one line
                    warnings.simplefilter("ignore", RuntimeWarning)
                options = vars(_parser().parse_args(words))
                debug = options.pop("debug", False)
                outcome = options.pop("call")(**options)
        finally:
            print(end="", flush=True)  # a full disk or a reader that has gone is told here, not when Python ends
    except (Exception, KeyboardInterrupt) as error:
        return exits.tell(error, debug)
    return outcome if type(outcome) is int else 0  # a recipe returns its results, a check its exit status


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the words, and knows --debug."""

    def __init__(self, *args, debug_help=argparse.SUPPRESS, **options):
        super().__init__(*args, **options)
        self.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=debug_help)

    def error(self, message):
        exits.tell(ValueError(f"{message} ({self.prog} --help explains)"))
        raise SystemExit(2)


def _parser():
    parser = _Parser(prog="tinymm", description="Multimodal learning from scratch, in pure NumPy.", epilog=EPILOG,
                     formatter_class=argparse.RawDescriptionHelpFormatter,
                     debug_help="show the traceback of what goes wrong; works anywhere among the words")
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
    return commands.add_parser(name, help=text.partition("\n")[0].replace("%", "%%"), description=text,
                               formatter_class=argparse.RawDescriptionHelpFormatter)


def _called(call, **options):
    return call(**collected(call, options))
