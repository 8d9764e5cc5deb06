"""The section `blend`: which model gives which layers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .animated import Animated, AnimatedKimg, AnimatedSwap, AnimatedWidth, constant
from .layer_maps import Layered, LayeredWeight
from .mistakes import Mistake, Place
from .names import ModelName, NameKeys, constant_name, names_in
from .part import Part
from .quantities import SWAP, WEIGHT
from .values import choice

MODEL_WORDS = ("low", "high", "blend")


class Blend(Part):
    """Which model gives which layers, how strongly, and from which snapshot."""

    section: ClassVar[Place] = ("blend",)
    shorthand: ClassVar[str | None] = "model"
    example: ClassVar[str] = "{low: portrait, high: ukiyoe, swap: 32}"

    low: ModelName | None = Field(default=None, description="The model of the coarse layers: pose and shape.")
    high: ModelName | None = Field(default=None, description="The model of the fine layers: texture.")
    model: ModelName | None = Field(
        default=None, description="A single model, shown without blending; may change at keys."
    )
    swap: AnimatedSwap = Field(
        default=constant(32, SWAP),
        description="The resolution or layer from which high takes over; animatable.",
    )
    width: AnimatedWidth | None = Field(
        default=None,
        description="Softness of the swap in layers; default: the swap moves one layer at a time.",
    )
    weight: LayeredWeight = Field(
        default=constant(1, WEIGHT),
        description="How much of high is used above the swap: 0 none, 1 all; or a map {4-8: 0, 16+: 1}.",
    )
    snapshot: AnimatedKimg | None = Field(
        default=None,
        description="The kimg in a series of snapshots, high's first; default: its last snapshot.",
    )
    convention: Annotated[str, *choice("position", "pinkney")] = Field(
        default="position", description="How the swap counts layers; pinkney matches the published script."
    )
    mapping: ModelName = Field(
        default="low", description="Whose mapping network: low, high, blend (a mix), or a model's name."
    )
    to_rgb: AnimatedSwap | None = Field(default=None, description="A swap of its own for the to-RGB layers.")

    def conflicts(self) -> list[Mistake]:
        if self.model is not None:
            return [
                Mistake(
                    (name,), "has no meaning with blend.model, which shows one model unmixed", at_key=True
                )
                for name in sorted(
                    self.model_fields_set - {"model", "snapshot"}, key=list(Blend.model_fields).index
                )
                if getattr(self, name) is not None
            ]
        mistakes = [
            Mistake((name,), f"missing. {Blend.model_fields[name].description}")
            for name in ("low", "high")
            if getattr(self, name) is None
        ]
        if self.convention == "pinkney" and self.to_rgb is not None:
            text = "convention: pinkney knows no swap for to-RGB layers; leave one of the two out"
            mistakes.append(Mistake(("to_rgb",), text, at_key=True))
        return mistakes

    @property
    def is_mix(self) -> bool:
        """Whether two models are mixed."""
        return self.model is None

    def names(self) -> dict[str, str]:
        """The role of each model used, `{"low": "portrait", "high": "ukiyoe"}` or `{"model": …}`: where names
        change, the first one."""
        return {role: names[0] for role, names in self.all_names().items()}

    def all_names(self) -> dict[str, tuple[str, ...]]:
        """The names that each role takes over the clip, in order of appearance."""
        roles = ("low", "high") if self.is_mix else ("model",)
        return {role: names_in(getattr(self, role)) for role in roles}

    def name_keys(self) -> dict[str, NameKeys]:
        """The names of each role, and of the mapping where models are mixed, as keys."""
        return {
            role: constant_name(one) if isinstance(one, str) else one
            for role, one in self.written_names().items()
        }

    def written_names(self) -> dict[str, str | NameKeys]:
        """The names of each role as written, and of the mapping where models are mixed."""
        roles = ("low", "high", "mapping") if self.is_mix else ("model",)
        return {role: getattr(self, role) for role in roles}

    @property
    def swap_used(self) -> Animated:
        """The swap as written, or 4 (all layers to high) where a map over layers says everything."""
        implied = isinstance(self.weight, Layered) and "swap" not in self.model_fields_set
        return constant(4, SWAP) if implied else self.swap
