"""The section `blend`: which model gives which layers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .animated import (
    SWAP,
    WEIGHT,
    AnimatedKimg,
    AnimatedSwap,
    AnimatedWeight,
    AnimatedWidth,
    constant,
)
from .mistakes import Mistake, Place
from .part import Part
from .values import Text, choice

MODEL_WORDS = ("low", "high", "blend")


class Blend(Part):
    """Which model gives which layers, how strongly, and from which snapshot."""

    section: ClassVar[Place] = ("blend",)
    shorthand: ClassVar[str | None] = "model"
    example: ClassVar[str] = "{low: portrait, high: ukiyoe, swap: 32}"

    low: Text | None = Field(default=None, description="The model of the coarse layers: pose and shape.")
    high: Text | None = Field(default=None, description="The model of the fine layers: texture.")
    model: Text | None = Field(default=None, description="A single model, shown without blending.")
    swap: AnimatedSwap = Field(
        default=constant(32, SWAP),
        description="The resolution or layer from which high takes over; animatable.",
    )
    width: AnimatedWidth | None = Field(
        default=None,
        description="Softness of the swap in layers; default: the swap moves one layer at a time.",
    )
    weight: AnimatedWeight = Field(
        default=constant(1, WEIGHT), description="How much of high is used above the swap: 0 none, 1 all."
    )
    snapshot: AnimatedKimg | None = Field(
        default=None,
        description="The kimg in a series of snapshots, high's first; default: its last snapshot.",
    )
    convention: Annotated[str, *choice("position", "pinkney")] = Field(
        default="position", description="How the swap counts layers; pinkney matches the published script."
    )
    mapping: Text = Field(
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
        """The role of each model used: `{"low": "portrait", "high": "ukiyoe"}`, or `{"model": …}`."""
        roles = ("low", "high") if self.is_mix else ("model",)
        return {role: getattr(self, role) for role in roles}
