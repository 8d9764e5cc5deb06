"""Mistakes in a preset: a place, and one plain sentence; pydantic only carries them around."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

T = TypeVar("T")
Place = tuple[str | int, ...]

_TYPE = "mistake"
_LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Mistake:
    """What is wrong and where.

    Attributes:
        place: keys and indices from the root of the preset, `("blend", "swap", 1, 2)`.
        text: one sentence without the place.
        at_key: whether the key itself is wrong, rather than its value.
    """

    place: Place
    text: str
    at_key: bool = False

    def within(self, *outer: str | int) -> Mistake:
        """The same mistake, seen from a part that contains this one."""
        return Mistake((*outer, *self.place), self.text, self.at_key)

    def __str__(self) -> str:
        place = place_text(self.place)
        return f"{place}: {self.text}" if place else self.text


def place_text(place: Iterable[str | int]) -> str:
    """`blend.swap[1][2]`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def carried(mistakes: Iterable[Mistake]) -> ValidationError:
    """The mistakes as the error that validators raise; pydantic adds the outer part of their places."""
    details = [
        InitErrorDetails(type=_custom(mistake.text, mistake.at_key), loc=mistake.place, input=None)
        for mistake in mistakes
    ]
    return ValidationError.from_exception_data("preset", details)


def plain(text: str) -> PydanticCustomError:
    """One mistake at the place where the validator stands."""
    return _custom(text, False)


def mistakes_of(
    error: ValidationError, translate: Callable[[Mapping, Place], Mistake] | None = None
) -> list[Mistake]:
    """The mistakes an error carries; `translate` puts pydantic's own findings into words."""
    found = []
    for entry in error.errors(include_url=False):
        place: Place = tuple(entry["loc"])
        if entry["type"] == _TYPE:
            found.append(Mistake(place, entry["ctx"]["text"], entry["ctx"]["at_key"]))
        elif translate is not None:
            found.append(translate(entry, place))
        else:
            found.append(Mistake(place, f"{shown(entry['input'])} does not belong here"))
    return found


def gather(items: Iterable[tuple[Place, object]], read: Callable[[object], T]) -> list[T]:
    """`read` of every item; if some fail, one error that carries all their mistakes."""
    results: list[T] = []
    mistakes: list[Mistake] = []
    for place, value in items:
        try:
            results.append(read(value))
        except ValidationError as error:
            mistakes += [mistake.within(*place) for mistake in mistakes_of(error)]
        except ValueError as error:
            mistakes.append(Mistake(place, str(error)))
    if mistakes:
        raise carried(mistakes)
    return results


def shown(value: object) -> str:
    """A wrong value as its writer would recognise it: 'text', 12, true, a list, nothing."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    try:
        text = repr(value) if isinstance(value, str | int | float) else str(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _custom(text: str, at_key: bool) -> PydanticCustomError:
    return PydanticCustomError(_TYPE, "{text}", {"text": text, "at_key": at_key})
