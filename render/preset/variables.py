"""The section `vars`: numbers with names, which formulas read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ValidationError

from render.timeline import variable_name

from .animated import Animated, read_animated
from .mistakes import Mistake, carried, mistakes_of, shown
from .motion import BARE_TRACKS
from .quantities import NUMBER
from .values import leaf

_MOST = 100


def read_variables(value: Any) -> dict[str, Animated]:
    """Named numbers. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, Mapping):
        raise ValueError(f"vars are names with their numbers, such as {{peak: 0.8}}, not {shown(value)}")
    if len(value) > _MOST:
        raise ValueError(f"at most {_MOST} variables, not {len(value)}")
    variables, mistakes = {}, []
    for name, item in value.items():
        try:
            _check_name(name)
        except ValueError as error:
            mistakes.append(Mistake((name,), str(error), at_key=True))
            continue
        try:
            variables[name] = read_animated(item, NUMBER)
        except ValidationError as error:
            mistakes += [mistake.within(name) for mistake in mistakes_of(error)]
        except ValueError as error:
            mistakes.append(Mistake((name,), str(error)))
    if mistakes:
        raise carried(mistakes)
    return variables


def _check_name(name: Any) -> None:
    if name in BARE_TRACKS:
        raise ValueError(f"{name!r} means a number of the preset in formulas; choose another name")
    variable_name(name)


Variables = Annotated[dict[str, Animated], *leaf(read_variables, {"$ref": "#/definitions/vars"})]
