"""Run one benchmark, as `tinymm bench` does:  python -m benchmarks NAME [options of the benchmark]

Exit status 0; 2 for wrong usage, or where something that it needs is missing, with the reason in one line; 130 after
Ctrl-C.
"""

import sys
from importlib import import_module


def run(words):
    """Run the benchmark that the first word names with the options after it; its exit status."""
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = words
    try:
        import_module(f"benchmarks.{name}").main(options)
    except KeyboardInterrupt:
        return 130
    except (ValueError, ImportError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
