"""The command `blendreel`, also as `python -m render`; it ends in order wherever Ctrl-C finds it.

Imports are work, too, and most of what a short command does: they stand where an interrupt is awaited.
"""

import sys
from collections import namedtuple


def main() -> None:
    """Run the command. Ctrl-C ends it with one line and exit code 130, even while modules are imported."""
    try:
        from render.cli import main as command

        command()
    except KeyboardInterrupt:
        print("interrupted; nothing half-written was left behind", file=sys.stderr)
        sys.exit(130)
    finally:
        # An interrupt inside a text that Python runs, such as a named tuple's, leaves a mark by which Python
        # ends as if killed, whoever caught it; the next such text takes the mark away.
        namedtuple("Unmarked", "x")


if __name__ == "__main__":
    main()
