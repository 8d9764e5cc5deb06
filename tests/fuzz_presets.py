"""Presets, beats and sets of channels from strangers: damaged bytes, odd values anywhere, bombs of YAML."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from test_damaged_presets import damaged

ROOT = Path(__file__).parent.parent
SEEDS_OF_BYTES = (0, 9, 10, 13, 27, 34, 38, 39, 42, 58, 91, 93, 123, 125, 127, 128, 192, 255)

# What no field expects, and what some would rather not meet.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1e308, 1e-308, 2**31, 2**63, -(2**64), 10**400, "", " ", "=", "=t", "=u*",
    "end", "100%", "-1s", "1e9s", "9" * 5000 + "s", "1e400s", "1e999999999s", "1/0s", "0.1e-99999f", "1b",
    "0x10", "a", "sample:portrait", "sample:../../x", "https://a", "hf://", "../" * 500 + "etc/passwd",
    "/dev/zero", "/dev/stdin", "~root/x", "~nobody/x.npz", "a\0b", "a\nb", "\x1b[31m", "\ud7ff\u202e",
    "🙂" * 50, "x" * 100_000, "=" + "(" * 500, "=" + "1+" * 5000 + "1", "=9**9**9**9", "=1e308*10",
    "=2**2**2**2**2", "=u" + ".a" * 50, "=[u for u in 1]", "=lambda: 1", "=__import__('os')", "='a'*10**9",
    "=10**10**8", "=floor(1e300)", "=noise(1e30)", "=min(" + "u," * 3000 + "1)", "64+", "4-" + "9" * 400,
    "0-999999999", "1," * 3000, "32/1", "L7", "{blend.swap}", "{" * 400,
    "{blend.swap:" + "0" * 99 + ".9f}", "{u:999999999}", "%d", "%999999999d.png", "%n%s%x.png",
    "file:a.gif", "pipe:1", "-y", "a.mp4", "a.gif", "9999999 GB", "9" * 400 + " MB", "1e5M", "#12345",
    "#gggggg", "24000/1001", "1/999999999999", "0/1", "9" * 5000, "steps(999999999)",
    "cubic-bezier(" + "9" * 400 + ",0,0,1)", "elastic", [], {}, [[]], [None], [["0s", 1]],
    [["0s", 1], ["0s", 2]], {"a": 1}, {"": ""}, [{}] * 3, {"keys": [["0s", 1]]},
    {"mix": {"a": {"4-8": 1}}}, [[["0s"]]], [0] * 300, {"file": "a.gif", "fps": 1e9},
    {"seeds": "0-4294967295"},

)  # fmt: skip


@cache
def shipped() -> tuple[str, ...]:
    """The texts of the presets that come with the project, and an example of everything else."""
    return tuple(path.read_text("utf-8") for path in sorted((ROOT / "presets").glob("*.yaml")))


def places(data: Any, place: tuple = ()) -> Iterator[tuple]:
    """Every place of plain data."""
    yield place
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from places(value, (*place, key))


def changed(rng: random.Random, text: str) -> str:
    """The same preset with odd values in up to three of its places, as flow YAML (which JSON is)."""
    data = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.choice([each for each in places(data) if each])
        holder = data
        for step in place[:-1]:
            holder = holder[step]
        other = rng.choice(list(places(data)))
        holder[place[-1]] = rng.choice(ODD) if rng.random() < 0.8 else _copy(data, other)
        if rng.random() < 0.3 and isinstance(holder, dict):
            holder[rng.choice((*holder, "extends", "x" * 300, "\0", "<<", "mix", "keys", "file"))] = (
                rng.choice(ODD)
            )
    return json.dumps(data, ensure_ascii=rng.random() < 0.5)


def _copy(data: Any, place: tuple) -> Any:
    for step in place:
        data = data[step]
    return json.loads(json.dumps(data))


def torn(rng: random.Random, raw: bytes) -> bytes:
    """The bytes with one to eight of them changed, cut out or repeated."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 8, 64, 1000)))
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = rng.choice(SEEDS_OF_BYTES) if rng.random() < 0.5 else rng.randrange(256)
        elif kind == 1:
            del data[at:to]
        elif kind == 2:
            data[at:at] = data[at:to] * rng.choice((1, 3, 50))
        else:
            data[at:at] = bytes(rng.choice(SEEDS_OF_BYTES) for _ in range(rng.randint(1, 6)))
    return bytes(data)


# --- bombs --------------------------------------------------------------------------------------------------

HEAD = "models: {a: sample:portrait}\nclip: {duration: 4s}\n"


