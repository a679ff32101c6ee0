"""The `tinymm` command: run a recipe, caption a picture, check gradients, look at this machine, measure.

Exit status: 0; 1 if a check failed; 2 for wrong usage or bad input, in one readable line; 130 after Ctrl-C, with
the last checkpoint kept.
"""

import argparse
import sys
from importlib import import_module

from ._version import __version__
from .machine.kernels import CHOSEN, VARIABLE, start_with_better_kernels

__all__ = ["main", "program"]

RECIPES = {
    "captioning": "image captioning with attention fusion: the article's running example (3.1.1, 3.2.1)",
    "image-recognition": "images to classes: CNN, residual CNN, Vision Transformer (2.1)",
    "speech-recognition": "spoken digits, connected by CTC or one by one (2.1)",
    "text-classification": "texts to classes, with negation and scope (2.1)",
}
COMMANDS = {"caption": "tinymm.recipes.captioning.caption", "gradcheck": "tinymm.testing.command",
            "doctor": "tinymm.machine.doctor", "bench": "tinymm.machine.bench"}
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
    run = options.pop("call")
    try:
        outcome = run(**options)
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
    recipes = run.add_subparsers(required=True, metavar="NAME")
    for name, summary in RECIPES.items():
        recipe = import_module(f"tinymm.recipes.{name.replace('-', '_')}")
        own = recipes.add_parser(name, help=summary, description=recipe.__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
        _common_arguments(own)
        recipe.add_arguments(own)
        own.set_defaults(call=recipe.run)
    for name, module in COMMANDS.items():
        command = import_module(module)
        own = commands.add_parser(name, help=command.__doc__.splitlines()[0], description=command.__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        command.add_arguments(own)
        own.set_defaults(call=command.run)
    return parser


def _common_arguments(parser):
    """What every recipe understands."""
    group = parser.add_argument_group("every recipe")
    group.add_argument("--data", metavar="DIR", help="train on this folder instead of the embedded data")
    group.add_argument("--out", metavar="DIR", help="output folder (default: runs/NAME, runs/NAME-2, ...)")
    group.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    group.add_argument("--epochs", type=int, metavar="N",
                       help="passes through the training data (default: set by the recipe)")
    group.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the output folder")
