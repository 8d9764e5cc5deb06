"""The JSON Schema of what is no mapping with fixed keys: times, seeds, keyframes, maps over layers, names."""

from __future__ import annotations

from typing import Any

from render.timeline import EASING_NAMES
from render.timeline.rates import MAX_FPS, MIN_FPS

from .quantities import (
    CUTOFF,
    FARTHEST,
    KIMG,
    NUMBER,
    PLACE,
    SWAP,
    TRUNCATION,
    WEIGHT,
    WIDTH,
    ZOOM,
    Quantity,
)

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to one of the definitions."""
    return {"$ref": f"#/definitions/{name}"}


def text(pattern: str, description: str = "") -> Schema:
    """Text of a pattern."""
    return {"type": "string", "pattern": pattern, **({"description": description} if description else {})}


def list_of(items: Schema, most: int | None = None) -> Schema:
    """A list of at least one item."""
    return {"type": "array", "minItems": 1, "items": items, **({"maxItems": most} if most else {})}


def keys_of(value: Schema, change: Schema, description: str) -> Schema:
    """Keyframes: [time, value], or [time, value, change]."""
    key = {
        "type": "array",
        "description": description,
        "items": [ref("time"), value, change],
        "minItems": 2,
        "maxItems": 6,  # an unquoted cubic-bezier(a, b, c, d) is four items to YAML
        "additionalItems": {"type": ["number", "string"]},
    }
    return list_of(key)


# --- times and easings --------------------------------------------------------------------------------------

_AMOUNT = "([0-9]+([.][0-9]*)?|[.][0-9]+)(\\s*/\\s*[1-9][0-9]*)?\\s*[sfb%]"
_TERM = f"({_AMOUNT}|0|[A-Za-z_]\\w*)"  # a word is a marker, or end
_WORD = "^[A-Za-z_][A-Za-z0-9_]*$"
_RATIO = "^[0-9.]+(\\s*/\\s*[0-9]+)?$"
_FORMULA = text("^\\s*(=|audio\\()", "A formula such as =0.7 + 0.1*sin(tau*u), or audio(low).")
_EASING = {
    "description": "How the value moves to the next key; default linear.",
    "anyOf": [
        {"enum": [name for name in EASING_NAMES if "(" not in name]},
        text("^\\s*(ease-)?(in|out|in-out)-[a-z]+\\s*$"),
        text("^\\s*(steps|cubic-bezier|linear)\\s*\\("),
    ],
}
_FADE = text("^\\s*fade\\s+\\S", "fade 1s, or fade 1s ease-in-out: how the change to this name happens.")

# --- layers, rows, latents ----------------------------------------------------------------------------------

_SEED = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_SEED_RANGES = text("^[0-9,\\s-]+$", "Seeds as text: 0-5,9.")
_LAYER = {
    "anyOf": [
        {"type": "number", "minimum": 4, "maximum": 8192},
        text("^\\s*([0-9.]+(\\s*/\\s*[01])?|[Ll][0-9]{1,2}|[Ii][Nn][Pp][Uu][Tt])\\s*$"),
    ],
    "description": "A resolution (32), a layer (32/1), or L7 in StyleGAN3.",
}
_PAIR = {"type": "array", "items": [{"type": "integer"}, {"enum": [0, 1]}], "minItems": 2, "maxItems": 2}
_BOUND = f"(({'|'.join(str(4 << power) for power in range(12))})(/[01])?|[Ll][0-9]{{1,2}}|input)"
_LAYER_RANGE = f"^\\s*{_BOUND}\\s*(\\+|-\\s*{_BOUND})?\\s*$"
_ROWS = "[0-9]{1,3}(\\+|-[0-9]{1,3})?"
_LATENT_FILE = {
    "anyOf": [
        text(
            "\\.([nN][pP][yYzZ]|[pP][tT])(#[0-9]+|\\[[0-9]+\\])?\\s*$",
            "A .npy, .npz or .pt file; me.npy#2 is a row.",
        ),
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["file"],
            "properties": {
                "file": text(
                    "\\.([nN][pP][yYzZ]|[pP][tT])(#[0-9]+|\\[[0-9]+\\])?\\s*$", "The file of latents."
                ),
                "space": {"enum": ["z", "w", "w+"], "description": "What it holds, where it does not tell."},
            },
        },
    ]
}
_LATENT = {
    "anyOf": [_SEED, text("^\\s*[\\w./~]", "seed 3, me.npz, walk.npy#2, or a latent's name."), _LATENT_FILE]
}

# --- names --------------------------------------------------------------------------------------------------

_NAME = {"type": "string", "minLength": 1}
_CLASS = {"anyOf": [{"type": "integer", "minimum": 0}, text("^\\s*[0-9]{1,7}\\s*$")]}
_MIX = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[0-9]+$"},
    "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
    "description": "Shares of classes that sum to 1, such as {3: 0.5, 5: 0.5}.",
}
_CLASS_OR_MIX = {"anyOf": [_CLASS, _MIX]}

# --- numbers that move --------------------------------------------------------------------------------------

_BOUNDED = {"type": "number", "minimum": -FARTHEST, "maximum": FARTHEST}
_VALUES: dict[Quantity, Schema] = {
    TRUNCATION: _BOUNDED,
    WEIGHT: _BOUNDED,
    WIDTH: {"type": "number", "minimum": 0},
    KIMG: {"type": "number", "minimum": 0},
    PLACE: {"type": "number"},
    CUTOFF: {"type": "number", "minimum": 0, "maximum": 64},
    NUMBER: {"type": "number"},
    ZOOM: {"type": "number", "exclusiveMinimum": 0},
    SWAP: _LAYER,
}
_LAYERED = (TRUNCATION, WEIGHT)
_KEY = "[time, value] or [time, value, easing]"


def _moving(keys: Schema) -> Schema:
    """The mapping form of keys."""
    ease = {
        "anyOf": [{"const": "spline"}, ref("easing")],
        "description": "The easing of keys without one; spline: one smooth curve through all keys.",
    }
    repeat = {
        "enum": ["once", "loop", "mirror"],
        "default": "once",
        "description": "What happens before the first and after the last key: it holds, or the keys repeat.",
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["keys"],
        "properties": {"keys": {**keys, "description": "The keys."}, "ease": ease, "repeat": repeat},
    }


def _animated(value: Schema, in_key: Schema) -> Schema:
    keys = keys_of({"anyOf": [in_key, _FORMULA]}, ref("easing"), _KEY)
    return {"anyOf": [value, _FORMULA, keys, _moving(keys)]}


def _layered(quantity: Quantity, value: Schema) -> Schema:
    cells = {"type": "object", "minProperties": 1, "propertyNames": {"pattern": _LAYER_RANGE}}
    in_key = {**cells, "additionalProperties": {"anyOf": [value, _FORMULA]}}
    keys = keys_of({"anyOf": [value, _FORMULA, in_key]}, ref("easing"), _KEY)
    number = ref(f"animated_{quantity.name}")
    layers = {
        **cells,
        "additionalProperties": number,
        "description": "A number for each range of layers: {4-8: 0, 16+: 1}.",
    }
    return {"anyOf": [number, layers, keys, _moving(keys)]}


def _by_model(value: Schema, description: str) -> Schema:
    """A number for each model; a mapping with keys is one animated number."""
    return {
        "type": "object",
        "minProperties": 1,
        "not": {"required": ["keys"]},
        "additionalProperties": value,
        "description": description,
    }


def shapes() -> dict[str, Schema]:
    """The definitions by name."""
    moment = text(f"^\\s*[-+]?\\s*{_TERM}(\\s*[-+]\\s*{_TERM})*\\s*$")
    time = "A time: 2s, 48f (frames), 4b (beats), 50%, end, 0, a marker, or a sum such as drop-1b."
    found = {
        "time": {"description": time, "oneOf": [{"const": 0}, moment]},
        "frame_rate": {
            "oneOf": [{"type": "number", "minimum": float(MIN_FPS), "maximum": MAX_FPS}, text(_RATIO)]
        },
        "tempo": {"oneOf": [{"type": "number", "minimum": 1, "maximum": 1000}, text(_RATIO)]},
        "beats": {
            "anyOf": [
                {"type": "string", "minLength": 1, "description": "A file with a time a line; detect."},
                {"type": "array", "minItems": 2, "items": {"type": ["number", "string"]}},
            ]
        },
        "markers": {
            "type": "object",
            "propertyNames": {"allOf": [{"pattern": _WORD}, {"not": {"enum": ["s", "f", "b", "end"]}}]},
            "additionalProperties": ref("time"),
        },
        "easing": _EASING,
        "seeds": {"anyOf": [_SEED, _SEED_RANGES, list_of({"anyOf": [_SEED, _SEED_RANGES]})]},
        "latent_files": {"anyOf": [_LATENT_FILE, list_of(_LATENT_FILE)]},
        "latent_keys": keys_of(_LATENT, ref("easing"), "[time, latent] or [time, latent, easing]"),
        "rows_of_ws": {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 63},
                text(f"^\\s*{_ROWS}(\\s*,\\s*{_ROWS})*\\s*$", "Rows of ws: 3, 0-5, 8+ or 0-2,6+."),
            ]
        },
        "model_name": {
            "anyOf": [_NAME, keys_of(_NAME, _FADE, "[time, name] or [time, name, fade 1s]")],
        },
        "classes": {
            "anyOf": [
                _CLASS,
                _MIX,
                keys_of(
                    _CLASS_OR_MIX,
                    {"anyOf": [_FADE, ref("easing")]},
                    "[time, class], [time, class, fade 1s] or [time, {3: 0.5, 5: 0.5}, easing]",
                ),
            ]
        },
        "vars": {
            "type": "object",
            "propertyNames": {"pattern": _WORD},
            "additionalProperties": ref(f"animated_{NUMBER.name}"),
        },
    }
    return found | _numbers()


def _numbers() -> dict[str, Schema]:
    """The definitions of animated numbers, and of those that differ from layer to layer or by model."""
    found = {}
    for quantity, value in _VALUES.items():
        in_key = {"anyOf": [value, _PAIR]} if quantity is SWAP else value
        found[f"animated_{quantity.name}"] = _animated(value, in_key)
    weights = _by_model(
        ref(f"layered_{WEIGHT.name}"), "A weight for each model: {anime: 1, toon: {16+: 0.5}}."
    )
    kimgs = _by_model(ref(f"animated_{KIMG.name}"), "A kimg for each model: {toon: 12}.")
    found["model_weights"] = weights
    found["swap_or_weights"] = {"anyOf": [ref(f"animated_{SWAP.name}"), ref("model_weights")]}
    found["kimg"] = {"anyOf": [ref(f"animated_{KIMG.name}"), kimgs]}
    for quantity in _LAYERED:
        found[f"layered_{quantity.name}"] = _layered(quantity, _VALUES[quantity])
    return found
