"""Weights of many models, `{anime: {4-8: 1, 16-32: 0, 64+: 1}, pony: …}`, and a snapshot for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from .animated import Animated, read_animated
from .layer_maps import Layered, read_layered
from .mistakes import Mistake, carried, gather, shown
from .quantities import KIMG, SWAP, WEIGHT
from .values import leaf

T = TypeVar("T")
ModelWeights = dict[str, Animated | Layered]
ModelKimgs = dict[str, Animated]
_WEIGHTS = "models with their weights, such as {anime: 1, toon: {16+: 0.5}}"
_KIMGS = "models with their kimg, such as {toon: 12}"
_KEYFRAMES = "keys"  # a mapping that has them is one animated number


def read_weights(value: Any) -> ModelWeights:
    """A weight for each model. Raises ValueError, or a ValidationError that carries many mistakes."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"this is {_WEIGHTS}, not {shown(value)}")
    return _by_model(value, partial(read_layered, quantity=WEIGHT))


def read_swap_or_weights(value: Any) -> Animated | ModelWeights:
    """A swap, or beside `mix` and `add` a weight for each model. Raises as `read_weights`."""
    if isinstance(value, Mapping) and _KEYFRAMES not in value:
        return read_weights(value)
    return read_animated(value, SWAP)


def read_kimg(value: Any) -> Animated | ModelKimgs:
    """The kimg of the blend's series, or one for each model. Raises as `read_weights`."""
    if not isinstance(value, Mapping) or _KEYFRAMES in value:
        return read_animated(value, KIMG)
    if not value:
        raise ValueError(f"this is a kimg, or {_KIMGS}, not {shown(value)}")
    return _by_model(value, partial(read_animated, quantity=KIMG))


def _by_model(value: Mapping, read: Callable[[Any], T]) -> dict[str, T]:
    wrong = [
        Mistake((name,), f"a model's name is text, not {shown(name)}", at_key=True)
        for name in value
        if not isinstance(name, str)
    ]
    if wrong:
        raise carried(wrong)
    numbers = gather((((name,), item) for name, item in value.items()), read)
    return dict(zip(value, numbers, strict=True))


Weights = Annotated[ModelWeights, *leaf(read_weights, {"$ref": "#/definitions/model_weights"})]
SwapOrWeights = Annotated[
    Animated | ModelWeights, *leaf(read_swap_or_weights, {"$ref": "#/definitions/swap_or_weights"})
]
Kimg = Annotated[Animated | ModelKimgs, *leaf(read_kimg, {"$ref": "#/definitions/kimg"})]
