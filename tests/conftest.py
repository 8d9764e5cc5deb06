"""Tiny seeded networks, files of them, and a folder of samples, for all tests."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import sys
import types
from pathlib import Path

# Tiny networks are slower on several threads than on one. Set before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# The same examples on every machine and every day; `--hypothesis-profile default` looks for new ones.
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

REFERENCE = Path(__file__).parent / "reference"


def make_network(seed: int = 0, **config):
    """A StyleGAN2 with random but lively weights: biases, noise strengths and averages are not zero.

    16 px with 8 channels unless `config` says otherwise. The same seed and config give the same network.
    """
    import torch

    from render.networks import StyleGAN2, StyleGAN2Config, build

    size = {
        "resolution": 16,
        "z_dim": 8,
        "w_dim": 8,
        "channel_base": 128,
        "channel_max": 8,
        "mapping_layers": 2,
    }
    config = StyleGAN2Config(**size | config)
    with torch.random.fork_rng():
        fresh = StyleGAN2(config).state_dict()
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, tensor in fresh.items():
        value = torch.randn(tensor.shape, generator=random)
        if name.endswith("affine.bias"):
            value = 1 + 0.3 * value
        elif name.endswith(("bias", "w_avg", "noise_strength")):
            value = 0.3 * value
        elif name.startswith("mapping.fc") and name.endswith("weight"):
            value = value / config.mapping_lr_multiplier
        elif name.endswith("torgb.weight"):
            value = 0.3 * value
        tensors[name] = fresh[name] if name.endswith("filter") else value
    return build(config, tensors)


def make_relative(parent, seed: int = 100, distance: float = 0.3):
    """A network near `parent`, as fine-tuning leaves it: every trained tensor moved, noise maps the same."""
    import torch

    from render.networks import build

    random = torch.Generator().manual_seed(seed)
    moved = {
        name: tensor
        if name.endswith(("filter", "noise_const"))
        else tensor + distance * tensor.abs().mean() * torch.randn(tensor.shape, generator=random)
        for name, tensor in parent.state_dict().items()
    }
    return build(parent.config, moved)


class _Persistent:
    """What NVIDIA's files hold for a module: a call of `_reconstruct_persistent_obj` with its description."""

    def __init__(self, description: dict):
        self.description = description

    def __reduce__(self):
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.description,)


def describe_module(module, class_name: str = "Generator", source: str = "", **extra) -> _Persistent:
    """`module` and its children as NVIDIA's persistence writes them; `extra`: the outermost's attributes."""
    state = {
        "training": False,
        "_parameters": dict(module._parameters),
        "_buffers": dict(module._buffers),
        "_modules": {
            name: describe_module(m, type(m).__name__, source) for name, m in module._modules.items()
        },
        **extra,
    }
    return _Persistent(
        {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}
    )


def write_nvlabs(
    path: Path, generator=None, data=None, *, source: str = "", protocol: int = 4, **state
) -> Path:
    """A file in NVIDIA's format: `data`, or {G_ema: generator}; `state` goes into the outermost module."""
    persistence = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(description):
        raise AssertionError("only its name is needed, for writing")

    _reconstruct_persistent_obj.__module__ = persistence.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj
    names = {"torch_utils": types.ModuleType("torch_utils"), "torch_utils.persistence": persistence}
    sys.modules.update(names)
    try:
        if generator is not None:
            data = {"G_ema": describe_module(generator, source=source, **state)}
        path.write_bytes(pickle.dumps(data, protocol=protocol))
    finally:
        for name in names:
            del sys.modules[name]
    return path


@pytest.fixture(scope="session")
def low():
    """A tiny network: 16 px, 6 layers, 6 ws."""
    return make_network(seed=1)


@pytest.fixture(scope="session")
def high(low):
    """A relative of `low`, visibly different."""
    return make_relative(low, seed=2)