def laughs(rng: random.Random, deep: int = 30) -> str:
    """Billion laughs: every line holds the one before nine times."""
    kind = rng.choice(("[{}]", "{{a: {}}}", "{{<<: [{}]}}", "{{? [{}] : 1}}"))
    lines = ["a0: &a0 [x]" if "<<" not in kind else "a0: &a0 {x: 1}"]
    for number in range(1, rng.choice((5, 9, deep))):
        held = ",".join([f"*a{number - 1}"] * 9)
        if kind.startswith("{{a:"):
            held = "{" + ",".join(f"k{n}: *a{number - 1}" for n in range(9)) + "}"
        lines.append(f"a{number}: &a{number} {kind.format(held)}")
    return HEAD + "\n".join(lines) + f"\nvars: {{p: *a{len(lines) - 1}}}\n"


def circle(rng: random.Random) -> str:
    return HEAD + rng.choice(
        (
            "latents: &a {files: [*a]}",
            "vars: &a {a: *a}",
            "panels: &a [*a]",
            "truncation: &a [[0s, *a]]",
            "&a [*a]",
        )
    )


def deep(rng: random.Random) -> str:
    many = rng.choice((50, 500, 5000, 400_000))
    return rng.choice(
        (
            HEAD + "vars: " + "[" * many,
            HEAD + "vars: " + "{a: " * many,
            HEAD + "panels: " + "[" * many + "]" * many,
            "\n".join(" " * depth + "a:" for depth in range(min(many, 1300))),
            HEAD + "vars: " + "- " * min(many, 5000),
            HEAD + "vars: " + "? " * min(many, 5000),
            HEAD + "vars: {p: '=" + "-" * many + "u'}",
            HEAD + "vars: {p: '=" + "(" * many + "u" + ")" * many + "'}",
            HEAD + "vars: {p: '=" + "abs(" * min(many, 5000) + "u" + ")" * min(many, 5000) + "'}",
        )
    )


def many(rng: random.Random) -> str:
    """100,000 of a thing."""
    count = rng.choice((300, 19_000, 100_000))
    numbers = range(count)
    return HEAD + rng.choice(
        (
            "truncation: [" + ",".join(f"[{n}f,1]" for n in numbers) + "]",
            "truncation: [" + ",".join(f"[0.{n:06d}s,'=u']" for n in numbers) + "]",
            "blend: {model: [" + ",".join(f"[{n}f,a]" for n in numbers) + "]}",
            "outputs: [" + ",".join(f"a{n}.gif" for n in numbers) + "]",
            "vars: {" + ",".join(f"v{n}: =v{n + 1}" for n in numbers) + "}",
            "vars: {" + ",".join(f"v{n}: '=u+{n}'" for n in numbers) + "}",
            "latents: {seeds: [" + ",".join(map(str, numbers)) + "]}",
            "latents: {keys: [" + ",".join(f"[{n}f,{n}]" for n in numbers) + "]}",
            "latents: {directions: [" + ",".join(["{sefa: 1, strength: '=u'}"] * count) + "]}",
            "panels: [" + ",".join(["a"] * count) + "]",
            "panels: {seeds: 0-255, show: [" + ",".join(["a"] * 300) + "], scale: 16}",
            "channels: {" + ",".join(f"c{n}: a" for n in numbers) + "}",
            "channels: {c: {from: a, layers: {32/0: [" + ",".join(map(str, numbers)) + "]}}}",
            "".join(f"k{n}: 1\n" for n in numbers),
            "&a " * count + "x: 1",
            "# " + "x" * min(999_000, count * 9),
            "vars: {p: '" + "x" * min(900_000, count * 9) + "'}",
            "blend: {mix: {a: {" + ",".join(f"{n}: 1" for n in numbers) + "}}}",
            "blend: {mix: {" + ",".join(f"m{n}: 1" for n in numbers) + "}}",
        )
    )  # fmt: skip


def huge_clips(rng: random.Random) -> str:
    """A day at a thousand frames a second, and formulas that are looked at over all of it."""
    length = rng.choice(("24h", "86400s", "1e9s", "2000000000f", "100000b", "0.000000001s"))
    rate = rng.choice(("1000", "240", "1e9", "1/3", "60"))
    more = rng.choice(
        (
            "truncation: '=sin(1/(u-0.5))'",
            "truncation: [[0s, 1], [end, 0, 'steps(1000000)']]",
            "truncation: '=noise(t*1e9)'",
            "latents: {every: 0.001s, seeds: 0-9}",
            "latents: {every: 1f, seeds: '0-4294967295'}",
            "truncation: {keys: [[0s, 0], [1f, 1]], repeat: true}",
            "outputs: [{file: a.gif, budget: 1 B}, {file: 'n/%d.png'}]",
            "panels: {show: [a], curves: [truncation]}",
        )
    )
    return f"models: {{a: sample:portrait}}\nclip: {{duration: {length}, fps: {rate}, bpm: 1000}}\n{more}\n"


