"""What is drawn on a GPU, as far as one that is only pretended can tell."""

from __future__ import annotations

import copy

import imageio_ffmpeg
import numpy as np
import pretended_gpu as pretended_gpu_module
import pytest
import torch
from conftest import REFERENCE, make_network
from pretended_gpu import WAITS, pretended_gpu
from test_fast import FOLDERS, SHAPES, STYLEGAN1, make_stylegan1

import render
from render.drawing import Drawer
from render.errors import BlendreelWarning
from render.networks import Generator
from render.networks.fast import fast
from render.networks.stylegan3 import picture_transform
from render.preset import Preset
from render.renderer import Renderer
from render.scene import Scene

NETWORKS = {
    **{f"stylegan2 {shape}": lambda shape=shape: make_network(3, **shape) for shape in SHAPES},
    **{f"stylegan1 {shape}": lambda shape=shape: make_stylegan1(**shape) for shape in STYLEGAN1},
    **{
        name: lambda name=name, ending=ending: render.load(REFERENCE / name / f"network.{ending}")
        for name, ending in FOLDERS.items()
    },
}
WALK = """\
version: 1
models: {portrait: sample:portrait}
clip: {duration: 2s, fps: 20, loop: true}
latents: {seeds: [3, 14, 15, 92]}
panels: [portrait]
outputs: [walk.mp4]
"""
HALF = 0.005  # of the pictures' range: what float16 may be off


@pytest.fixture(params=NETWORKS, scope="module")
def network(request) -> Generator:
    return NETWORKS[request.param]()


def latents(network: Generator, count: int = 3) -> torch.Tensor:
    return torch.randn([count, network.num_ws, network.w_dim], generator=torch.Generator().manual_seed(5))


def drawn(network: Generator, precision: str, transform: torch.Tensor | None = None) -> torch.Tensor:
    """On the GPU, as it comes back."""
    with pretended_gpu() as device:
        synthesis = fast(copy.deepcopy(network).to(device), precision)
        assert synthesis.precision.dtype == {"exact": torch.float32, "fast": torch.float16}[precision]
        transform = transform if transform is None else transform.to(device)
        return synthesis(latents(network).to(device), transform=transform).cpu()


def test_the_pretended_gpu_minds_where_tensors_lie():
    with pretended_gpu() as device:
        there, here = torch.ones(3).to(device), torch.ones(3)
        assert (there + 1).device == there[1:].device == torch.ones(2, device=device).device == device
        assert (there + there).cpu().tolist() == [2, 2, 2]
        with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
            there + here
        with pytest.raises(TypeError, match="can't convert cuda:0"):
            there.numpy()
        with pytest.raises(torch.OutOfMemoryError), pretended_gpu(1):
            torch.zeros(2**20, device=device)


def test_a_gpu_draws_what_a_cpu_draws(network):
    wanted = network.synthesis(latents(network))
    assert (drawn(network, "exact") - wanted).abs().max() < 1e-4
    assert (drawn(network, "fast") - wanted).abs().max() < HALF * (wanted.max() - wanted.min())


@pytest.mark.parametrize("name", ["stylegan2 {}", "stylegan1 {'fused': True}", "stylegan3-t"])
def test_a_gpu_is_asked_as_little_for_many_pictures_as_for_two(name, monkeypatch):
    """It would idle while it is asked for small things one by one."""
    asked, calculate = [], pretended_gpu_module.calculated

    def counted(function, name, *arguments):
        asked.append(name)
        return calculate(function, name, *arguments)

    monkeypatch.setattr(pretended_gpu_module, "calculated", counted)
    counts, network = [], NETWORKS[name]()
    with pretended_gpu() as device:
        synthesis = fast(network.to(device), "fast")
        for number in (2, 3):
            asked.clear()
            synthesis(latents(network, number).to(device))
            counts.append(len([name for name in asked if name in ("aten::convolution", "aten::bmm")]))
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_a_gpu_moves_pictures(name):
    network, transform = NETWORKS[name](), picture_transform((0.1, -0.2), 30, 1.2)
    wanted = network.synthesis(latents(network), transform=transform)
    assert (drawn(network, "exact", transform) - wanted).abs().max() < 1e-4


