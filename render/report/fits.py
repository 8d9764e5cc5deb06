"""What the files' headers tell that a preset alone cannot: what will not work, and what may not be meant."""

from __future__ import annotations

from collections.abc import Sequence

from render.layout import STRIP_SHARE, Plan, font_of_captions, labels_of, layout_of, plan_of
from render.preset import Preset, position_of, resolution_of
from render.preset.captions import read_caption
from render.preset.formats import without_alpha
from render.preset.mistakes import place_text
from render.preset.panel_checks import placed_panels
from render.preset.strange_layers import strange_layers
from render.preset.sums import unsummed

from .models import FoundModel, Models, Sizes, sizes_in, used_models
from .words import NEAR, number_text

_NAMES = {"stylegan1": "StyleGAN1", "stylegan2": "StyleGAN2", "stylegan3": "StyleGAN3"}


def misfits(preset: Preset, models: Models) -> list[str]:
    """What the networks cannot do, located, one line each; nothing where no header tells."""
    used = used_models(preset, models)
    sizes = sizes_in(used)
    if sizes is None:
        return []
    found = [*_unlike(used), *_transform(preset, sizes), *_labels(preset, sizes), *_rows(preset, sizes)]
    found += _transparency(preset, sizes)
    return [*found, *strange_layers(preset, sizes.layers), *unsummed(preset, sizes.layers)]


def _unlike(used: list[FoundModel]) -> list[str]:
    """Networks of two kinds or sizes; the numbers of their latents are told where these differ."""
    known = {model.name: sizes for model in used if (sizes := model.sizes) is not None}
    shapes = {
        name: f"{_NAMES.get(sizes.architecture, sizes.architecture)} {sizes.resolution} px"
        for name, sizes in known.items()
    }
    for key, letter in (("z_dim", "z"), ("w_dim", "w")):
        if len({getattr(sizes, key) for sizes in known.values()}) > 1:
            shapes = {name: f"{shape} {letter} {getattr(known[name], key)}" for name, shape in shapes.items()}
    if len(set(shapes.values())) < 2:
        return []
    shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    return [f"models: they differ and cannot be blended: {shown}"]


def _transform(preset: Preset, sizes: Sizes) -> list[str]:
    if preset.transform is None or sizes.architecture == "stylegan3":
        return []
    kind = _NAMES.get(sizes.architecture, sizes.architecture)
    return [f"transform: only StyleGAN3 can move its picture; these networks are {kind}"]


def _transparency(preset: Preset, sizes: Sizes) -> list[str]:
    """Files that shall keep an alpha that is not there."""
    if sizes.img_channels in (None, 4):
        return []
    why = f"these networks draw no transparency: {without_alpha(sizes.img_channels)}; leave it out"
    return [
        f"outputs[{index}].transparent: {why}"
        for index, output in enumerate(preset.outputs)
        if output.transparent
    ]


def _labels(preset: Preset, sizes: Sizes) -> list[str]:
    track = preset.names().get("latents.labels")
    if track is None:
        return []
    if not sizes.c_dim:
        return ["latents.labels: these networks have no classes; leave the key out"]
    return [
        f"latents.labels: there is no class {name}; these networks have classes 0 to {sizes.c_dim - 1}"
        for name in track.names
        if int(name) >= sizes.c_dim
    ]


def _rows(preset: Preset, sizes: Sizes) -> list[str]:
    """Rows of ws and directions that are not there."""
    latents, found = preset.latents, []
    places = {f"latents.directions[{index}]": one.layers for index, one in enumerate(latents.directions)}
    if latents.mixing is not None:
        places["latents.mixing"] = latents.mixing.layers
    for place, rows in places.items():
        if rows is not None and sizes.num_ws is not None and not rows.indices(sizes.num_ws):
            text = f"there is no row {rows.text}; these networks have rows 0 to {sizes.num_ws - 1}"
            found.append(f"{place}.layers: {text}")
    return found + [
        f"latents.directions[{index}].sefa: there are directions 0 to {sizes.w_dim - 1} here, not {one.sefa}"
        for index, one in enumerate(latents.directions)
        if one.sefa is not None and one.sefa >= sizes.w_dim
    ]


# --- what works, and may not be meant -----------------------------------------------------------------------


