"""The base of every part of a preset: frozen, closed to unknown keys, and plain-spoken about mistakes.

Built from YAML or from Python, a wrong part raises `PresetError` with one line per mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from render.errors import PresetError
from render.timeline import did_you_mean

from .mistakes import Mistake, Place, carried, mistakes_of, shown


class _PlainErrors(type(BaseModel)):
    """Calling a part's class raises PresetError; inside a bigger part, pydantic collects its mistakes."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            raise PresetError("\n".join(str(m.within(*cls.section)) for m in mistakes_of(error))) from None


class Part(BaseModel, metaclass=_PlainErrors):
    """One part of a preset.

    Attributes:
        section: where the part stands in a preset, for messages of parts built alone.
        shorthand: the field that a value other than a mapping stands for, if there is one.
        example: what to write instead of something that is not this part at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    section: ClassVar[Place] = ()
    shorthand: ClassVar[str | None] = None
    example: ClassVar[str] = "{}"

    def conflicts(self) -> list[Mistake]:
        """Mistakes between fields that are each right by themselves."""
        return []

    def replace(self, **changes: Any) -> Self:
        """A copy with other values in some fields, validated like the rest.

        Raises:
            PresetError: a value or a field's name is wrong.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **changes})

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self).model_fields:
            raise AttributeError(f"a preset does not change once made; use .replace({name}=…) for a copy")
        super().__setattr__(name, value)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return handler(data)
        shorthand = cls.shorthand if not isinstance(data, Mapping) else None
        if shorthand is not None and data is not None:
            data = {shorthand: data}
        elif not isinstance(data, Mapping):
            raise carried([Mistake((), f"write a mapping such as {cls.example}, not {shown(data)}")])
        part, mistakes = cls._attempt(data, handler)
        if mistakes:
            if shorthand is not None:
                mistakes = [_without(shorthand, mistake) for mistake in mistakes]
            raise carried(mistakes)
        return part

    @classmethod
    def _attempt(
        cls, data: Mapping, handler: ModelWrapValidatorHandler[Self]
    ) -> tuple[Self | None, list[Mistake]]:
        try:
            part = handler(data)
        except ValidationError as error:
            return None, mistakes_of(error, cls._in_words)
        return part, part.conflicts()

    @classmethod
    def _in_words(cls, entry: Mapping, place: Place) -> Mistake:
        kind, key = entry["type"], place[-1] if place else ""
        if kind == "missing":
            return Mistake(place, f"missing. {cls.model_fields[key].description}")
        if kind == "extra_forbidden":
            hint = did_you_mean(str(key), cls.model_fields)
            if entry["input"] is None:  # `{seeds: 0-5,9}` is two keys to YAML
                hint = "; if it continues the value before it, put that in quotes or in [ ]"
            return Mistake(place, f"unknown key{hint}", at_key=True)
        if kind == "invalid_key":
            return Mistake(place, f"a key is text, not {shown(key)}", at_key=True)
        return Mistake(place, f"{shown(entry['input'])} does not belong here")


def _without(shorthand: str, mistake: Mistake) -> Mistake:
    if mistake.place[:1] != (shorthand,):
        return mistake
    return Mistake(mistake.place[1:], mistake.text, mistake.at_key)
