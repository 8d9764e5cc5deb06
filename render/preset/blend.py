"""The section `blend`: which model gives which layers.

It has four forms: `low` and `high` with a swap, `mix` (many models, a weight for each), `base` and `add`
(task vectors), and a single `model`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pydantic import Field, ModelWrapValidatorHandler

from render.timeline import nearest

from .animated import Animated, AnimatedSwap, AnimatedWidth, constant
from .layer_maps import Layered, LayeredWeight
from .mistakes import Mistake, Place
from .mix import Kimg, SwapOrWeights, Weights
from .names import ModelName, NameKeys, constant_name, names_in
from .part import Part
from .quantities import SWAP, WEIGHT
from .values import Flag, choice

MODEL_WORDS = ("low", "high", "blend")
_COMMON = ("snapshot", "mapping", "noise", "to_rgb", "interpolation")


@dataclass(frozen=True)
class Form:
    """One way to write a blend.

    Attributes:
        needs: the keys that make it.
        also: keys that have a meaning beside them.
        why: what other keys are told.
        words: what `mapping` and `noise` may say besides a model's name.
    """

    needs: tuple[str, ...]
    also: tuple[str, ...]
    why: str
    words: tuple[str, ...] = ("blend",)


FORMS = {
    "model": Form(("model",), ("snapshot",), "blend.model, which shows one model unmixed"),
    "mix": Form(("mix",), ("normalise", *_COMMON), "blend.mix, whose weights say all"),
    "add": Form(("base", "add"), _COMMON, "blend.add, which adds to blend.base"),
    "swap": Form(
        ("low", "high"),
        ("swap", "width", "weight", "convention", *_COMMON),
        "blend.low and blend.high",
        MODEL_WORDS,
    ),
}


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
    mix: Weights | None = Field(
        default=None,
        description="Many models, each with its weight, or with one for each range of layers; animatable.",
    )
    normalise: Flag = Field(
        default=False, description="Whether the weights of a mix are divided by their sum; otherwise it is 1."
    )
    base: ModelName | None = Field(
        default=None, description="The model that others were fine-tuned from; see add."
    )
    add: Weights | None = Field(
        default=None,
        description="How much of what each model learnt from base is added to it: 1 all, -1 takes it away.",
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
    snapshot: Kimg | None = Field(
        default=None,
        description="The kimg in a series of snapshots, high's first; or one for each model: {toon: 12}.",
    )
    convention: Annotated[str, *choice("position", "pinkney", "dvschultz")] = Field(
        default="position",
        description="How the swap counts layers; pinkney and dvschultz match the scripts they published.",
    )
    mapping: ModelName = Field(
        default="low",
        description="Whose mapping network: low, high, blend, or a model; without low, the first or base.",
    )
    noise: ModelName | None = Field(
        default=None, description="Whose noise maps, as for mapping; default: those of the mapping's model."
    )
    to_rgb: SwapOrWeights | None = Field(
        default=None, description="A swap of its own for the to-RGB layers; beside mix and add, weights."
    )
    interpolation: Annotated[str, *choice("linear", "keep-norm")] = Field(
        default="linear",
        description="How weights are mixed: number by number, or direction and norm of each filter apart.",
    )

    @classmethod
    def _attempt(
        cls, data: Mapping, handler: ModelWrapValidatorHandler[Self]
    ) -> tuple[Self | None, list[Mistake]]:
        """Validate; a mapping of nothing but numbers by names of one's own is a mix without its key."""
        fields = cls.model_fields
        if data and all(_is_weight(key, value, fields) for key, value in data.items()):
            weights = ", ".join(f"{key}: {value}" for key, value in data.items())
            return None, [Mistake((), f"weights of models go under mix: {{mix: {{{weights}}}}}", at_key=True)]
        return super()._attempt(data, handler)

    def conflicts(self) -> list[Mistake]:
        form = FORMS[self.form]
        given = self.model_fields_set - {*form.needs, *form.also}
        mistakes = [
            Mistake((name,), f"has no meaning with {form.why}", at_key=True)
            for name in sorted(given, key=list(Blend.model_fields).index)
            if getattr(self, name) is not None
        ]
        mistakes += [
            Mistake((name,), f"missing. {Blend.model_fields[name].description}")
            for name in form.needs
            if getattr(self, name) is None
        ]
        return [*mistakes, *self._to_rgb_mistakes(), *self._convention_mistakes()]

    def _to_rgb_mistakes(self) -> list[Mistake]:
        if self.to_rgb is None or self.form == "model":
            return []
        if self.form == "swap" and isinstance(self.to_rgb, Mapping):
            return [Mistake(("to_rgb",), "beside low and high this is a swap of its own, such as 32")]
        if self.form != "swap" and isinstance(self.to_rgb, Animated):
            return [
                Mistake(("to_rgb",), f"beside {self.form} these are weights of models, such as {{toon: 0.5}}")
            ]
        return []

    def _convention_mistakes(self) -> list[Mistake]:
        if self.convention == "position" or self.form != "swap":
            return []
        wrong = {"to_rgb": "knows no swap for to-RGB layers"}
        if self.convention == "dvschultz":
            wrong["width"] = "always cuts and knows no width"
        return [
            Mistake((name,), f"convention: {self.convention} {what}; leave one of the two out", at_key=True)
            for name, what in wrong.items()
            if getattr(self, name) is not None
        ]

    @property
    def form(self) -> str:
        """Which of FORMS it is: `model`, `mix`, `add`, or `swap` (low and high)."""
        for name in ("model", "mix"):
            if getattr(self, name) is not None:
                return name
        return "swap" if self.base is None and self.add is None else "add"

    @property
    def has_swap(self) -> bool:
        """Whether low and high are mixed."""
        return self.form == "swap"

    def numbers(self) -> dict[Place, Animated | Layered]:
        """Its animated numbers that have a meaning, by their places in the section."""
        written = {"swap": self.swap_used, "width": self.width, "weight": self.weight}
        found: dict[Place, Animated | Layered] = {}
        for name in ("mix", "add", "swap", "width", "weight", "snapshot", "to_rgb"):
            value = written.get(name, getattr(self, name))
            if name not in (*FORMS[self.form].needs, *FORMS[self.form].also) or value is None:
                continue
            if isinstance(value, Mapping):
                found |= {(name, model): number for model, number in value.items()}
            else:
                found[name,] = value
        return found

    def names(self) -> dict[str, str]:
        """The role of each model used, `{"low": "portrait", "high": "ukiyoe"}`, `{"model": …}`, `{"mix": …}`
        or `{"base": …, "add": …}`: where names change, or there are many, the first one."""
        return {role: names[0] for role, names in self.all_names().items()}

    def all_names(self) -> dict[str, tuple[str, ...]]:
        """The names that each role takes over the clip, in order of appearance; of a mix, all its models."""
        roles = FORMS[self.form].needs
        written = {role: getattr(self, role) for role in roles}
        return {
            role: tuple(value) if isinstance(value, Mapping) else names_in(value)
            for role, value in written.items()
        }

    def name_keys(self) -> dict[str, NameKeys]:
        """As keys: the names of roles that may change, and of mapping and noise where models are mixed."""
        names = self.written_names()
        if self.form != "model":
            names.setdefault("mapping", self.mapping_used)
        return {role: constant_name(one) if isinstance(one, str) else one for role, one in names.items()}

    def written_names(self) -> dict[str, str | NameKeys]:
        """The names of roles that may change, and of mapping and noise where these are written."""
        form = FORMS[self.form]
        roles = [role for role in form.needs if role not in ("mix", "add")]
        roles += [
            role for role in ("mapping", "noise") if role in form.also and role in self.model_fields_set
        ]
        written = {role: getattr(self, role) for role in roles}
        return {role: names for role, names in written.items() if names is not None}

    @property
    def mapping_used(self) -> str | NameKeys:
        """Whose mapping network: as written, or low's, the base's, or that of a mix's first model."""
        if self.form == "swap" or "mapping" in self.model_fields_set:
            return self.mapping
        return self.base if self.form == "add" else next(iter(self.mix))

    @property
    def swap_used(self) -> Animated:
        """The swap as written, or 4 (all layers to high) where a map over layers says everything."""
        implied = isinstance(self.weight, Layered) and "swap" not in self.model_fields_set
        return constant(4, SWAP) if implied else self.swap


def _is_weight(name: object, value: object, fields: Iterable[str]) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isinstance(name, str) and nearest(name, fields) is None
