"""rosinality's files: the reference to 1e-4, and networks written here in its layout to the last bit."""

from __future__ import annotations

import argparse
import math
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from conftest import REFERENCE, make_network, write_nvlabs
from hypothesis import given, settings
from hypothesis import strategies as st

import render
from render.checkpoints.formats import sniff
from render.errors import CheckpointError, UnsafeCheckpointError

FOLDER = REFERENCE / "rosinality"


def rosinality_state(network, noises: bool = True, blur: bool = True) -> OrderedDict:
    """The state of rosinality's Generator with the weights of `network`, in the order and shapes it has."""
    ours, config, state = network.state_dict(), network.config, OrderedDict()
    line = torch.tensor([float(tap) for tap in config.resample_filter])
    kernel = torch.outer(line, line) / line.sum() ** 2 * 4

    def modulated(theirs: str, name: str) -> None:
        state[f"{theirs}.conv.weight"] = ours[f"{name}.weight"][None]
        state[f"{theirs}.conv.modulation.weight"] = ours[f"{name}.affine.weight"]
        state[f"{theirs}.conv.modulation.bias"] = ours[f"{name}.affine.bias"]

    def styled(theirs: str, name: str, up: bool) -> None:
        modulated(theirs, name)
        if up and blur:
            state[f"{theirs}.conv.blur.kernel"] = kernel
        state[f"{theirs}.noise.weight"] = ours[f"{name}.noise_strength"].reshape(1)
        state[f"{theirs}.activate.bias"] = ours[f"{name}.bias"]

    def to_rgb(theirs: str, name: str, up: bool) -> None:
        state[f"{theirs}.bias"] = ours[f"{name}.bias"].reshape(1, -1, 1, 1)
        if up and blur:
            state[f"{theirs}.upsample.kernel"] = kernel
        modulated(theirs, name)

    for index in range(config.mapping_layers):
        state[f"style.{index + 1}.weight"] = ours[f"mapping.fc{index}.weight"]
        state[f"style.{index + 1}.bias"] = ours[f"mapping.fc{index}.bias"]
    state["input.input"] = ours["synthesis.b4.const"][None]
    styled("conv1", "synthesis.b4.conv1", up=False)
    to_rgb("to_rgb1", "synthesis.b4.torgb", up=False)
    sides = config.resolutions[1:]
    for index, side in enumerate(sides):
        styled(f"convs.{2 * index}", f"synthesis.b{side}.conv0", up=True)
        styled(f"convs.{2 * index + 1}", f"synthesis.b{side}.conv1", up=False)
    for index, side in enumerate(sides):
        to_rgb(f"to_rgbs.{index}", f"synthesis.b{side}.torgb", up=True)
    if noises:
        names = ["b4.conv1", *(f"b{side}.{conv}" for side in sides for conv in ("conv0", "conv1"))]
        for index, name in enumerate(names):
            state[f"noises.noise_{index}"] = ours[f"synthesis.{name}.noise_const"][None, None]
    state._metadata = OrderedDict({"": {"version": 1}, "style": {"version": 1}})
    return state


def write(path, data, legacy: bool = False):
    torch.save(data, path, _use_new_zipfile_serialization=not legacy)
    return path


def same(ours, theirs, but: str = "nothing") -> bool:
    state = theirs.state_dict()
    return all(torch.equal(t, state[name]) for name, t in ours.state_dict().items() if but not in name)


