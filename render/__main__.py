"""`python -m render` is the command `blendreel`."""

from render.cli import main

if __name__ == "__main__":
    main()
