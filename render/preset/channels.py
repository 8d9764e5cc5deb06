"""The section `channels`: single channels of layers, taken from a model on top of the blend.

    channels: {eyes: {from: ukiyoe, weight: [[0s, 0], [end, 1]]}}

Which channels a set has is said here, under `layers`, or in a file of sets: see `render.scene.channels`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, create_model

from .animated import AnimatedWeight, constant
from .mistakes import Mistake, carried, gather, mistakes_of, shown
from .part import Part
from .quantities import WEIGHT
from .values import Text, leaf

NAME_PATTERN = r"[^\W\d_][\w-]*"
LAYER_PATTERN = r"\d+/[01]|L\d{1,2}|input"
_EXAMPLE = "{eyes: {from: ukiyoe, weight: 1}}"

LayerChannels = dict[str, tuple[int, ...]]


def read_layer_channels(value: Any) -> LayerChannels:
    """Channels by layer, `{32/0: [3, 17]}`. Raises ValueError, or a ValidationError with many mistakes."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(
            f"these are layers with their channels, such as {{32/0: [3, 17]}}, not {shown(value)}"
        )
    wrong = [Mistake((key,), text, at_key=True) for key in value if (text := _wrong_layer(key))]
    if wrong:
        raise carried(wrong)
    numbers = gather((((key,), item) for key, item in value.items()), _read_numbers)
    return dict(zip(value, numbers, strict=True))


def _wrong_layer(key: Any) -> str:
    """What is wrong with the name of a layer; nothing if it is right."""
    if isinstance(key, str) and re.fullmatch(LAYER_PATTERN, key):
        return ""
    if str(key).isdigit():
        return f"{key} is two layers; write {key}/0 or {key}/1"
    return f"a layer is 32/0 or 32/1, in StyleGAN3 L7 or input, not {shown(key)}"


def _read_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"this is a list of channels, such as [3, 17], not {shown(value)}")
    mistakes, found = [], set()
    for index, number in enumerate(value):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            mistakes.append(Mistake((index,), f"a channel is a whole number from 0 on, not {shown(number)}"))
        elif number in found:
            mistakes.append(Mistake((index,), f"channel {number} is there twice"))
        else:
            found.add(number)
    if mistakes:
        raise carried(mistakes)
    return tuple(sorted(found))


# `from` is a word of Python, so that a class body cannot have it as a field.
_FromModel = create_model(
    "_FromModel", __base__=Part, **{"from": (Text, Field(description="The model that gives the channels."))}
)


class TakenChannels(_FromModel):
    """A set of channels, the model it is taken from, and how strongly."""

    shorthand: ClassVar[str | None] = "from"
    example: ClassVar[str] = "{from: ukiyoe, weight: 1}"

    weight: AnimatedWeight = Field(
        default=constant(1, WEIGHT),
        description="How much of that model: 0 leaves the channels to the blend, 1 takes them; animatable.",
    )
    layers: (
        Annotated[LayerChannels, *leaf(read_layer_channels, {"$ref": "#/definitions/layer_channels"})] | None
    ) = Field(default=None, description="The channels by layer, {32/0: [3, 17]}, instead of a set in a file.")
    file: Text | None = Field(
        default=None, description="The file of sets; default: channels.yaml here, or NAME.channels.yaml."
    )

    @property
    def model(self) -> str:
        """The name of the model that gives the channels."""
        return getattr(self, "from")

    def conflicts(self) -> list[Mistake]:
        if self.file is None or self.layers is None:
            return []
        return [
            Mistake(("file",), "layers says which channels these are; leave one of the two out", at_key=True)
        ]


def read_taken(value: Any) -> dict[str, TakenChannels]:
    """The section by names. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(
            f"channels are sets with the model they are taken from: {_EXAMPLE}, not {shown(value)}"
        )
    taken, mistakes = {}, []
    for name, one in value.items():
        if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
            text = f"{shown(name)} is no name for channels; it is a word such as eyes or left-eye"
            mistakes.append(Mistake((name,), text, at_key=True))
            continue
        try:
            taken[name] = TakenChannels.model_validate(one)
        except ValidationError as error:
            mistakes += [mistake.within(name) for mistake in mistakes_of(error)]
    if mistakes:
        raise carried(mistakes)
    return taken


Channels = Annotated[dict[str, TakenChannels], *leaf(read_taken, {"$ref": "#/definitions/channels"})]