@pytest.fixture(scope="session")
def ws(low):
    """Latents for `low`, [3, 6, 8]."""
    import torch

    return low.mapping(torch.randn(3, low.z_dim, generator=torch.Generator().manual_seed(5)))


@pytest.fixture(scope="session")
def samples_made(tmp_path_factory, low):
    """The files of `sample_folder`, made once."""
    from render.checkpoints.native import save

    folder = tmp_path_factory.mktemp("samples")
    save(low, folder / "portrait.safetensors", kimg=100)
    for kimg, distance in ((10, 0.1), (20, 0.2), (40, 0.4)):
        relative = make_relative(low, seed=2, distance=distance)
        save(relative, folder / f"ukiyoe-{kimg:06d}.safetensors", kimg=kimg, lineage=["portrait"])
    return folder


@pytest.fixture
def sample_folder(tmp_path, monkeypatch, samples_made):
    """A stand-in for the shipped samples: portrait, and snapshots of ukiyoe at 10, 20 and 40 kimg."""
    from render.checkpoints import library

    folder = tmp_path / "samples"
    shutil.copytree(samples_made, folder)
    monkeypatch.setattr(library, "sample_folder", lambda: folder)
    return folder


CLIP = """\
version: 1
models: {portrait: sample:portrait, ukiyoe: {snapshots: sample:ukiyoe}}
clip: {duration: 1s, fps: 12.5, loop: true}
latents: {seeds: [3, 14, 15]}
blend:
  low: portrait
  high: ukiyoe
  swap: [[0s, 4], [50%, 32], [end, 4]]
  snapshot: [[0s, 10], [50%, 40], [end, 10]]
panels: [low, blend, high]
outputs: [clip.mp4, clip.gif]
"""


@pytest.fixture
def preset(sample_folder):
    """A clip of 13 frames over the tiny samples: swap, snapshot and latents move."""
    from render.preset import Preset

    return Preset.from_yaml(CLIP)


def pytest_collection_finish():
    """What is there before the tests is no garbage: no collection need look through it."""
    gc.collect()
    gc.freeze()


FUZZ_FIGURES = pytest.StashKey[dict[str, list[str]]]()
FAULT_FIGURES = pytest.StashKey[list[tuple]]()


@pytest.fixture(scope="session")
def code_folder(tmp_path_factory):
    """One for all processes of this run: what one has compiled serves the others."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "compiled"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def use_threads():
    """A function that gives PyTorch so many threads, until the test ends."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def compiler():
    """A compiler of C++; the test is skipped where there is none."""
    from render.networks import compiling

    try:
        compiling.find_compiler()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture
def compiled_here(compiler, code_folder, monkeypatch):
    """The C++, compiled once for all tests; whatever the machine has on disk plays no part.

    Kernels that PyTorch would compile, in seconds each, are left out: tests/test_kernels.py has one in every
    run, and all with `make kernels`.
    """
    from render.networks import compiling

    monkeypatch.setenv("BLENDREEL_CODE_CACHE", str(code_folder))
    monkeypatch.setattr(compiling.COMPILED, "_libraries", {})
    monkeypatch.setattr(compiling.COMPILED, "is_broken", False)
    monkeypatch.setattr(compiling.COMPILED, "find", lambda *_: None)
    monkeypatch.setattr(compiling, "FLAGS", ("-O1", *(f for f in compiling.FLAGS if f != "-O3")))


def pytest_terminal_summary(terminalreporter, config):
    """The figures of fuzzing and of faults, whatever else is shown."""
    for suite, figures in config.stash.get(FUZZ_FIGURES, {}).items():
        terminalreporter.section(f"damaged and malicious files: {suite}")
        for line in figures:
            terminalreporter.line(line)
    if rows := config.stash.get(FAULT_FIGURES, []):
        terminalreporter.section("disturbed renders")
        for row in [("what was done", "trials", "hit a render at work", "files lost"), ("---",) * 4, *rows]:
            terminalreporter.line(f"| {' | '.join(map(str, row))} |")
