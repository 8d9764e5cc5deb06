"""Random valid presets as plain data, over the whole language, and as text; for hypothesis.

A preset is drawn from the front to the back: its clip first, which says what times mean, then its variables,
then everything that may read them. So whatever is drawn is valid, and nothing has to be thrown away.
"""

from __future__ import annotations

import json
from fractions import Fraction
from io import StringIO
from typing import Any

from hypothesis import strategies as st
from moving import MODELS, RATES, ROWS, Setting, animated, clips, keyed, layered, names, plain_numbers
from ruamel.yaml import YAML

# --- latents ------------------------------------------------------------------------------------------------

SEEDS = st.one_of(
    st.lists(st.integers(0, 99), min_size=1, max_size=5),
    st.sampled_from(["0-4", "3,5-7", [1, "4-6"], 7, [3, 14, 3], [2**32 - 1]]),
)
FILES = ("me.npz", "walk.npy#2", {"file": "z.npy#0", "space": "z"}, "file me.npz", "anna")


@st.composite
def walks(draw: st.DrawFn, setting: Setting, name: str, must: bool = False) -> dict[str, Any]:
    """The keys of a walk; `name`: of its section, for its position; `must`: it names its latents."""
    path = draw(st.sampled_from(["spline", "linear", "slerp", "hold", "circle", "noise-loop"]))
    walk: dict[str, Any] = {"path": path}
    in_z = path in ("slerp", "circle", "noise-loop")
    if not in_z and draw(st.booleans()):
        walk["space"] = draw(st.sampled_from(["z", "w"]))
        in_z = walk["space"] == "z"
    if path == "circle":
        walk["seeds"] = draw(st.lists(st.integers(0, 99), min_size=2, max_size=2, unique=True))
    elif path == "noise-loop":
        walk |= draw(
            st.fixed_dictionaries({"seed": st.integers(0, 9)}, optional={"diameter": plain_numbers(0, 3)})
        )
    else:
        sources = [
            "seeds",
            "seed",
            "random",
            "keys",
            *([] if in_z else ["files"]),
            *([] if must else ["none"]),
        ]
        walk |= draw(latents_of(draw(st.sampled_from(sources)), setting, in_z))
    if "keys" not in walk:
        match draw(st.sampled_from(["", "", "every", "position"])):
            case "every":
                length = setting.duration * draw(
                    st.sampled_from([Fraction(1, 4), Fraction(2, 3), Fraction(1, 5)])
                )
                walk["every"] = draw(st.sampled_from([f"{length}s", f"{length * setting.fps}f"]))
            case "position":
                walk["position"] = draw(animated(setting, "place"))
                setting.known.append(f"{name}.position")
    return walk


@st.composite
def latents_of(draw: st.DrawFn, source: str, setting: Setting, in_z: bool) -> dict[str, Any]:
    """Where a walk has its latents from."""
    match source:
        case "seeds":
            return {"seeds": draw(SEEDS)}
        case "seed":
            return {"seed": draw(st.integers(0, 99))}
        case "random":
            return {"random": draw(st.sampled_from([3, {"count": 4, "seed": 1}]))}
        case "files":
            return {"files": draw(st.sampled_from(["me.npz", ["walk.npy"], ["me.npz", "walk.npy#3"]]))}
        case "keys":
            some = st.one_of(st.integers(0, 99), st.integers(0, 99).map("seed {}".format))
            latent = some if in_z else st.one_of(some, st.sampled_from(FILES))
            return {"keys": draw(keyed(setting, latent))}
    return {}


