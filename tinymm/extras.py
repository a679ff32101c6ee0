"""Optional packages, imported only by the function that needs one.

tinymm itself runs on NumPy and SciPy. Anything else is an extra, and its absence is an error that says what to install.
"""

import importlib

__all__ = ["need"]


def need(module, extra, feature):
    """Import an optional module, or say which extra provides it.

    Parameters
    ----------
    module : str
        Dotted name, such as ``"matplotlib.pyplot"``.
    extra : str
        The extra that installs it: ``viz`` (matplotlib), ``progress`` (tqdm), ``media`` (pillow) or ``all``.
    feature : str
        What the caller wanted to do, such as ``"draw a report"``.

    Raises
    ------
    ImportError
        If the package is not installed. An import that fails *inside* an installed package is passed on unchanged.

    Examples
    --------
    >>> need("math", extra="viz", feature="draw a report").pi > 3
    True
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        name = {"PIL": "pillow"}.get(package, package)
        message = f'{feature}: needs {name}; install it with  python -m pip install "tinymm[{extra}]"'
        raise ImportError(message) from error
