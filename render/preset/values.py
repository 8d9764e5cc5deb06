"""The plain values of a preset: each reads text or numbers, says what is wrong, and knows its JSON Schema.

A value type is written `Annotated[int, *whole(0, 51)]`: pydantic reads it, the schema finds its shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import ValidationError
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_plain_validator_function

from render.timeline import Time, did_you_mean, exact_number, parse_fps, parse_time

from .mistakes import plain, shown

_LARGEST = 1e300  # whole numbers have no end, what is computed from them has


@dataclass(frozen=True, eq=False)
class Shape:
    """The JSON Schema of a value; `{"$ref": "#/definitions/…"}` may name one of schema.py's definitions."""

    schema: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Reader:
    """How pydantic reads a value: by a function alone. (Its `PlainValidator` also studies the value's type,
    which takes a tenth of the time that a preset takes to be checked.)"""

    read: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return no_info_plain_validator_function(self.read)


def leaf(read: Callable[[Any], Any], schema: dict[str, Any]) -> tuple[Reader, Shape]:
    """Annotations of a field that `read` turns into its value; ValueErrors become mistakes in the preset."""

    def validate(value: Any) -> Any:
        try:
            return read(value)
        except ValidationError:
            raise  # already carries places
        except ValueError as error:
            raise plain(str(error)) from None

    return Reader(validate), Shape(schema)


def read_number(value: Any, minimum: float = -math.inf, maximum: float = math.inf, what: str = "") -> float:
    """`value` if it is a finite number within [minimum, maximum].

    Raises:
        ValueError: says what is expected.
    """
    right = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
    if right and isinstance(value, float):
        right = math.isfinite(value)
    if not right or not minimum <= value <= maximum or abs(value) > _LARGEST:
        raise ValueError(f"{what or 'this'} is a number{_range_text(minimum, maximum)}, not {shown(value)}")
    return value


def number(minimum: float = -math.inf, maximum: float = math.inf) -> tuple[Reader, Shape]:
    """A finite number within [minimum, maximum]."""
    return leaf(
        lambda value: read_number(value, minimum, maximum), _number_schema("number", minimum, maximum)
    )


def whole(minimum: int = 0, maximum: int = 2**32 - 1) -> tuple[Reader, Shape]:
    """A whole number within [minimum, maximum]."""

    def read(value: Any) -> int:
        right = isinstance(value, int) and not isinstance(value, bool)
        if not right or not minimum <= value <= maximum:
            raise ValueError(f"this is a whole number{_range_text(minimum, maximum)}, not {shown(value)}")
        return value

    return leaf(read, _number_schema("integer", minimum, maximum))


def choice(*names: str, **meant: str) -> tuple[Reader, Shape]:
    """One of a few words. meant: what other programs call one of them, for whoever writes that."""

    def read(value: Any) -> str:
        if value not in names:
            text = value.strip().lower() if isinstance(value, str) else ""
            near = f"; did you mean {meant[text]!r}?" if text in meant else did_you_mean(text, names, limit=0)
            raise ValueError(f"this is one of {', '.join(names)}, not {shown(value)}{near}")
        return value

    return leaf(read, {"enum": list(names)})


def _read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"this is true or false, not {shown(value)}")
    return value


def read_text(value: Any) -> str:
    """Text that is not empty, without spaces around it. Raises ValueError."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"this is text, not {shown(value) if value != '' else 'empty'}")
    return value.strip()


_COLORS = {"black": "#000000", "white": "#ffffff", "gray": "#808080", "grey": "#808080"}


def read_color(value: Any) -> str:
    """A colour as `#rrggbb`. Raises ValueError."""
    text = _COLORS.get(value.strip().lower(), value.strip().lower()) if isinstance(value, str) else ""
    if re.fullmatch(r"#[0-9a-f]{3}", text):
        text = "#" + "".join(2 * digit for digit in text[1:])
    if text in ("transparent", "none"):
        raise ValueError(f"{text} is no colour; a file without a background has transparent: true in outputs")
    if not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise ValueError(f'a colour is "#rrggbb" (in quotes), black, white or gray, not {shown(value)}')
    return text


def _read_bpm(value: Any) -> Fraction:
    bpm = exact_number(value)
    if bpm is None:
        raise ValueError(f"bpm is a number such as 120, not {shown(value)}")
    if not 1 <= bpm <= 1000:
        raise ValueError(f"bpm lies from 1 to 1000 beats a minute, not {shown(value)}")
    return bpm


def _read_checksum(value: Any) -> str:
    if not (isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{64}", value.strip())):
        raise ValueError(f"a sha256 is 64 hex digits in quotes, not {shown(value)}")
    return value.strip().lower()


def _range_text(minimum: float, maximum: float) -> str:
    if math.isinf(maximum):
        return "" if math.isinf(minimum) else f" of at least {minimum:g}"
    return f" from {minimum} to {maximum}"


def _number_schema(kind: str, minimum: float, maximum: float) -> dict[str, Any]:
    limits = {"minimum": minimum, "maximum": maximum}
    return {"type": kind, **{name: limit for name, limit in limits.items() if not math.isinf(limit)}}


Flag = Annotated[bool, *leaf(_read_flag, {"type": "boolean"})]
Checksum = Annotated[str, *leaf(_read_checksum, {"type": "string", "pattern": "^\\s*[0-9a-fA-F]{64}\\s*$"})]
Text = Annotated[str, *leaf(read_text, {"type": "string", "minLength": 1})]
Color = Annotated[str, *leaf(read_color, {"type": "string"})]
TimeValue = Annotated[Time, *leaf(parse_time, {"$ref": "#/definitions/time"})]
FrameRate = Annotated[Fraction, *leaf(parse_fps, {"$ref": "#/definitions/frame_rate"})]
Tempo = Annotated[Fraction, *leaf(_read_bpm, {"$ref": "#/definitions/tempo"})]