@st.composite
def latents(draw: st.DrawFn, setting: Setting) -> dict[str, Any]:
    """A section `latents`."""
    found = draw(walks(setting, "latents"))
    if "position" not in found and setting.networks == "any":
        found |= draw(st.sampled_from([{}, {"pace": "even"}, {"pace": "clock"}]))
    if draw(st.booleans()):
        mixing = draw(walks(setting, "latents.mixing", must=True)) | {"layers": draw(st.sampled_from(ROWS))}
        found["mixing"] = mixing | draw(
            st.fixed_dictionaries({}, optional={"weight": animated(setting, "weight")})
        )
    directions = st.fixed_dictionaries(
        {}, optional={"layers": st.sampled_from(ROWS), "strength": animated(setting, "number")}
    )
    for one in draw(st.lists(directions, max_size=2)):
        source = draw(st.sampled_from([{"sefa": 0}, {"sefa": 3}, {"file": "age.npy"}]))
        found.setdefault("directions", []).append(source | one)
    if setting.networks == "labels" or (setting.networks == "any" and draw(st.booleans())):
        found["labels"] = draw(names(setting, [0, 1, 3], mixes=True))
    return found


# --- the whole preset ---------------------------------------------------------------------------------------


@st.composite
def blends(draw: st.DrawFn, setting: Setting) -> Any:
    """A section `blend`: one model, two with a swap, or many with weights."""
    form = draw(st.sampled_from(["model", "pair", "pair", "pair", "many"]))
    if form == "model":
        model = draw(names(setting, MODELS))
        return model if draw(st.booleans()) else {"model": model}
    blend = draw(pairs(setting) if form == "pair" else mixes(setting))
    optional = {"interpolation": st.sampled_from(["linear", "keep-norm"]), "noise": names(setting, MODELS)}
    if blend.get("convention", "position") != "position":
        optional = {}
    has_series = "ukiyoe" in {
        *shown(blend.get("low", [])),
        *shown(blend.get("high", [])),
        *blend.get("add", {}),
    }
    if setting.networks in ("any", "stylegan2") and (has_series or "mix" in blend):
        kimg = animated(setting, "kimg")
        optional["snapshot"] = st.one_of(kimg, st.fixed_dictionaries({"ukiyoe": kimg}))
    return blend | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def pairs(draw: st.DrawFn, setting: Setting) -> dict[str, Any]:
    """A blend of `low` and `high`."""
    blend: dict[str, Any] = {role: draw(names(setting, MODELS)) for role in ("low", "high")}
    wanted = draw(st.sets(st.sampled_from(["swap", "width", "weight", "mapping", "convention", "to_rgb"])))
    if "mapping" in wanted:
        blend["mapping"] = draw(names(setting, ["low", "high", "blend", *MODELS]))
    if "convention" in wanted:
        conventions = ["position", *([] if "to_rgb" in wanted else ["pinkney"])]
        conventions += (
            [] if wanted & {"to_rgb", "width"} or setting.networks == "stylegan3" else ["dvschultz"]
        )
        blend["convention"] = draw(st.sampled_from(conventions))
    if "weight" in wanted and draw(st.booleans()):
        blend["weight"] = draw(layered(setting, "weight"))
        wanted.remove("weight")
    for name, kind in {"swap": "swap", "width": "width", "weight": "weight", "to_rgb": "swap"}.items():
        if name in wanted:
            blend[name] = draw(animated(setting, kind))
            setting.known.append(f"blend.{name}")
    return blend


@st.composite
def mixes(draw: st.DrawFn, setting: Setting) -> dict[str, Any]:
    """A blend of many models: a mix whose weights have a sum far above 0, or task vectors."""
    weight = st.one_of(animated(setting, "weight"), layered(setting, "weight"))
    some = draw(st.fixed_dictionaries({"ukiyoe": weight}, optional={"toon": weight}))
    optional = {"mapping": names(setting, ["blend", *MODELS])}
    if draw(st.booleans()):
        return {"base": "portrait", "add": some, **draw(st.fixed_dictionaries({}, optional=optional))}
    blend = {"mix": {"portrait": 5, **some}, "normalise": True}
    optional["to_rgb"] = st.just({"portrait": 3, "ukiyoe": 1})
    return blend | draw(st.fixed_dictionaries({}, optional=optional))


def shown(keys: Any) -> list[str]:
    """The names in a value that `names` has drawn."""
    return [keys] if isinstance(keys, str) else [key[1] for key in keys]


