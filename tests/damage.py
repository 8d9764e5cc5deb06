"""Damage to presets for hypothesis: mistakes that are surely some, and whatever else may happen to a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Place = tuple[str | int, ...]

# What is wrong in any preset, whatever else it says: a place, and what is written there. By kind of mistake.
WRONG: dict[str, list[tuple[Place, Any]]] = {
    "type": [
        (("version",), "one"),
        (("models",), ["portrait"]),
        (("models", "odd"), 7),
        (("clip",), "8s"),
        (("clip", "duration"), [2]),
        (("clip", "fps"), "fast"),
        (("clip", "loop"), "yes"),
        (("clip", "markers"), "16b"),
        (("truncation",), "much"),
        (("truncation",), True),
        (("truncation",), [0.5]),
        (("truncation",), {"keys": 5}),
        (("latents",), {"keys": [["0s", ["seed 3"]]]}),
        (("latents",), {"directions": {"sefa": 1}}),
        (("latents",), {"seeds": [1.5]}),
        (("panels",), {"show": ["blend"], "labels": "maybe"}),
        (("outputs",), [7]),
        (("noise",), {"seed": "x"}),
        (("vars",), [1]),
        (("vars",), {"a b": 1}),
    ],
    "unknown key": [
        (("zzz",), 1),
        (("clip", "bmp"), 120),
        (("models", "odd"), {"fil": "a.pkl"}),
        (("latents",), {"pth": "spline"}),
        (("latents",), {"mixing": {"seeds": 3, "layers": 2, "swap": 4}}),
        (("truncation",), {"keys": [["0s", 1]], "eaes": "linear"}),
        (("truncation_clusters",), {"count": 3, "sede": 3}),
        (("transform",), {"spin": 3}),
        (("blend",), {"low": "portrait", "high": "toon", "swop": 8}),
        (("panels",), {"shw": "blend"}),
        (("outputs",), [{"file": "a.mp4", "cfr": 20}]),
        (("noise",), {"mdoe": "none"}),
    ],
    "unknown name": [
        (("latents",), {"path": "splin"}),
        (("latents",), {"space": "v"}),
        (("latents",), {"keys": [["0s", "file"]]}),
        (("truncation",), [["0s", 1, "esae"], ["end", 0]]),
        (("truncation",), {"keys": [["0s", 1]], "repeat": "twice"}),
        (("truncation",), "=nobody"),
        (("truncation",), "=sine(u)"),
        (("truncation",), {"huge": 1}),
        (("blend",), {"low": "portrait", "high": "tono"}),
        (("blend",), {"low": "portrait", "high": "toon", "mapping": "lwo"}),
        (("blend",), {"low": "portrait", "high": "toon", "swap": "33/2"}),
        (("panels",), ["lwo"]),
        (("outputs",), ["a.xyz"]),
        (("noise",), "loud"),
    ],
    "range": [
        (("version",), 2),
        (("models",), {}),
        (("clip", "fps"), 0),
        (("clip", "bpm"), 0),
        (("clip", "beats"), [1, 0.5]),
        (("truncation",), 1e9),
        (("truncation_cutoff",), -1),
        (("truncation_clusters",), 0),
        (("transform",), {"zoom": 0}),
        (("latents",), {"seeds": -1}),
        (("latents",), {"seeds": "9-99999"}),
        (("latents",), {"directions": [{"sefa": 4000}]}),
        (("latents",), {"labels": {1: 0.5}}),
        (("blend",), {"low": "portrait", "high": "toon", "swap": 2}),
        (("blend",), {"low": "portrait", "high": "toon", "width": -1}),
        (("panels",), []),
        (("panels",), {"scale": 99}),
        (("outputs",), [{"file": "a.mp4", "crf": 99}]),
        (("vars",), {"sin": 1}),
        (("truncation",), {"8-4": 1}),
        (("truncation",), {"4-8": 1, "8": 1}),
        (("truncation",), "=1/0"),
        (("truncation",), f"={'1+' * 250}1"),
        (("truncation",), "=9**9**9**9"),
    ],
    "missing": [
        (("models", "odd"), {}),
        (("latents",), {"mixing": {"seeds": [1]}}),
        (("latents",), {"mixing": {"layers": "2+"}}),
        (("latents",), {"directions": [{"strength": 1}]}),
        (("latents",), {"random": {"seed": 1}}),
        (("truncation",), {"keys": []}),
        (("truncation",), "="),
        (("truncation",), {}),
        (("blend",), {"low": "portrait"}),
        (("outputs",), [{"crf": 20}]),
        (("truncation",), [["0s"], ["end", 1]]),
    ],
    "time": [
        (("clip", "duration"), "5"),
        (("clip", "duration"), "3 parsecs"),
        (("clip", "duration"), "end"),
        (("clip", "duration"), "-1s"),
        (("clip", "duration"), "9999999s"),
        (("clip", "offset"), "50%"),
        (("clip", "markers"), {"s": "1s"}),
        (("truncation",), [["0s", 1], ["dorp", 2]]),
        (("truncation",), [["2s", 1], ["1s", 2]]),
        (("truncation",), [[2, 1]]),
        (("truncation",), {"keys": [["0s", 1]], "repeat": "loop"}),
        (("latents",), {"seeds": [1, 2], "every": "0s"}),
        (("latents",), {"keys": [["2s", 1], ["1s", 2]]}),
        (("blend",), {"low": [["0s", "toon", "fade -1s"]], "high": "portrait"}),
    ],
    "conflict": [
        (("latents",), {"seed": 1, "seeds": [2, 3]}),
        (("latents",), {"seeds": [1], "every": "1s", "position": 2}),
        (("latents",), {"path": "circle", "seeds": [1, 2, 3]}),
        (("latents",), {"path": "slerp", "space": "w"}),
        (("latents",), {"directions": [{"sefa": 1, "file": "x.npy"}]}),
        (("models", "odd"), {"file": "a.pkl", "snapshots": "runs"}),
        (("blend",), {"model": "toon", "swap": 8}),
        (("outputs",), ["a.mp4", "a.mp4"]),
        (("truncation",), {"keys": [["0s", 1, "ease"], ["end", 2]], "ease": "spline"}),
    ],
    "circle": [
        (("clip", "markers"), {"a": "b+1s", "b": "a"}),
        (("vars",), {"a": "=b", "b": "=a"}),
        (("truncation",), "=truncation/2"),
        (("blend",), {"low": "portrait", "high": "toon", "weight": "=blend.width", "width": "=blend.weight"}),
    ],
}
NEEDED: tuple[Place, ...] = (("models",), ("clip",), ("clip", "duration"), ("blend",))
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2.5,
        1e308,
        float("nan"),
        float("inf"),
        10**400,
        [],
        {},
        [[]],
        [None],
        [[[]]],
    ),
    *({"": 0}, {"keys": []}, {"keys": {"keys": []}}, "", " ", "~", "nonsense", "=", "=u", "=u+", "0s", "-4b"),
    *(
        "end",
        "drop+",
        "4-8",
        "2026-11-01",
        "seed",
        "fade",
        "fade 1s",
        "a: b",
        "{",
        "é",
        "\U0001f600",
        "x" * 500,
    ),
    *(
        "a\nb",
        "\t",
        "=(" * 60,
        "sample:portrait",
        ["0s", 1],
        [["0s", 1], ["end", 2]],
        [["0s", "toon", "fade 1s"]],
    ),
)
SCRAPS = (
    *(
        "[",
        "]",
        "{",
        "}",
        ":",
        ", ",
        "- ",
        "&a ",
        "*a",
        "!!set ",
        "|",
        ">",
        "%",
        "@",
        "'",
        '"',
        "\t",
        "\x00",
        "é",
    ),
    *(
        "~",
        ".nan",
        "1e999",
        "=",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
        "? ",
        "<<: ",
        "\r",
        "#",
        "extends: x\n",
        "\u2028",
    ),
    *("\ufeff", "\x85", "\x1b", "\ud800", "\n", "  "),
)


@st.composite
def wrong(draw: st.DrawFn, data: dict[str, Any]) -> tuple[dict[str, Any], Place]:
    """The data with one mistake in it, and where that is."""
    data = deepcopy(data)
    kind = draw(st.sampled_from([*WRONG, "gone", "misspelt"]))
    if kind == "gone":
        place = draw(st.sampled_from(NEEDED))
        del at(data, place[:-1])[place[-1]]
        return data, place
    if kind == "misspelt":
        places = [(*outer, key) for outer in [(), ("clip",)] for key in at(data, outer) if len(key) > 2]
        place = draw(st.sampled_from(places))
        holder, key = at(data, place[:-1]), place[-1]
        typo = key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else key[:-1]
        holder[typo] = holder.pop(key)
        return data, (*place[:-1], typo)
    place, value = draw(st.sampled_from(WRONG[kind]))
    at(data, place[:-1])[place[-1]] = value
    return data, place


@st.composite
def odd(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """The data with one to three places taken by something else, whether or not that is a mistake."""
    data = deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places_in(data))))
        at(data, place[:-1])[place[-1]] = deepcopy(draw(st.sampled_from(ODD)))
    return data


@st.composite
def torn(draw: st.DrawFn, text: str) -> str:
    """The text cut off, or with a few characters or lines taken out, put in, doubled or swapped."""
    if draw(st.integers(0, 3)) == 0:
        return text[: draw(st.integers(0, len(text)))]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        scraps = ["", text[start:end] * 2, *SCRAPS]
        text = text[:start] + draw(st.sampled_from(scraps)) + text[end:]
    return text


def places_in(data: Any, place: Place = ()) -> Iterator[Place]:
    """All places within plain data."""
    items = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from places_in(value, (*place, key))


def at(data: Any, place: Place) -> Any:
    """The data at a place."""
    for step in place:
        data = data[step]
    return data


# --- messages -----------------------------------------------------------------------------------------------

_SPLITS = re.compile("[\x0b\x0c\x1c-\x1e]")  # end a line for Python, and not for YAML, which refuses them
_HEAD = re.compile(r"(?P<name>[^\s:][^:]*):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)")


def messages_in(message: str, texts: Mapping[str, str]) -> list[str]:
    """The messages of an error about the files `texts`, without where they are; at least one.

    Raises AssertionError where a line of it is no located message, or the caret does not stand under the
    column that the message names.
    """
    found, lines = [], message.split("\n")
    if ": the file is empty;" in message:  # there is no line to point at
        return lines
    while lines:
        head = _HEAD.fullmatch(lines.pop(0))
        assert head, message
        assert head["name"] in texts, message
        found.append(head["text"])
        written = visible([*_SPLITS.sub("�", texts[head["name"]]).splitlines(), ""][int(head["line"]) - 1])
        if not written.strip():
            continue
        shown, caret = visible(lines.pop(0)), lines.pop(0)
        assert re.fullmatch(r" {4} *\^+", caret), message
        column, start = int(head["column"]) - 1, caret.index("^")
        assert shown.startswith("    "), message
        assert shown[start : start + 1].rstrip("…") in written[column : column + 1], message
        assert shown.strip().strip("…") in written, message
    assert found, "there is no message"
    return found


def visible(line: str) -> str:
    """A line with single spaces for tabs, and � for what cannot be seen."""
    return "".join(one if one.isprintable() else "�" for one in line.expandtabs(1))