def strange_yaml(rng: random.Random) -> str:
    return rng.choice(
        (
            "%YAML 9.9\n---\na: 1", "%TAG ! tag:x,2002:\n---\n!a b", "!!python/object:os.system [ls]",
            HEAD + "vars: !!python/name:os.system x", HEAD + "vars: !!binary aGk=",
            HEAD + "vars: !!set {a}", HEAD + "vars: !!omap [a: 1]", HEAD + "vars: {p: 2026-11-01}",
            HEAD + "vars: {p: 0o7_7}", HEAD + "vars: {p: 1:2:3:4}", HEAD + "vars: {p: .inf}",
            HEAD + "vars: {p: .nan}", HEAD * 2, HEAD + "---\n" + HEAD, HEAD + "...\n", "\ufeff" + HEAD,
            HEAD + "vars: |\n  a\n b", "- " + HEAD, "null", "3", "", "\n" * 100_000, "\t",
            HEAD + "vars: {1: 2, [a]: 3, {b: c}: 4}", HEAD + "vars: {p: *q}",
            HEAD + "vars: {p: 0x" + "f" * 5000 + "}", HEAD + "vars: {p: " + "9" * 200_000 + "}",
            HEAD + "vars: {p: 1e" + "9" * 50 + "}", HEAD + "vars: {p: \"" + "\\u0041" * 50_000 + "\"}",
            HEAD + "vars: {p: " + "a " * 200_000 + "}", "extends: /dev/zero", "extends: .",
            "extends: " + "../" * 3000,

        )
    )  # fmt: skip


BOMBS: tuple[Callable[[random.Random], str], ...] = (laughs, circle, deep, many, huge_clips, strange_yaml)


def preset(rng: random.Random) -> tuple[str, bytes]:
    """What was done, and the bytes of a preset."""
    text, chance = rng.choice(shipped()), rng.random()
    if chance < 0.15:
        return "torn", torn(rng, text.encode())
    if chance < 0.45:
        return "damaged", damaged(text, rng).encode("utf-8", "surrogatepass")
    if chance < 0.8:
        return "odd values", changed(rng, text).encode("utf-8", "surrogatepass")
    bomb = rng.choice(BOMBS)
    return bomb.__name__, bomb(rng).encode("utf-8", "surrogatepass")


# --- smaller texts ------------------------------------------------------------------------------------------


def beats(rng: random.Random) -> tuple[str, bytes]:
    lines = [f"{n * 0.5:.2f}" for n in range(rng.choice((0, 1, 2, 40)))]
    for _ in range(rng.randint(0, 4)):
        odd = (
            "1e999999999",
            "-1e-999999999",
            "9" * 5000,
            "1/3",
            "1/0",
            "nan",
            "inf",
            "# x",
            "\0",
            "٣",
            "1e6",
            "a b",
        )
        lines.insert(
            rng.randrange(len(lines) + 1), rng.choice((*odd, "1_0", "0x1", "+1", ".5", "5.", "1,5", "\x85"))
        )
    text = rng.choice(("\n", "\r", "\u2028", "\n\n", " # c\n")).join(lines)
    large = ("0.01\n" * 700_000, "\n" * 3_999_999, "1" * 3_900_000, "# " * 1_900_000, "0\n" * 30_000)
    if rng.random() < 0.2:
        return "large", rng.choice(large).encode()
    raw = text.encode("utf-8", "surrogatepass")
    return ("torn", torn(rng, raw)) if rng.random() < 0.5 else ("odd lines", raw)


SETS = "eyes:\n  32/0: [3, 17]\n  32/1: [5]\nmouth:\n  16/0: [1, 2, 3]\n"


def sets(rng: random.Random) -> tuple[str, bytes]:
    chance = rng.random()
    if chance < 0.4:
        return "damaged", damaged(SETS, rng).encode("utf-8", "surrogatepass")
    if chance < 0.6:
        return "torn", torn(rng, SETS.encode())
    if chance < 0.8:
        return "odd values", changed(rng, SETS).encode("utf-8", "surrogatepass")
    count = rng.choice((300, 20_000))
    texts = (
        laughs(rng).replace(HEAD, ""), deep(rng).replace(HEAD, ""), strange_yaml(rng),
        "eyes:\n  32/0: [" + ",".join(map(str, range(count))) + "]",
        "".join(f"s{n}: {{32/0: [1]}}\n" for n in range(count // 10)),
        "a: &a {32/0: [" + "1," * count + "]}\n" + "".join(f"b{n}: *a\n" for n in range(count // 100)),
    )  # fmt: skip
    return "bombs", rng.choice(texts).encode("utf-8", "surrogatepass")
