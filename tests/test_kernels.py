"""Kernels: the same pictures compiled or not, and rendering goes on where nothing can be compiled."""

from __future__ import annotations

import warnings

import pytest
import torch
from conftest import REFERENCE

import render
from render.errors import BlendreelWarning
from render.networks import compiling, kernels
from render.networks.fast import fast

ALL = [
    kernels.finish,
    kernels.finish_and_scale,
    kernels.finish_both,
    kernels.leaky,
    kernels.stylize,
    kernels.demodulate,
    kernels.interleave2,
    kernels.interleave4,
]
CONSTANTS = {"slope": 0.2, "gain": 1.5, "clamp": 0.7}


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """No compiled code in memory, and an empty folder for it on disk."""
    monkeypatch.setenv("BLENDREEL_CODE_CACHE", str(tmp_path / "code"))
    monkeypatch.setattr(compiling.COMPILED, "_loaded", {})
    monkeypatch.setattr(compiling.COMPILED, "_libraries", {})
    monkeypatch.setattr(compiling.COMPILED, "is_broken", False)
    return tmp_path / "code"


def inputs(kernel, n: int = 2) -> list[torch.Tensor]:
    """Tensors of the shapes that a kernel asks for."""
    source, sizes = torch.Generator().manual_seed(1), {"n": n, "p": 12, "c": 5, "h": 4, "1": 1}
    return [torch.randn([sizes[letter] for letter in shape], generator=source) for shape in kernel.shapes]


def constants(kernel) -> dict[str, float]:
    names = kernel.plain.__kwdefaults__ or kernel.plain.__code__.co_varnames
    return {name: value for name, value in CONSTANTS.items() if name in names}


def test_the_pass_after_a_convolution_is_its_formula():
    y, scale, noise, bias, style = inputs(kernels.finish_both)
    plain, scaled = kernels.finish_both(y, scale, noise, bias, style, slope=0.2, clamp=0.7, compiled=False)
    expected = y * scale[:, None] + noise[..., None] + bias
    expected = torch.where(expected > 0, expected, 0.2 * expected).clamp(-0.7, 0.7)
    torch.testing.assert_close(plain, expected)
    torch.testing.assert_close(scaled, expected * style[:, None])


def test_rows_are_interleaved_in_their_order():
    parts = [torch.full([1, 2, 3], float(number)) for number in range(4)]
    rows = kernels.interleave4(*parts, slope=0.2, gain=1.0, clamp=100.0, compiled=False)
    assert rows[0, :, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_nothing_is_compiled_unless_asked(fresh, monkeypatch):
    monkeypatch.setattr(compiling, "_compile", lambda *_: pytest.fail("compiled"))
    kernels.finish(*inputs(kernels.finish), slope=0.2, clamp=0.7)
    assert not fresh.exists()


def test_without_a_compiler_rendering_goes_on_and_says_so_once(fresh, monkeypatch):
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    generator = render.load(REFERENCE / "stylegan2-ada" / "network.pkl")
    ws = torch.randn(2, generator.num_ws, generator.w_dim)
    with pytest.warns(BlendreelWarning, match=r"without compiled code.*no C\+\+ compiler") as caught:
        picture = fast(generator, "exact", compiled=True)(ws)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = fast(generator, "exact", compiled=True)(ws)
    assert torch.equal(picture, again)
    assert (picture - generator.synthesis(ws)).abs().max() < 1e-4


def test_code_that_does_not_load_is_done_without(fresh):
    path = compiling.code_folder() / compiling._name(kernels.finish.plain, torch.float32, CONSTANTS)
    path.parent.mkdir(parents=True)
    name = compiling._name(kernels.finish.plain, torch.float32, {"slope": 0.2, "clamp": 0.7})
    (path.parent / f"{name}.pt2").write_bytes(b"no code")
    arguments = inputs(kernels.finish)
    with pytest.warns(BlendreelWarning, match="goes on without compiled code"):
        ours = kernels.finish(*arguments, slope=0.2, clamp=0.7)
    torch.testing.assert_close(ours, kernels.finish.plain(*arguments, slope=0.2, clamp=0.7))


# About ten seconds each, for a C++ compiler runs: one in every run of the tests, all with `make kernels`.
EVERY = [
    pytest.param(kernel, marks=[] if kernel is kernels.finish else pytest.mark.slow, id=kernel.__name__)
    for kernel in ALL
]


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("kernel", EVERY)
def test_compiled_kernels_are_the_plain_ones(kernel, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BLENDREEL_CODE_CACHE", str(tmp_path_factory.getbasetemp() / "code"))
    monkeypatch.setattr(compiling.COMPILED, "_loaded", {})
    monkeypatch.setattr(compiling.COMPILED, "_libraries", {})
    monkeypatch.setattr(compiling.COMPILED, "is_broken", False)
    for count in (1, 3):
        arguments = inputs(kernel, count)
        ours = kernel(*arguments, **constants(kernel), compiled=True)
        torch.testing.assert_close(ours, kernel.plain(*arguments, **constants(kernel)))
    assert list(compiling.code_folder().glob(f"{kernel.__name__}-*.pt2"))
    assert {path.suffix for path in compiling.code_folder().iterdir()} == {".pt2"}
    monkeypatch.setattr(compiling.COMPILED, "_loaded", {})
    monkeypatch.setattr(compiling.COMPILED, "_libraries", {})
    monkeypatch.setattr(compiling, "_compile", lambda *_: pytest.fail("compiled a second time"))
    torch.testing.assert_close(kernel(*arguments, **constants(kernel)), ours)
