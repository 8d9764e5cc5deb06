"""A group of commands that speaks plainly: one line and an exit code for whatever goes wrong."""

from __future__ import annotations

import difflib
import importlib
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import click

from render.commands.mistakes import told
from render.console import plain
from render.errors import BlendreelError, BlendreelWarning

INTERRUPTED = 130


class Group(click.Group):
    """Turns our errors into their own text and exit code, and Ctrl-C into 130: no traceback for a mistake.

    Our warnings become lines on stderr. `elsewhere` names commands that lie in modules of their own.
    """

    elsewhere: ClassVar[dict[str, str]] = {}

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            with spoken_warnings(), orderly_signals():
                return super().main(*args, **(options | {"standalone_mode": False}))
        except click.exceptions.Exit as finished:
            sys.exit(finished.exit_code)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            click.echo(plain(told(error)), err=True)
            sys.exit(error.exit_code)
        except BlendreelError as error:
            click.echo(plain(error), err=True)
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort) as error:
            # click turns the one into the other, and keeps what it was.
            text = str(error.__cause__ or error)
            click.echo(text or "interrupted; nothing half-written was left behind", err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.elsewhere:
            return getattr(importlib.import_module(self.elsewhere[cmd_name]), cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            names = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise click.UsageError(f"unknown command {args[0]!r}; {hint}", ctx) from None


@contextmanager
def orderly_signals() -> Iterator[None]:
    """Treat a request to end (`kill`, a closed terminal) like Ctrl-C: what is half-written is removed."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    found = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # A process started with nohup ignores SIGHUP, and goes on doing so.
    before = {each: signal.getsignal(each) for each in found if signal.getsignal(each) == signal.SIG_DFL}
    for each in before:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Our warnings, each time they arise, as lines on stderr; those of others stay as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", BlendreelWarning)
        show = warnings.showwarning

        def speak(message: Warning | str, category: type[Warning], *place: Any, **where: Any) -> None:
            if issubclass(category, BlendreelWarning):
                click.echo(plain(f"warning: {message}"), err=True)
            else:
                show(message, category, *place, **where)

        warnings.showwarning = speak
        yield