PANELS = st.sampled_from(
    [
        "blend",
        ["blend", "portrait"],
        [["blend", "blend"], ["ukiyoe", {"show": "toon", "label": "a label: with colon"}]],
        {"show": ["blend"], "labels": True, "gap": 0, "background": "#fff"},
        {"scale": 2},
    ]
)
OUTPUTS = st.lists(
    st.one_of(
        st.sampled_from(["morph.mp4", "m.mov", "b.gif", {"file": "x, y.gif", "fps": 12.5, "colors": 16}]),
        st.fixed_dictionaries(
            {"file": st.sampled_from(["c.mp4", "d: e.mp4"])},
            optional={
                "fps": st.sampled_from(RATES),
                "width": st.integers(16, 999),
                "crf": st.integers(0, 51),
            },
        ),
    ),
    max_size=3,
    unique_by=lambda output: output if isinstance(output, str) else output["file"],
)
NOISE = st.sampled_from(["const", "none", {"mode": "random", "seed": 7}])


@st.composite
def presets(draw: st.DrawFn, networks: str = "any", loop: bool | None = None) -> dict[str, Any]:
    """A valid preset as plain data; relative files are those of `latent_files`."""
    clip, setting = draw(clips(networks, loop))
    data: dict[str, Any] = {"version": 1, "models": models_of(networks), "clip": clip}
    for name in draw(st.lists(st.sampled_from(["peak", "sway", "rise_2"]), unique=True, max_size=3)):
        data.setdefault("vars", {})[name] = draw(animated(setting, "number"))
        setting.known.append(name)
    wanted = draw(
        st.sets(st.sampled_from(["truncation", "truncation_cutoff", "transform", "latents", "clusters"]))
    )
    if "truncation" in wanted and draw(st.booleans()):
        data["truncation"] = draw(layered(setting, "truncation"))
    elif "truncation" in wanted:
        data["truncation"] = draw(animated(setting, "truncation"))
        setting.known.append("truncation")
    if "truncation_cutoff" in wanted:
        data["truncation_cutoff"] = draw(animated(setting, "cutoff"))
    if "transform" in wanted and networks in ("any", "stylegan3"):
        kinds = {"x": "number", "y": "number", "rotate": "number", "zoom": "zoom"}
        parts = draw(st.sets(st.sampled_from(sorted(kinds))))
        data["transform"] = {name: draw(animated(setting, kinds[name])) for name in sorted(parts)}
    data["blend"] = draw(blends(setting))
    if "latents" in wanted:
        data["latents"] = draw(latents(setting))
    if "clusters" in wanted and data.get("latents", {}).get("path") not in ("circle", "noise-loop"):
        data["truncation_clusters"] = draw(st.sampled_from([4, {"count": 3, "seed": 5}]))
    optional = {"panels": PANELS, "outputs": OUTPUTS, "noise": NOISE}
    return data | draw(st.fixed_dictionaries({}, optional=optional))


def models_of(networks: str) -> dict[str, Any]:
    """Three models; those of `any` and `stylegan2` have a series among them."""
    if networks in ("stylegan3", "labels"):
        return {name: f"{networks}-{name}.safetensors" for name in MODELS}
    toon = (
        {"file": "toon.safetensors"} if networks == "stylegan2" else {"file": "a b.pkl", "sha256": "0f" * 32}
    )
    return {"portrait": "sample:portrait", "ukiyoe": {"snapshots": "sample:ukiyoe"}, "toon": toon}


# --- as text ------------------------------------------------------------------------------------------------


def text_of(data: dict[str, Any], form: str = "block") -> str:
    """The YAML text of plain data: in `block` or `flow` style, `mixed`, or as `json`."""
    if form == "json":
        return json.dumps(data, indent=1)
    yaml, stream = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style = {"block": False, "flow": True, "mixed": None}[form]
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = 100
    yaml.dump(data, stream)
    return stream.getvalue()


FORMS = ("block", "flow", "mixed", "json")