def test_the_reference_agrees():
    network, expected = render.load(FOLDER / "network.pt"), np.load(FOLDER / "expected.npz")
    z = torch.from_numpy(expected["z"])
    ws = network.mapping(z)
    found = {
        "ws": network.mapping.to_w(z),
        "image_const": network.synthesis(ws),
        "image_psi0.6": network(z, truncation_psi=0.6),
    }
    assert set(found) == set(expected.files) - {"z"}
    for name, ours in found.items():
        assert np.abs(ours.numpy() - expected[name]).max() < 1e-4, name


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "config",
    [
        {"resolution": 32},
        {"resolution": 256, "channel_base": 512, "mapping_layers": 3},
        {"resolution": 8, "mapping_layers": 8, "z_dim": 12, "w_dim": 12},
        {"channels": (8, 6, 4)},
        {"resample_filter": (1, 2, 1)},
        {"const_size": (4, 6)},
        {"resample_filter": (1, 4, 6, 4, 1)},
    ],
)
def test_every_structure_is_read_from_the_tensors(tmp_path, config, legacy):
    network = make_network(seed=4, **config)
    data = {"g_ema": rosinality_state(network), "latent_avg": network.mapping.w_avg}
    path = write(tmp_path / "photo.png", data, legacy)
    assert sniff(path) == "rosinality"
    loaded = render.load(path)
    assert loaded.structure() == network.structure()
    assert loaded.config.resample_filter == network.config.resample_filter
    assert same(loaded, network)
    z = torch.ones(1, network.z_dim)
    assert torch.equal(loaded(z, truncation_psi=0.5), network(z, truncation_psi=0.5))


@pytest.mark.parametrize(("multiplier", "base"), [(2, 32768), (1, 16384)])
def test_the_channel_multiplier_is_found(tmp_path, multiplier, base):
    widths = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256 * multiplier, 128: 128 * multiplier}
    network = make_network(resolution=128, channels=tuple(widths.values()))
    loaded = render.load(write(tmp_path / "a.pt", {"g_ema": rosinality_state(network)}))
    assert (loaded.config.channel_base, loaded.config.channel_max) == (base, 512)
    assert [loaded.config.width(side) for side in widths] == list(widths.values())


