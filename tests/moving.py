"""Random clips, and what moves in them: times, numbers, maps over layers and names, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

RATES = (12, 12.5, 24, 25, 30, 50, 60, "24000/1001", "30000/1001")
MODELS = ("portrait", "ukiyoe", "toon")

EASINGS = (
    *("linear", "ease", "ease-in-out", "in-out-sine", "out-quad", "in-cubic", "out-back", "in-elastic"),
    *("ease-out-bounce", "hold", "steps(3)", "steps(4, start)", "cubic-bezier(0.3, -0.5, 0.6, 1.5)"),
    "linear(0, 0.4 20%, 1)",
)
# Every kind of number: lowest, highest, and values that are no plain numbers.
KINDS: dict[str, tuple[float, float, tuple[Any, ...]]] = {
    "truncation": (-1, 2, ()),
    "weight": (-0.5, 1.5, ()),
    "width": (0, 4, ()),
    "kimg": (0, 60, ()),
    "swap": (4, 64, ("32/1", "4/0", [16, 1], "8/1", 38.5)),
    "place": (-3, 7, ()),
    "cutoff": (0, 14, ()),
    "number": (-9, 9, ()),
    "zoom": (0.2, 4, ()),
}
LAYERS = (["4-8", "16+"], ["4-8", "16-32", "64+"], [32], ["4/0-8/1", "16/0"], ["8/1"])
NAMED_LAYERS = (["L0-L3", "L5+"], ["input", "L1"], ["L2"])
ROWS = (0, "0-1", "3+", "0,2-3", "1+")


@dataclass(frozen=True)
class Setting:
    """What the parts of a preset must know of each other.

    Attributes:
        known: names of numbers that formulas may read.
        networks: `stylegan2`, `stylegan3` or `labels`: only what networks of this kind can show; `any`:
            all of the language.
    """

    duration: Fraction
    fps: Fraction
    loop: bool = False
    bpm: Fraction | None = None
    offset: Fraction = Fraction(0)
    beats: int = 0
    markers: tuple[tuple[str, Fraction], ...] = ()
    networks: str = "any"
    known: list[str] = field(default_factory=list)

    def spellings(self, at: Fraction) -> list[Any]:
        """The ways of writing the moment `at` (in seconds)."""
        found: list[Any] = [f"{at}s", f"{at * self.fps}f", f"{at * 100 / self.duration}%"]
        found += [f"{float(at)}s"] if at.denominator in (1, 2, 4, 5, 8, 10) else []
        found += [f"{(at - self.offset) * self.bpm / 60}b"] if self.bpm else []
        found += [0, "0s"] if at == 0 else []
        left = self.duration - at
        found += ["end" if left == 0 else f"end{'-' if left > 0 else '+'}{abs(left)}s"]
        for name, moment in self.markers:
            more = at - moment
            found.append(name if more == 0 else f"{name}{'+' if more > 0 else '-'}{abs(more) * self.fps}f")
        return found


# --- the clip -----------------------------------------------------------------------------------------------


@st.composite
def clips(draw: st.DrawFn, networks: str = "any", loop: bool | None = None) -> tuple[dict, Setting]:
    """A section `clip`, and what it means."""
    rate = draw(st.sampled_from(RATES))
    fps = Fraction(str(rate))
    duration = Fraction(draw(st.integers(2, 12)), 4)
    clip: dict[str, Any] = {"fps": rate}
    bpm, offset, beats = None, Fraction(0), 0
    match draw(st.sampled_from(["none", "bpm", "bpm", "offset", "beats"])):
        case "bpm":
            bpm = clip["bpm"] = draw(st.sampled_from([60, 90, 120, 128]))
        case "offset":
            bpm = clip["bpm"] = draw(st.sampled_from([75, 140]))
            offset = Fraction(draw(st.integers(-4, 4)), 8)
            clip["offset"] = f"{offset}s"
        case "beats":
            steps = draw(st.lists(st.integers(1, 9), min_size=2, max_size=6))
            clip["beats"] = [sum(steps[: index + 1]) / 10 for index in range(len(steps))]
            beats = len(steps)
    bare = Setting(duration, fps, bpm=bpm and Fraction(bpm))  # a length: beats are counted without the offset
    texts = [text for text in bare.spellings(duration) if text not in ("end", "100%")]
    clip["duration"] = draw(st.sampled_from(texts))
    clip["loop"] = draw(st.booleans()) if loop is None else loop
    bare = Setting(duration, fps, clip["loop"], bare.bpm, offset, beats, (), networks)
    moments = draw(st.lists(moments_of(bare), max_size=2))
    markers = {}
    for name, moment in zip(("drop", "fill"), moments, strict=False):
        setting = Setting(duration, fps, bpm=bare.bpm, offset=offset, markers=tuple(markers.items()))
        clip.setdefault("markers", {})[name] = draw(st.sampled_from(setting.spellings(moment)))
        markers[name] = moment
    return clip, Setting(
        duration, fps, clip["loop"], bare.bpm, offset, beats, tuple(markers.items()), networks
    )


def moments_of(setting: Setting) -> st.SearchStrategy[Fraction]:
    """Moments of the clip, both ends among them."""
    return st.integers(0, 24).map(lambda part: setting.duration * part / 24)


@st.composite
def rising_times(draw: st.DrawFn, setting: Setting, most: int = 4, least: int = 1) -> list[Any]:
    """Times as written, in order; now and then two that are equal, or one outside of the clip."""
    if setting.beats and draw(st.booleans()):
        return [
            f"{beat}b" for beat in sorted(draw(st.lists(st.integers(-1, 9), min_size=least, max_size=most)))
        ]
    parts = st.one_of(st.integers(0, 24), st.integers(-4, 28))
    moments = sorted(draw(st.lists(parts, min_size=least, max_size=most)))
    return [draw(st.sampled_from(setting.spellings(setting.duration * part / 24))) for part in moments]


# --- numbers that move --------------------------------------------------------------------------------------


def plain_numbers(lowest: float, highest: float) -> st.SearchStrategy[float]:
    hundredths = st.integers(round(lowest * 100), round(highest * 100)).map(lambda number: number / 100)
    return st.one_of(hundredths, st.integers(int(lowest) + 1, int(highest)))


def values(kind: str) -> st.SearchStrategy[Any]:
    """A value of a key that is no formula."""
    lowest, highest, names = KINDS[kind]
    plain = plain_numbers(lowest, highest)
    return st.one_of(plain, st.sampled_from(names)) if names else plain


@st.composite
def formulas(draw: st.DrawFn, setting: Setting, kind: str) -> str:
    """A formula that has a value of the kind at any moment."""
    lowest, highest, _ = KINDS[kind]
    has_beats = setting.bpm is not None or setting.beats
    leaves = [
        "t",
        "u",
        "f/9",
        "fps/60",
        "tau",
        "pi",
        "2",
        "0.5",
        *(["b"] if has_beats else []),
        *setting.known,
    ]
    calls = ["sin({})", "cos(tau*{})", "abs({})", "floor({})", "noise({}, 3)", "smoothstep(0, 1, {})"]
    calls += ["({} if u < 0.5 else 1)", "max({}, 0)", *(["beat(b, 0.1) + {}"] if has_beats else [])]
    text = draw(st.sampled_from(leaves))
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            text = draw(st.sampled_from(calls)).format(text)
        else:
            text = f"({text} {draw(st.sampled_from('+-*'))} {draw(st.sampled_from(leaves))})"
    return f"={lowest} + {highest - lowest}*clamp({text})"


@st.composite
def animated(draw: st.DrawFn, setting: Setting, kind: str) -> Any:
    """An animated number in any of its forms."""
    match draw(st.sampled_from(["value", "keys", "keys", "formula", "mapping"])):
        case "value":
            return draw(
                values(kind).filter(lambda value: not isinstance(value, list))
            )  # a pair reads as keys
        case "formula":
            return draw(formulas(setting, kind))
        case form:
            return draw(keyed(setting, st.one_of(values(kind), values(kind), formulas(setting, kind)), form))


@st.composite
def keyed(draw: st.DrawFn, setting: Setting, of: st.SearchStrategy[Any], form: str = "keys") -> Any:
    """Keys with values drawn from `of`; `form`: a list of `keys`, or a `mapping`."""
    options: dict[str, Any] = {}
    if form == "mapping":
        options["ease"] = draw(st.sampled_from([*EASINGS, "spline", "spline"]))
        options["repeat"] = draw(st.sampled_from(["once", "loop", "mirror"]))
    times = draw(rising_times(setting))
    if options.get("repeat", "once") != "once":
        times = [setting.spellings(Fraction(0))[0], *draw(later_times(setting))]
    keys = []
    for time in times:
        easing = (
            [] if options.get("ease") == "spline" else draw(st.lists(st.sampled_from(EASINGS), max_size=1))
        )
        keys.append([time, draw(of), *easing])
    return {"keys": keys, **options} if form == "mapping" else keys


def later_times(setting: Setting) -> st.SearchStrategy[list[Any]]:
    """One to three times after 0, in order."""
    parts = st.lists(st.integers(2, 24), min_size=1, max_size=3, unique=True).map(sorted)
    return parts.map(lambda some: [f"{setting.duration * part / 24}s" for part in some])


@st.composite
def layered(draw: st.DrawFn, setting: Setting, kind: str) -> dict | list:
    """A map over layers, each cell an animated number; or keys whose values are such maps."""
    named = setting.networks == "stylegan3" or (setting.networks == "any" and draw(st.booleans()))
    cells = draw(st.sampled_from([*LAYERS, *(NAMED_LAYERS if named else ())]))
    if draw(st.booleans()):
        return {cell: draw(animated(setting, kind)) for cell in cells}
    return draw(keyed(setting, st.fixed_dictionaries({cell: values(kind) for cell in cells})))


# --- names --------------------------------------------------------------------------------------------------


@st.composite
def names(draw: st.DrawFn, setting: Setting, of: Sequence[Any], mixes: bool = False) -> Any:
    """A name, or keys of names that cut and fade; with `mixes` also of mixes."""
    one = st.sampled_from(of)
    pair = st.tuples(st.sampled_from(of[:-1]), st.integers(0, 4))
    mix = pair.map(lambda pair: {pair[0]: pair[1] / 4, of[-1]: 1 - pair[1] / 4})
    value = st.one_of(one, mix) if mixes else one
    if draw(st.booleans()):
        return draw(value)
    keys = []
    for time in draw(rising_times(setting)):
        shown = draw(value)
        changes = ["fade 0.2s", "fade 3f ease-in-out", "fade 10%", "fade 0s"]
        changes += ["ease-in", "linear"] if isinstance(shown, dict) else []
        keys.append([time, shown, *draw(st.lists(st.sampled_from(changes), max_size=1))])
    return keys
