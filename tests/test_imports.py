"""The house stands: imports point one way, public names are there, and plain parts need no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import render

PACKAGE = Path(render.__file__).parent

# What each part may import directly; through these it may use everything further down.
ARROWS = {
    "errors": set(),
    "reach": set(),
    "timeline": set(),
    "encoding": {"timeline", "pixels"},  # of the first only its rules for frame rates; light, without torch
    "networks": set(),
    "sound": {"encoding"},
    "preset": {"timeline", "sound"},
    "checkpoints": {"networks"},
    "blending": {"networks"},
    "latents": {"networks", "checkpoints"},  # torch's files go through the one reader that runs nothing
    "scene": {"preset", "checkpoints", "blending", "latents"},
    "lettering": set(),
    "console": set(),
    "layout": {"preset"},
    "pixels": set(),
    "panels": {"layout", "lettering", "pixels"},
    "pen": {"panels"},
    "curve_strip": {"pen"},
    "picture_files": {"encoding"},
    "jobs": {"preset"},
    "report": {"scene", "layout", "lettering", "panels", "jobs"},
    "soundness": set(),
    "ahead": set(),
    "teams": {"networks"},
    "batch_sizes": {"networks"},
    "planes": set(),
    "drawing": {"scene", "soundness", "teams", "batch_sizes", "planes", "pixels"},
    "shelf": set(),
    "processors": set(),
    "chunks": {"drawing", "shelf"},
    "renderer": {"ahead", "chunks", "panels", "curve_strip"},
    "production": {"renderer", "jobs", "console"},
    "sheets": {"renderer", "report", "pen", "picture_files", "console"},
    "inspection": {"renderer", "report", "console"},
    "comparison": {"sheets"},
    "bench": {"production"},
    "channel_figures": {"comparison"},
    "variants": {"renderer"},
    "deepzoom": set(),
    "figure": {"variants", "deepzoom", "encoding", "pen"},
    "pairs": {"variants", "encoding"},
    "explain": {"channel_figures", "picture_files"},
    "cluster": {"production"},
    "projection": {"renderer", "encoding", "picture_files"},
}
TOP = {"cli", "commands", "studio", "__main__"}

TORCH_FREE = ["render", "render.errors", "render.timeline", "render.preset", "render.checkpoints"]
TORCH_FREE += [
    f"render.checkpoints.{name}" for name in ("library", "formats", "header", "catalogue", "download")
]
TORCH_FREE += [
    f"render.{name}"
    for name in ("report", "jobs", "layout", "panels", "pen", "lettering", "picture_files", "pixels")
]
TORCH_FREE += ["render.console", "render.encoding", "render.sound", "render.reach", "render.bench"]
TORCH_FREE += ["render.blending", "render.blending.blend", "render.blending.conventions", "render.cli"]
TORCH_FREE += [f"render.blending.{name}" for name in ("channels", "channel_axes", "pull")]
TORCH_FREE += ["render.scene.mixture", "render.scene.supply"]
TORCH_FREE += sorted(f"render.commands.{path.stem}" for path in (PACKAGE / "commands").glob("[!_]*.py"))


def below(part: str) -> set[str]:
    """All parts that `part` may use."""
    reached, todo = {"errors", "reach"}, set(ARROWS[part])
    while todo:
        step = todo.pop()
        reached.add(step)
        todo |= ARROWS.get(step, set()) - reached
    return reached


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The parts of the package a module names in its imports, at the top or inside functions."""
    package = ["render", *path.relative_to(PACKAGE).parts[:-1]]
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            names += [f"{stem}.{alias.name}" for alias in node.names] if stem == "render" else [stem]
    return {name.split(".")[1] for name in names if name.startswith("render.")}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    used = imported(path) - {part}
    if part in ARROWS:
        assert used <= below(part), f"{part} may use only {sorted(below(part))}"
    else:
        assert part in TOP, f"{part} has no place in the house yet: say what it may use"


def test_the_arrow_test_sees_imports(tmp_path):
    assert imported(PACKAGE / "checkpoints" / "native.py") >= {"networks", "errors", "checkpoints"}
    assert imported(PACKAGE / "blending" / "conventions.py") == {"networks", "errors"}
    assert below("scene") >= {"timeline", "networks", "errors"}
    assert "renderer" not in below("scene")


@pytest.mark.parametrize("name", TORCH_FREE)
def test_plain_parts_import_no_torch(name):
    code = f"import sys, {name}; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_public_names_are_true_and_documented():
    for name in render.__all__:
        value = getattr(render, name)
        assert value.__doc__, name
        assert name in dir(render)
    assert {"load", "blend", "CheckpointError"} <= set(render.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = render.lode


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "opens with a docstring"
    assert len(path.read_text("utf-8").splitlines()) <= 420, "files stay short"
