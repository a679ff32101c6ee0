"""The spec rows of every registered op. Importing this package needs hypothesis (extra `test`)."""

from importlib import import_module
from pkgutil import walk_packages

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)
