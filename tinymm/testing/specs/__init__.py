"""The spec rows of every registered op. Importing this package needs hypothesis (extra `test`)."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
