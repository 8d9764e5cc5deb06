"""What is wrong with a command line, in one line that names the place, the value and the choices.

click tells it in four, of which two are its usage. Its words are taken apart here, for it keeps nothing else.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

import click

_OF_TYPE = re.compile(r"(?P<value>.+) is not (?:one of|in the range|a valid) .+", re.DOTALL)
_EXTRA = re.compile(r"Got unexpected extra arguments? \((?P<names>.*)\)", re.DOTALL)


def told(error: click.ClickException) -> str:
    """A mistake of click's in one line."""
    if isinstance(error, click.NoSuchOption):
        text = _no_such_option(error)
    elif isinstance(error, click.MissingParameter):
        text = _missing(error)
    elif isinstance(error, click.BadParameter):
        text = f"{_name(error.param, error.param_hint)}: {_wrong_value(error)}"
    elif isinstance(error, click.BadOptionUsage):
        text = f"{error.option_name} {'takes no' if 'not take' in error.message else 'wants a'} value"
    elif extra := _EXTRA.match(error.format_message()):
        text = f"{extra['names']} is too much: {_usage(error)}"
    else:
        text = error.format_message()
    return " ".join(text.split())


def _no_such_option(error: click.NoSuchOption) -> str:
    text, context = f"there is no option {error.option_name}", error.ctx
    if context is None:
        return text
    options = context.command.get_params(context)
    names = [name for option in options for name in (*option.opts, *option.secondary_opts)]
    words = [name.removeprefix("--") for name in names if name.startswith("--")]
    given = error.option_name.strip("-")
    near = get_close_matches(given, words, n=2)
    near = near or [word for word in words if len(given) > 2 and given in word][:2]
    if near:
        return f"{text}; did you mean {' or '.join(f'--{word}' for word in near)}?"
    sets = ", and --set PLACE=VALUE sets what the preset says" if "set" in words else ""
    return f"{text}; {context.command_path} --help tells which there are{sets}"


def _missing(error: click.MissingParameter) -> str:
    name, parameter = _name(error.param, error.param_hint), error.param
    if not isinstance(parameter, click.Option):
        return f"{name} is missing: {_usage(error)}"
    if isinstance(parameter.type, click.Choice):
        return f"{name} is missing: one of {', '.join(parameter.type.choices)}"
    return f"{name} is missing: {_lowered(parameter.help)}" if parameter.help else f"{name} is missing"


def _lowered(text: str) -> str:
    """A help text as the end of a sentence."""
    return f"{text[:1].lower()}{text[1:]}".rstrip(".")


def _wrong_value(error: click.BadParameter) -> str:
    """The value, and what it may be; a message of our own as it is."""
    kind, found = error.param and error.param.type, _OF_TYPE.fullmatch(error.message)
    if not found:
        return error.message
    value = found["value"]
    if isinstance(kind, click.Choice):
        near = get_close_matches(value.strip("'"), kind.choices, n=1)
        return f"{value} is none of {', '.join(kind.choices)}" + (
            f"; did you mean {near[0]}?" if near else ""
        )
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        number = "whole number" if isinstance(kind, click.types.IntParamType) else "number"
        return f"{value} is no {number}{_range(kind)}"
    return error.message


def _range(kind: click.ParamType) -> str:
    """`from 1 to 8`, `from 1 on`; nothing where any number will do."""
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if least is None:
        return "" if most is None else f" up to {most:,}"
    return f" from {least:,} on" if most is None else f" from {least:,} to {most:,}"


def _name(parameter: click.Parameter | None, hint: object = None) -> str:
    """What a person writes: the option's longest name, or what stands for an argument."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name if parameter else str(hint or "a value")


def _usage(error: click.UsageError) -> str:
    context = error.ctx
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)]) if context else ""