def label_warnings(preset: Preset, sizes: Sizes | None) -> list[str]:
    """Captions with characters that the font lacks, or without room. Raises PresetError: it is no font.

    Of captions with words that move, `render` tells whether the first ones have room.
    """
    labels, font, layout = labels_of(preset), font_of_captions(preset), layout_of(preset)
    pictures = [sizes.picture] * len(labels) if sizes is not None else []
    still = ["" if read_caption(label).fields else label for label in labels]
    # The font, and NumPy with it, is read only where there is a doubt.
    is_doubtful = bool(pictures) and _may_be_cut(still, plan_of(layout, tuple(pictures)))
    if font is None and not is_doubtful and all(label.isascii() for label in labels):
        return []
    from render.lettering import check_font, gaps

    if font is not None:
        check_font(font)
    found = gaps(labels, font)
    if is_doubtful:
        from render.panels import cut_captions

        found += cut_captions(layout, pictures, still)
    return found


def _may_be_cut(labels: Sequence[str], plan: Plan) -> bool:
    """Whether any has too little room if its letters are as wide as high; most are half as wide."""
    letters = round(plan.strip / STRIP_SHARE)  # 0 where there are no captions
    return any((len(labels[place.picture]) + 1) * letters > place.width for place in plan.places)


def model_warnings(preset: Preset, models: Models) -> list[str]:
    """Kimg and layers that are not there, and models that nothing uses."""
    used = {model.name for model in used_models(preset, models)}
    warnings = [f"models.{name}: nothing shows it" for name in models if name not in used]
    warnings += _layer_warnings(preset, models)
    return warnings + _snapshot_warnings(preset, models) + _swap_warnings(preset, models)


def _layer_warnings(preset: Preset, models: Models) -> list[str]:
    """Cells of maps over layers that these networks do not have."""
    sizes = sizes_in(used_models(preset, models))
    layers = sizes.layers if sizes else ()
    return [
        f"{cell.track}: these networks have no such layers; theirs are {layers[0].name} to {layers[-1].name}"
        for over in preset.layer_maps().values()
        for cell in over.cells
        if layers
        and not any(cell.layers.covers(one.resolution, one.level, one.name, one.position) for one in layers)
    ]


def _snapshot_warnings(preset: Preset, models: Models) -> list[str]:
    """Kimg before the first snapshot of a series, and beyond its last."""
    tracks, wanted = preset.tracks(), []
    for name, place in preset.snapshot_tracks().items():
        if place in tracks:
            wanted += [(place, name, kimg) for kimg in (tracks[place].minimum, tracks[place].maximum)]
    for place, panel in placed_panels(preset):
        name = preset.snapshot_model if panel.word == "blend" else panel.word
        if panel.kimg is not None and name in models:
            wanted.append((place_text(place), name, panel.kimg))
    warnings = []
    for place, name, kimg in wanted:
        known = models[name].kimgs
        if known and not known[0] <= kimg <= known[-1]:
            near, word = (known[0], "begin") if kimg < known[0] else (known[-1], "end")
            warnings.append(
                f"{place}: goes to {number_text(kimg)} kimg, but the snapshots of {name} {word} at "
                f"{number_text(near)}, which is shown instead"
            )
    return list(dict.fromkeys(warnings))


def _swap_warnings(preset: Preset, models: Models) -> list[str]:
    """Swaps that go on where the network has no more layers."""
    mix, tracks = preset.mix, preset.tracks()
    sizes = sizes_in(used_models(preset, models))
    # A soft swap may well lie beyond, and StyleGAN3's layers have an axis of their own.
    unclear = mix.convention != "position" or "blend.width" in tracks
    if sizes is None or sizes.architecture == "stylegan3" or not mix.has_swap or unclear:
        return []
    behind = position_of(sizes.resolution) + 2
    return [
        f"{name}: goes to {number_text(resolution_of(tracks[name].maximum))}, but everything is "
        f"{names_text(preset, 'low')}'s from {2 * sizes.resolution} on"
        for name in ("blend.swap", "blend.to_rgb")
        if name in tracks and tracks[name].maximum > behind + NEAR
    ]


def names_text(preset: Preset, role: str) -> str:
    """Who is `low` or `high`: the model's name, or where that changes the role itself."""
    names = preset.mix.all_names()[role]
    return names[0] if len(names) == 1 else role