@pytest.mark.parametrize("noise", ["const", "none", "random"])
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_film_on_a_gpu_is_the_cpus(preset, precision, noise):
    preset = preset.replace(precision=precision, noise={"mode": noise})
    wanted = list(render.frames(preset, device="cpu"))
    with pretended_gpu():
        found = list(render.frames(preset, device="cuda:0"))
    furthest = max(np.abs(a.astype(int) - b).max() for a, b in zip(wanted, found, strict=True))
    assert furthest <= (1 if precision == "exact" else 12)


@pytest.mark.parametrize("swap", ["[[0s, 4], [end, 32]]", "[[0s, 4], [50%, 32], [end, 4]]"])
def test_a_gpu_is_waited_for_by_nobody_but_for_pictures_while_it_draws_others(
    sample_folder, monkeypatch, swap
):
    text = WALK.replace("[portrait]", "[blend]").replace("}\nclip", ", ukiyoe: sample:ukiyoe}\nclip")
    text = text.replace("{seeds: [3, 14, 15, 92]}", "3")
    preset = Preset.from_yaml(text + f"blend: {{low: portrait, high: ukiyoe, swap: {swap}}}\n")
    draw = Drawer._draw

    def noted(self, *batches):
        found = draw(self, *batches)
        WAITS.append("drawn")
        return found

    monkeypatch.setattr(Drawer, "_draw", noted)
    with pretended_gpu():
        scene = Scene.open(preset, "cuda:0")
        renderer, moments = Renderer(scene, batch_size=4), list(scene.moments())
        WAITS.clear()
        assert sum(1 for _ in renderer.frames(moments)) == 40
    assert set(WAITS) <= {"drawn", "event in MainThread", "event in drawing"}
    batches = WAITS.count("drawn")
    assert batches == (6 if "50%" in swap else 10)  # of 21 pictures, or of 40
    waits = [index for index, what in enumerate(WAITS) if what != "drawn"]
    assert len(waits) == batches
    for number, index in enumerate(waits, 1):  # by the first wait, the second batch was begun, and so on
        assert WAITS[:index].count("drawn") >= min(number + 1, batches)


def test_a_gpu_makes_files(preset, tmp_path):
    with pretended_gpu():
        film, gif = render.render(preset, out_dir=tmp_path, device="cuda:0")
    assert [imageio_ffmpeg.count_frames_and_secs(str(path))[0] for path in (film, gif)] == [13, 13]


@pytest.fixture
def walk(sample_folder) -> Preset:
    """40 different pictures of one network."""
    return Preset.from_yaml(WALK)


def filmed(preset: Preset, megabytes: float, batch_size: int | None = None) -> tuple[list, int]:
    """The film as a GPU with so much memory draws it, and how many pictures it drew at once in the end."""
    with pretended_gpu(megabytes) as device:
        scene = Scene.open(preset, device)
        renderer = Renderer(scene, batch_size)
        found = list(renderer.frames(scene.moments()))
        return found, renderer.drawer.batch_size


def test_a_film_fits_a_small_gpu_without_a_trial_that_fails(walk):
    found, count = filmed(walk, 0.6)
    assert len(found) == 40
    assert 1 < count < 40
    assert filmed(walk, 1000)[1] == 64


def test_a_gpu_that_runs_out_of_memory_draws_half_as_many(walk):
    wanted, _ = filmed(walk, 1000)
    with pytest.warns(BlendreelWarning, match="pictures at once did not fit in the memory of cuda:0"):
        found, count = filmed(walk, 0.6, batch_size=40)
    assert count in (20, 10, 5)
    assert np.abs(np.stack(found).astype(int) - np.stack(wanted)).max() <= 1