def test_a_whole_training_state_loads(tmp_path, low):
    """As train.py saves it: networks, optimisers, and the options it was started with."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    weight.sum().backward()
    optimiser.step()
    state = rosinality_state(low)
    data = {
        "g": OrderedDict((name, torch.zeros_like(t)) for name, t in state.items()),
        "d": {"convs.0.0.weight": weight},
        "g_ema": state,
        "g_optim": optimiser.state_dict(),
        "args": argparse.Namespace(size=16, path="faces", lr=0.002, iter=800000, channel_multiplier=2),
        "ada_aug_p": torch.tensor(0.1),
        "size": torch.Size([1, 2]),
        "loss": np.float64(0.5),
    }
    for legacy in (False, True):
        loaded = render.load(write(tmp_path / "a.pt", data, legacy))
        assert same(loaded, low, but="w_avg")


def test_plain_generators_and_lone_states_load(tmp_path, low):
    state = rosinality_state(low)
    for data in (
        {"g": state, "d": {}},
        state,
        {f"module.{name}": t for name, t in state.items()},
        {"g_ema": {name: torch.nn.Parameter(t) for name, t in state.items()}},
        {"g_ema": {name: t.half() for name, t in state.items()}},
    ):
        loaded = render.load(write(tmp_path / "a.pt", data))
        assert loaded.synthesis.b4.const.allclose(low.synthesis.b4.const, atol=2e-3)
        assert loaded.synthesis.b4.const.dtype == torch.float32


def test_a_missing_average_is_that_of_mapped_samples_and_always_the_same(tmp_path, low):
    path = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low)})
    first, second = render.load(path), render.load(path)
    assert torch.equal(first.mapping.w_avg, second.mapping.w_avg)
    z = torch.randn(20_000, low.z_dim, generator=torch.Generator().manual_seed(99))
    w = low.mapping.to_w(z)
    error = (first.mapping.w_avg - w.mean(dim=0)).abs() / w.std(dim=0)
    assert float(error.max()) < 5 / math.sqrt(4096)
    assert "seeded" in first.provenance.notes["w_avg"]


def test_missing_noises_are_drawn_and_always_the_same(tmp_path, low):
    path = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low, noises=False)})
    first, second = render.load(path), render.load(path)
    assert same(first, second)
    assert same(first, low, but="noise_const") is False  # w_avg is averaged
    maps = [tensor for name, tensor in first.state_dict().items() if name.endswith("noise_const")]
    assert len(maps) == 5
    assert all(0.5 < float(each.std()) < 1.5 for each in maps)
    assert "5 were missing" in first.provenance.notes["noise maps"]


def test_files_without_kernels_have_the_usual_one(tmp_path, low):
    path = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low, blur=False)})
    assert render.load(path).config.resample_filter == (1, 3, 3, 1)


def test_a_file_that_was_packed_again_loads(tmp_path, low):
    plain = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low), "latent_avg": low.mapping.w_avg})
    packed = tmp_path / "b.pt"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            new.writestr(name, old.read(name))
    assert same(render.load(packed), low)


def test_only_the_generator_is_read(tmp_path, low):
    """A damaged discriminator does no harm: its numbers stay in the file."""
    path = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low), "d": {"big": torch.full([1000], 7.5)}})
    data = path.read_bytes()
    path.write_bytes(data.replace(torch.full([1000], 7.5).numpy().tobytes(), bytes(4000)))
    assert render.load(path).resolution == 16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("input.input"), r"holds no generator of rosinality's .*it holds g_ema"),
        (lambda s: s.pop("conv1.activate.bias"), r"missing: synthesis\.b4\.conv1\.bias"),
        (lambda s: s.pop("style.1.weight"), "no StyleGAN2 generator of rosinality's"),
        (lambda s: s.pop("style.2.bias"), r"mapping network is not whole|missing: mapping"),
        (
            lambda s: s.update({"convs.9.conv.weight": torch.ones(1, 8, 8, 3, 3)}),
            "layers are missing between",
        ),
        (
            lambda s: s.update({"attention.query": torch.ones(3)}),
            r"a variant .* 1 tensors .*attention\.query",
        ),
        (lambda s: s.update({"to_rgbs.0.upsample.kernel": torch.ones(4, 4)}), "low-pass kernels differ"),
    ],
)
def test_what_is_no_such_generator_is_explained(tmp_path, low, change, words):
    state = rosinality_state(low)
    change(state)
    path = write(tmp_path / "odd.pt", {"g_ema": state, "latent_avg": low.mapping.w_avg})
    with pytest.raises(CheckpointError, match=rf"(?s)odd\.pt.*{words}"):
        render.load(path)


class Calls:
    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize("legacy", [False, True])
def test_what_asks_to_run_is_refused(tmp_path, capsys, low, legacy):
    path = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low), "extra": Calls()}, legacy)
    with pytest.raises(UnsafeCheckpointError, match=r"a\.pt asks to run builtins\.print"):
        render.load(path)
    assert "it ran" not in capsys.readouterr().out


@pytest.mark.parametrize("legacy", [False, True])
def test_a_cut_file_is_said_to_be_cut(tmp_path, low, legacy):
    whole = write(tmp_path / "a.pt", {"g_ema": rosinality_state(low)}, legacy).read_bytes()
    path = tmp_path / "cut.pt"
    for keep in (2000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(CheckpointError, match=r"cut\.pt is (cut off|damaged)") as caught:
            render.load(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("legacy", [False, True])
@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_damaged_files_load_or_are_refused(tmp_path_factory, legacy, data):
    path = tmp_path_factory.getbasetemp() / f"whole-{legacy}.pt"
    if not path.exists():
        write(path, {"g_ema": rosinality_state(make_network(seed=1))}, legacy)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, 12_000) | st.integers(len(whole) - 9_000, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    path.write_bytes(whole)
    try:
        outcome = f"damaged.pt has {render.load(path).resolution} px"
    except CheckpointError as error:
        outcome = str(error)
    assert "damaged.pt" in outcome


@pytest.mark.parametrize("swap", [4, 8, 23, "16/1"])
def test_a_network_blends_with_one_from_nvidias_pickle(tmp_path, low, high, swap, ws):
    state = {"g_ema": rosinality_state(low), "latent_avg": low.mapping.w_avg}
    theirs = render.load(write(tmp_path / "low.pt", state))
    ours = render.load(write_nvlabs(tmp_path / "high.pkl", high))
    mixed, expected = render.blend(theirs, ours, swap=swap), render.blend(low, high, swap=swap)
    torch.testing.assert_close(mixed.synthesis(ws), expected.synthesis(ws), atol=1e-5, rtol=1e-5)
