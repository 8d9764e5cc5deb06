"""Random looping presets whose tracks end where they begin, for the law that loops close."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from moving import KINDS, plain_numbers
from strategies import models_of

SECONDS = 2
# Without those that jump (hold, steps) and those whose speed has no limit (circ) or swings fast (elastic).
CONTINUOUS = (
    *("linear", "ease", "ease-in-out", "in-out-sine", "out-quad", "in-cubic", "out-back", "in-out-quart"),
    *("ease-out-bounce", "cubic-bezier(0.3, -0.5, 0.6, 1.5)", "linear(0, 0.4 20%, 1)"),
)
WAVES = (
    "sin(tau*u)",
    "cos(tau*2*u + 1)",
    "noise(sin(tau*u), 4)",
    "abs(sin(pi*u))",
    "smoothstep(0, 1, cos(tau*u))",
)


@st.composite
def closing_numbers(draw: st.DrawFn, kind: str) -> Any:
    """An animated number without jumps that is at the end what it was at the start."""
    lowest, highest, _ = KINDS[kind]
    numbers = plain_numbers(lowest, highest)
    easings = st.sampled_from(CONTINUOUS)
    form = draw(st.sampled_from(["keys", "loop", "mirror", "spline", "formula"]))
    if form == "formula":
        return f"={(lowest + highest) / 2} + {(highest - lowest) / 2.5}*{draw(st.sampled_from(WAVES))}"
    places = sorted(draw(st.sets(st.integers(1, 3), min_size=1)))  # quarters
    if form == "spline":
        return {"keys": [[f"{place}/4s", draw(numbers)] for place in places], "ease": "spline"}
    # the span of keys goes a whole number of times into the clip: once, twice or four times, there and back
    rounds = 1 if form == "keys" else draw(st.sampled_from([1, 2]))
    span = Fraction(SECONDS, rounds * (2 if form == "mirror" else 1))
    first = draw(numbers)
    last = draw(numbers) if form == "mirror" else first
    middle = [[f"{span * place / 4}s", draw(numbers), draw(easings)] for place in places]
    keys = [["0s", first, draw(easings)], *middle, [f"{span}s", last]]
    return keys if form == "keys" else {"keys": keys, "repeat": form}


@st.composite
def closing_names(draw: st.DrawFn) -> Any:
    """A model, or models that fade into each other all around the loop."""
    one = st.sampled_from(["portrait", "toon"])
    if draw(st.booleans()):
        return draw(one)
    places = sorted(draw(st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True)))
    fades = st.sampled_from(["fade 0.25s", "fade 0.5s ease-in-out", "fade 0.2s in-out-sine"])
    return [[f"{place}/4s", draw(one), draw(fades)] for place in places]


@st.composite
def closing_latents(draw: st.DrawFn) -> dict[str, Any]:
    """A walk that comes round."""
    path = draw(st.sampled_from(["spline", "linear", "slerp", "circle", "noise-loop"]))
    every = draw(st.sampled_from([{}, {"every": "1s"}, {"every": "0.7s"}]))
    seeds = st.lists(st.integers(0, 99), min_size=2, max_size=4, unique=True)
    if path == "circle":
        return {"path": path, "seeds": draw(seeds)[:2], **every}
    if path == "noise-loop":
        return {"path": path, "seed": draw(st.integers(0, 9)), **every}
    if draw(st.booleans()):
        return {"path": path, "seeds": draw(seeds), **every}
    places = sorted(draw(st.lists(st.integers(0, 7), min_size=2, max_size=4, unique=True)))
    easings = st.sampled_from(CONTINUOUS)
    return {
        "path": path,
        "keys": [[f"{place}/4s", draw(st.integers(0, 99)), draw(easings)] for place in places],
    }


@st.composite
def closing_presets(draw: st.DrawFn) -> dict[str, Any]:
    """A looping preset on `stylegan2` networks in which everything closes."""
    blend = {"low": draw(closing_names()), "high": "ukiyoe"}
    kinds = {"swap": "swap", "weight": "weight", "width": "width", "snapshot": "kimg"}
    blend |= draw(
        st.fixed_dictionaries({}, optional={name: closing_numbers(kind) for name, kind in kinds.items()})
    )
    more = st.fixed_dictionaries({}, optional={"truncation": closing_numbers("truncation")})
    return looping({"latents": draw(closing_latents()), "blend": blend, **draw(more)})


TWO = {"low": "portrait", "high": "toon"}
BACK_AND_FORTH = {"keys": [["0s", 4], ["0.5s", 32]], "repeat": "mirror"}
# What moves at one speed throughout, and which part of the moments that is.
STEADY = (
    ({"latents": {"path": "linear", "seeds": [3, 14]}}, "ws"),
    ({"latents": {"path": "linear", "seeds": [3, 14], "every": "0.5s"}}, "ws"),
    ({"truncation": [["0s", 0], ["50%", 1], ["end", 0]]}, "ws"),
    ({"blend": {**TWO, "weight": [["0s", 0], ["50%", 1], ["end", 0]], "swap": 4}}, "blend"),
    ({"blend": {**TWO, "swap": [["0s", 4], ["50%", 32], ["end", 4]]}}, "blend"),
    ({"blend": {**TWO, "swap": BACK_AND_FORTH}}, "blend"),
    ({"blend": {"model": [["0s", "portrait", "fade 1s"], ["1s", "toon", "fade 1s"]]}}, "mapping"),
)


def looping(sections: dict[str, Any]) -> dict[str, Any]:
    """A preset of 48 frames with these sections; without a blend it shows one model."""
    clip = {"duration": f"{SECONDS}s", "fps": 24, "loop": True}
    return {"models": models_of("stylegan2"), "clip": clip, "blend": "portrait", **sections}
