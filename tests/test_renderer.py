"""The renderer: right pixels, whatever the batch; each picture drawn once."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
import torch

import render
from render.drawing import Drawer, to_frames
from render.errors import BlendreelWarning, PresetError, RenderError
from render.networks.ops import to_uint8
from render.networks.synthesis import FastSynthesis
from render.networks.unmixed import Mix
from render.pixels import whole_levels
from render.preset import Preset
from render.renderer import Renderer, pick_device, smaller
from render.scene import Scene
from tests.conftest import CLIP, make_network


@pytest.fixture(params=["exact", "fast"])
def scene(preset, request):
    return Scene.open(preset.replace(precision=request.param), "cpu")


def frames(scene, indices=None, **settings):
    return list(Renderer(scene, **settings).frames(scene.moments(indices)))


def test_a_frame_is_the_plain_networks_pictures_side_by_side(scene, low):
    moment, frame = scene.moment(3), frames(scene, [3])[0]
    tuned = scene.blender.apply(moment.pictures[2].blend)
    mixed = scene.blender.apply(moment.pictures[1].blend)
    ws = torch.from_numpy(moment.pictures[0].ws)[None]
    expected = [to_uint8(network.synthesis(ws))[0].numpy() for network in (low, mixed, tuned)]
    assert frame.shape == (16, 3 * 16 + 2 * 4, 3)
    for index, picture in enumerate(expected):
        shown = frame[:, index * 20 : index * 20 + 16].astype(int)
        assert np.abs(shown - picture).max() <= (1 if scene.preset.precision == "exact" else 12)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 64])
def test_frames_do_not_depend_on_the_batch(scene, batch_size):
    expected = frames(scene, batch_size=2)
    for a, b in zip(expected, frames(scene, batch_size=batch_size), strict=True):
        assert np.array_equal(a, b)


def test_frames_do_not_depend_on_the_range_asked_for(scene):
    whole = frames(scene)
    for index, frame in zip(range(4, 9), frames(scene, range(4, 9)), strict=True):
        assert np.array_equal(whole[index], frame)


def test_the_models_stay_as_they_are(scene, low):
    model = scene.casts[0].generators[0]
    frames(scene)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in low.state_dict().items())
    pictures = (each.synthesis(torch.ones(1, 6, 8)) for each in (model, low))
    torch.testing.assert_close(*pictures, rtol=0, atol=1e-5)  # the same but for rounding


def drawn_pictures(monkeypatch) -> list:
    """The pictures that are drawn from now on."""
    drawn = []
    draw = Drawer._draw

    def counted(self, pictures, *batches):
        drawn.extend(pictures)
        return draw(self, pictures, *batches)

    monkeypatch.setattr(Drawer, "_draw", counted)
    return drawn


def test_a_picture_that_does_not_change_is_drawn_once(sample_folder, monkeypatch):
    text = CLIP.replace("seeds: [3, 14, 15]", "seed: 3").replace(
        "  snapshot: [[0s, 10], [50%, 40], [end, 10]]\n", ""
    )
    scene = Scene.open(Preset.from_yaml(text))
    drawn = drawn_pictures(monkeypatch)
    frames(scene, batch_size=4)
    # low and high stand still; of 13 blends the two at the ends of the swap are high's own.
    assert len(drawn) <= 2 + 12


def test_a_preview_is_the_smaller_picture_the_network_has(scene):
    full, small = frames(scene, [0])[0], frames(scene, [0], resolution=8)[0]
    assert small.shape == (8, 3 * 8 + 2 * 4, 3)
    assert full.shape[0] == 16


@pytest.mark.parametrize(("wanted", "expected"), [(1024, 128), (128, 128), (100, 64), (64, 64), (1, 4)])
def test_a_preview_takes_the_nearest_size_below(wanted, expected):
    assert smaller(128, wanted) == expected


def test_grey_and_transparent_pictures_become_rgb():
    grey = to_frames(torch.zeros(1, 1, 2, 2))
    assert grey.tolist() == [[[[128, 128, 128]] * 2] * 2]
    clear = torch.cat([torch.ones(1, 3, 1, 2), torch.tensor([[[[-1.0, 1.0]]]])], dim=1)
    assert to_frames(clear)[0, 0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_a_device_that_is_not_there_is_refused_with_what_there_is():
    assert pick_device("cpu") == torch.device("cpu")
    if not torch.cuda.is_available():
        with pytest.raises(PresetError, match=r"no device 'cuda' here; there is .*cpu"):
            pick_device("cuda")


@pytest.mark.parametrize("wanted", ["tpu", "cpu:x", "cuda:99", "cuda:-1", "mps:7", "", "CPU"])
def test_devices_that_nobody_has_are_refused_in_one_line(wanted):
    with pytest.raises(PresetError, match=f"^there is no device '{wanted}' here; there is .*cpu$"):
        pick_device(wanted)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_a_batch_has_at_least_one_picture(preset, batch_size):
    with pytest.raises(PresetError, match=f"batch_size is a whole number .* not {batch_size}"):
        next(render.frames(preset, batch_size=batch_size))


def test_python_frames_are_those_of_the_film(preset):
    some = list(render.frames(preset, 2, 5))
    assert [frame.shape for frame in some] == [(16, 56, 3)] * 3
    assert np.array_equal(some[0], frames(Scene.open(preset), [2])[0])


def test_pictures_that_are_not_square_keep_their_shape(tmp_path):
    render.save(make_network(seed=1, const_size=(4, 6)), tmp_path / "wide.safetensors")
    text = "version: 1\nmodels: {wide: wide.safetensors}\nclip: {duration: 1s}\n"
    scene = Scene.open(Preset.from_yaml(text, base_dir=tmp_path))
    for resolution, shape in ((None, (16, 24, 3)), (8, (8, 12, 3))):
        renderer = Renderer(scene, resolution=resolution)
        assert renderer.frame_size == (shape[1], shape[0])
        assert next(renderer.frames(scene.moments([0]))).shape == shape


def test_deep_pictures_are_the_plain_ones_between_their_levels():
    """Rounded to 8 bits every pixel is the same; edges of levels are met from both sides."""
    levels = (torch.arange(-3, 259).repeat_interleave(5) - 128) / 127.5
    edges = torch.stack([torch.nextafter(levels, levels + side) for side in (-1, 0, 1)])
    random = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    images = torch.cat([edges.flatten(), random])[: 3 * 67_000].reshape(1, 3, 67, 1000)
    deep, plain = to_frames(images, bits=16), to_frames(images)
    assert (deep.dtype, deep.min(), deep.max()) == (np.uint16, 0, 65_535)
    np.testing.assert_array_equal(whole_levels(deep, 8), plain)
    off = deep[0].transpose(2, 0, 1) / 65_535 - (images[0].clamp(-1, 1).numpy() + 1) / 2
    assert np.abs(off).max() < 1 / 65_535
    white = to_frames(torch.tensor([-1.0, 1.0]).reshape(1, 1, 1, 2), bits=16)
    assert white[0, 0].tolist() == [[0] * 3, [65_535] * 3]


def test_deep_frames_are_the_plain_ones_with_captions_and_all(scene):
    deep, plain = frames(scene, bits=16), frames(scene)
    assert {frame.dtype for frame in deep} == {np.dtype("uint16")}
    for a, b in zip(deep, plain, strict=True):
        assert np.abs(whole_levels(a, 8).astype(int) - b).max() <= 1  # captions are reduced once more finely
    assert len(np.unique(np.stack(deep) % 257)) > 200


def clip(text: str) -> Scene:
    head = "models: {portrait: sample:portrait, ukiyoe: sample:ukiyoe}\nprecision: exact\n"
    return Scene.open(Preset.from_yaml(f"version: 1\n{head}{text}"))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        # 16 frames: the swap goes up, holds for 4 frames, and comes down the same way.
        ("swap: [[0s, 4], [6f, 32], [10f, 32], [end, 4]]", 7),
        ("swap: {keys: [[0s, 4, ease], [25%, 32]], repeat: mirror}", 5),
        ("swap: {keys: [[0s, 4], [50%, 32]], repeat: loop}", 8),
        ("swap: 8", 1),
    ],
)
def test_what_a_clip_comes_back_to_is_drawn_once(sample_folder, monkeypatch, text, count):
    scene = clip(
        "clip: {duration: 16f, fps: 16, loop: true}\nlatents: 3\n"
        f"blend: {{low: portrait, high: ukiyoe, {text}}}"
    )
    drawn = drawn_pictures(monkeypatch)
    whole = frames(scene, batch_size=2)
    assert len(drawn) == count
    for index, frame in enumerate(whole):  # and every frame is what it is alone
        assert np.array_equal(frame, next(Renderer(scene).frames([scene.moment(index)])))


def test_walks_that_are_walked_back_are_drawn_once(sample_folder, monkeypatch):
    scene = clip(
        "clip: {duration: 16f, fps: 16, loop: true}\n"
        "latents: {seeds: [3, 14], position: {keys: [[0s, 0], [50%, 1]], repeat: mirror}}\nblend: portrait"
    )
    drawn = drawn_pictures(monkeypatch)
    assert len(frames(scene, batch_size=3)) == 16
    assert len(drawn) == 9


def test_circles_of_several_rounds_are_drawn_once(sample_folder, monkeypatch):
    scene = clip(
        "clip: {duration: 16f, fps: 16, loop: true}\n"
        "latents: {seeds: [3, 14], path: circle, every: 8f}\nblend: portrait"
    )
    drawn = drawn_pictures(monkeypatch)
    frames(scene)
    assert len(drawn) == 8


def test_a_swap_sweep_computes_what_its_pictures_share_once(sample_folder, monkeypatch):
    scene = clip(
        "clip: {duration: 8f, fps: 8}\nlatents: 3\n"
        "blend: {low: portrait, high: ukiyoe, swap: [[0s, 16], [end, 32]]}"
    )
    steps, mixed = [], []
    walk, mean = FastSynthesis._walk, Mix.mixed

    def counted(self, batch, state, stop):
        steps.extend(position for position in range(state.position, stop) for _ in range(len(batch)))
        return walk(self, batch, state, stop)

    monkeypatch.setattr(FastSynthesis, "_walk", counted)
    monkeypatch.setattr(Mix, "mixed", lambda mix: mixed.append(mix) or mean(mix))
    frames(scene, batch_size=2)
    # Positions 0 to 3 are the same in all 8 frames; 4 and 5 are the ones that the swap passes.
    assert [steps.count(position) for position in range(4)] == [1, 1, 1, 1]
    assert 8 <= steps.count(4) + steps.count(5) <= 16
    # Between two cuts one layer is blended in each frame, of 4 tensors at level 0 and 7 at level 1.
    assert len(mixed) <= 6 * 7


def test_a_batch_that_does_not_fit_in_memory_is_halved_with_one_line(scene, monkeypatch):
    expected = frames(scene)
    draw, refused = FastSynthesis.draw, []

    def narrow(self, batch, *arguments, **options):
        if len(batch) > 2:
            refused.append(len(batch))
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return draw(self, batch, *arguments, **options)

    monkeypatch.setattr(FastSynthesis, "draw", narrow)
    with pytest.warns(
        BlendreelWarning, match="did not fit in the memory of cpu; going on with [12]$"
    ) as said:
        ours = frames(scene, batch_size=5)
    assert len(said) == len(refused)
    for a, b in zip(expected, ours, strict=True):
        assert np.array_equal(a, b)


def test_a_picture_that_does_not_fit_alone_is_an_error(scene, monkeypatch):
    def refuse(self, *arguments, **options):
        raise MemoryError

    monkeypatch.setattr(FastSynthesis, "draw", refuse)
    with pytest.raises(RenderError, match="one picture of 16 px does not fit in the memory of cpu"):
        frames(scene, batch_size=1)


def test_other_errors_of_networks_are_not_taken_for_a_lack_of_memory(scene, monkeypatch):
    def fail(self, *arguments, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(FastSynthesis, "draw", fail)
    with pytest.raises(RuntimeError, match="something else"):
        frames(scene)


def test_a_loop_that_is_left_early_leaves_no_thread(scene):
    before = threading.active_count()
    for _ in Renderer(scene).frames(scene.moments()):
        break
    gc.collect()
    assert threading.active_count() == before
