"""Train the sample family: `portrait` from scratch, `ukiyoe` and `toon` fine-tuned from it.

Adversarial training with StyleGAN2's losses (Karras et al. 2020): non-saturating logistic loss, lazy R1,
an exponential moving average of the generator, style mixing; grown once from 64 to 128 px. Pictures are
painted as they are needed (samples/painter), so there is no data set to fetch and none to overfit.

    python -m samples.train all                          # the whole recipe, some hours on two CPU cores
    python -m samples.train portrait --resolution 64     # one stage of one network
    python -m samples.train ukiyoe                       # from runs/portrait/state.pt

Every run is seeded, writes its state to runs/NAME/state.pt, and goes on from there when called again.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from render.checkpoints.native import save
from render.networks import StyleGAN2, StyleGAN2Config
from samples import painter
from samples.discriminator import Discriminator

ROOT = Path(__file__).resolve().parent.parent
BATCH, LATENT = 8, 128
R1_EVERY, MIXING_PROBABILITY = 16, 0.5
# Paintings have no chance detail. With noise inputs a young network draws specks where eyes should be, and
# in a film they would stick to the screen; so noise strengths stay at the 0 they start from.
NOISE = "none"


@dataclass(frozen=True)
class Recipe:
    """One stage of training.

    style       which pictures the painter paints
    resolution  pixels; a state of half of it is grown
    kimg        where the stage ends, counted from the start of the run
    rate        Adam's learning rate, for both networks
    gamma       weight of R1
    start_from  name of the run to fine-tune, or None for random weights
    snapshots   kimg at which the averaged generator is shipped
    """

    style: str
    resolution: int
    kimg: float
    rate: float = 2.0e-3
    gamma: float = 1.0
    start_from: str | None = None
    snapshots: tuple[float, ...] = ()
    fade_kimg: float = 6.0
    average_kimg: float = 4.0


TUNING = {"resolution": 128, "kimg": 20, "rate": 2.0e-3, "start_from": "portrait", "average_kimg": 1.5}
RECIPES: dict[str, tuple[Recipe, ...]] = {
    "portrait": (Recipe("portrait", 64, 90), Recipe("portrait", 128, 115)),
    "ukiyoe": (Recipe("ukiyoe", snapshots=(1, 3, 6, 12, 20), **TUNING),),
    "toon": (Recipe("toon", snapshots=(1, 3, 6, 12, 20), **TUNING),),
}


def generator_config(resolution: int) -> StyleGAN2Config:
    """0.75 M parameters: 96 channels up to 16 px, then 64, 32, 16."""
    return StyleGAN2Config(
        resolution=resolution, z_dim=LATENT, w_dim=LATENT, channel_base=2048, channel_max=96, mapping_layers=4
    )


def prepare(generator: StyleGAN2, dtype: torch.dtype) -> StyleGAN2:
    """Switch to the fast formulation: one weight for the batch, activations in `dtype`, channels last."""
    generator.use_shared_weights()
    for block in generator.synthesis.blocks:
        block.dtype = dtype
    return generator.to(memory_format=torch.channels_last)


@dataclass
class State:
    """All that a run needs to go on: networks, optimisers, and how many pictures it has seen."""

    generator: StyleGAN2
    average: StyleGAN2
    discriminator: Discriminator
    images: int = 0
    grown_at: int | None = None
    deviation: float = 0.0
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)

    @classmethod
    def fresh(cls, resolution: int, seed: int, dtype: torch.dtype) -> State:
        torch.manual_seed(seed)
        config = generator_config(resolution)
        generator = prepare(StyleGAN2(config), dtype)
        average = prepare(StyleGAN2(config), dtype).requires_grad_(False)
        average.load_state_dict(generator.state_dict())
        widths = {r: config.width(r) for r in config.resolutions}
        discriminator = Discriminator(widths, dtype).to(memory_format=torch.channels_last)
        return cls(generator, average, discriminator)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "average": self.average, "discriminator": self.discriminator}

    def make_optimizers(self, rate: float) -> None:
        ratio = R1_EVERY / (R1_EVERY + 1)  # the lazily regularised network takes an extra step now and then
        self.optimizers = [
            torch.optim.Adam(self.generator.parameters(), rate, betas=(0.0, 0.99), eps=1e-8, fused=True),
            torch.optim.Adam(
                self.discriminator.parameters(), rate * ratio, betas=(0.0, 0.99**ratio), eps=1e-8, fused=True
            ),
        ]

    def save(self, path: Path) -> None:
        content = {name: network.state_dict() for name, network in self.networks().items()}
        content |= {"optimizers": [o.state_dict() for o in self.optimizers], "images": self.images}
        content |= {
            "resolution": self.generator.resolution,
            "grown_at": self.grown_at,
            "rng": torch.get_rng_state(),
        }
        part = path.with_suffix(".part")
        torch.save(content, part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path, dtype: torch.dtype, resolution: int | None = None) -> State:
        """The state in `path`, grown to `resolution` if that is larger; only new layers start at random."""
        content = torch.load(path, weights_only=True)
        stored = content["resolution"]
        state = cls.fresh(resolution or stored, seed=1, dtype=dtype)
        for name, network in state.networks().items():
            network.load_state_dict(content[name], strict=state.generator.resolution == stored)
        state.images, state.grown_at = content["images"], content["grown_at"]
        if state.generator.resolution > stored:
            state.grown_at = state.images
            for network in (
                state.generator,
                state.average,
            ):  # the new picture begins as the old one, enlarged
                getattr(network.synthesis, f"b{resolution}").torgb.weight.data.zero_()
        else:
            state.make_optimizers(1.0)
            for optimizer, stored_optimizer in zip(state.optimizers, content["optimizers"], strict=True):
                optimizer.load_state_dict(stored_optimizer)
            torch.set_rng_state(content["rng"])
        return state


class Painter:
    """An endless, seeded supply of painted pictures: the n-th batch is always the same one."""

    def __init__(self, style: str, resolution: int, seed: int):
        self.style, self.resolution, self.seed = style, resolution, seed

    def batch(self, index: int) -> Tensor:
        """Batch number `index`: float32 [BATCH, 3, R, R] in [-1, 1]."""
        people = painter.sample_parameters(BATCH, seed=self.seed * 1_000_003 + index)
        return painter.paint(people, self.style, self.resolution)


def latents(generator: StyleGAN2, count: int) -> Tensor:
    """Random ws [N, num_ws, w_dim]; in some, a second latent takes over from a random row on."""
    w = generator.mapping.to_w(torch.randn(2 * count, LATENT)).reshape(2, count, 1, LATENT)
    rows = torch.arange(generator.num_ws)[None, :, None]
    crossover = torch.randint(1, generator.num_ws, [count, 1, 1])
    crossover = torch.where(torch.rand(count, 1, 1) < MIXING_PROBABILITY, crossover, generator.num_ws)
    return torch.where(rows < crossover, w[0], w[1])


def discriminator_step(state: State, real: Tensor, gamma: float, regularise: bool) -> dict[str, float]:
    """Logistic loss on one batch of each kind, and lazily R1: gamma/2 · E‖∇D(real)‖²."""
    state.optimizers[1].zero_grad(set_to_none=True)
    with torch.no_grad():
        fake = state.generator.synthesis(latents(state.generator, len(real)), noise_mode=NOISE)
    on_fake, on_real = state.discriminator(fake), state.discriminator(real)
    loss = F.softplus(on_fake).mean() + F.softplus(-on_real).mean()
    loss.backward()
    report = {"d": loss.item(), "sign": on_real.detach().sign().mean().item()}
    if regularise:
        pictures = real.detach().requires_grad_(True)
        logits = state.discriminator(pictures, dtype=torch.float32).sum()
        (gradient,) = torch.autograd.grad(logits, pictures, create_graph=True)
        penalty = gradient.square().sum(dim=[1, 2, 3]).mean()
        (penalty * (gamma / 2 * R1_EVERY)).backward()
        report["r1"] = penalty.item()
    state.optimizers[1].step()
    return report


def generator_step(state: State) -> dict[str, float]:
    """Non-saturating loss: raise the discriminator's logits on what is drawn."""
    state.optimizers[0].zero_grad(set_to_none=True)
    state.discriminator.requires_grad_(False)
    fake = state.generator.synthesis(latents(state.generator, BATCH), noise_mode=NOISE)
    loss = F.softplus(-state.discriminator(fake)).mean()
    loss.backward()
    state.discriminator.requires_grad_(True)
    state.optimizers[0].step()
    return {"g": loss.item()}


def update_average(state: State, half_life_kimg: float) -> None:
    """Move the averaged generator by one batch; the half-life ramps up while the run is young."""
    half_life = min(half_life_kimg * 1000, max(state.images, 1) * 0.05)
    weight = 1 - 0.5 ** (BATCH / max(half_life, 1e-8))
    torch._foreach_lerp_(list(state.average.parameters()), list(state.generator.parameters()), weight)


@torch.no_grad()
def set_w_avg(generator: StyleGAN2, count: int = 10_000) -> None:
    """`w_avg` is the mean of that many mapped latents, seeded."""
    z = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(0))
    generator.mapping.w_avg.copy_(generator.mapping.to_w(z).mean(dim=0))


@torch.no_grad()
def write_samples(generator: StyleGAN2, path: Path, columns: int = 8, rows: int = 4) -> None:
    """A sheet of fixed seeds, truncation 0.7, two times enlarged."""
    set_w_avg(generator)
    z = torch.randn(columns * rows, LATENT, generator=torch.Generator().manual_seed(7))
    images = generator(z, truncation_psi=0.7)
    size = images.shape[-1]
    sheet = images.reshape(rows, columns, 3, size, size).permute(0, 3, 1, 4, 2)
    pixels = (sheet.reshape(rows * size, columns * size, 3) * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    picture = Image.fromarray(pixels.numpy())
    picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST).save(path)


def ship(state: State, name: str, kimg: float, lineage: tuple[str, ...], folder: Path) -> Path:
    """Write the averaged generator as a float16 `.safetensors`."""
    set_w_avg(state.average)
    path = folder / f"{name}.safetensors"
    save(state.average, path, dtype=torch.float16, kimg=kimg, lineage=lineage)
    return path


def has_outgrown(path: Path, recipe: Recipe) -> bool:
    """Whether the run has gone on to a larger resolution than this stage's."""
    return path.exists() and torch.load(path, weights_only=True)["resolution"] > recipe.resolution


def start(name: str, recipe: Recipe, folder: Path, runs: Path, dtype: torch.dtype, seed: int) -> State:
    """Go on from the run's own state, or from the base it is fine-tuned from, or from random weights."""
    own = folder / "state.pt"
    if own.exists():
        state = State.load(own, dtype, recipe.resolution)
        print(f"{name}: going on at {state.images / 1000:.1f} kimg", flush=True)
    elif recipe.start_from:
        state = State.load(runs / recipe.start_from / "state.pt", dtype, recipe.resolution)
        state.generator.load_state_dict(state.average.state_dict())
        state.images, state.grown_at, state.optimizers = 0, None, []
        torch.manual_seed(seed)
    else:
        state = State.fresh(recipe.resolution, seed, dtype)
    if not state.optimizers:
        state.make_optimizers(recipe.rate)
    for optimizer, factor in zip(state.optimizers, (1, R1_EVERY / (R1_EVERY + 1)), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * factor
    return state


def train(name: str, recipe: Recipe, runs: Path, ship_to: Path, dtype: torch.dtype, seed: int) -> None:
    """Run one stage to its end. Samples, log and state lie in runs/NAME."""
    folder = runs / name
    folder.mkdir(parents=True, exist_ok=True)
    if has_outgrown(folder / "state.pt", recipe):
        print(f"{name}: the {recipe.resolution} px stage is done", flush=True)
        return
    state = start(name, recipe, folder, runs, dtype, seed)
    supply = Painter(recipe.style, recipe.resolution, seed)
    lineage = (recipe.start_from,) if recipe.start_from else ()
    if state.images == 0 and recipe.snapshots:
        ship(state, f"{name}-000000", 0, lineage, ship_to)
    began, seen, last = time.time(), 0, {}
    while state.images < recipe.kimg * 1000:
        step = state.images // BATCH
        if state.grown_at is not None:
            state.discriminator.fade = min((state.images - state.grown_at) / (recipe.fade_kimg * 1000), 1)
        last |= discriminator_step(state, supply.batch(step), recipe.gamma, step % R1_EVERY == 0)
        last |= generator_step(state)
        before = state.images / 1000
        state.images, seen = state.images + BATCH, seen + BATCH
        kimg = state.images / 1000
        update_average(state, recipe.average_kimg)
        if not math.isfinite(last["g"] + last["d"]):
            raise SystemExit(
                f"{name}: diverged at {kimg:.1f} kimg; {folder / 'state.pt'} is the last good state"
            )
        if int(kimg) > int(before):
            speed = seen / (time.time() - began)
            left = (recipe.kimg - kimg) * 1000 / speed / 60
            losses = "  ".join(f"{key} {value:.3f}" for key, value in last.items())
            print(f"{name} {kimg:6.1f} kimg  {speed:5.1f} img/s  {left:5.1f} min left  {losses}", flush=True)
        if int(kimg / 5) > int(before / 5):
            write_samples(state.average, folder / f"fakes-{int(kimg):06d}.png")
            state.save(folder / "state.pt")
        for mark in recipe.snapshots:
            if before < mark <= kimg:
                print("shipped", ship(state, f"{name}-{int(mark):06d}", mark, lineage, ship_to), flush=True)
    state.save(folder / "state.pt")
    write_samples(state.average, folder / "fakes.png")
    if not recipe.snapshots:
        print("shipped", ship(state, name, state.images / 1000, lineage, ship_to), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[*RECIPES, "all"])
    parser.add_argument("--resolution", type=int, help="run only the stage of this many pixels")
    parser.add_argument("--kimg", type=float, help="end at this many thousand images instead")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="where states and samples lie")
    parser.add_argument("--ship-to", type=Path, default=ROOT / "samples" / "models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true", help="train in float32 instead of bfloat16")
    options = parser.parse_args()
    dtype = torch.float32 if options.float32 else torch.bfloat16
    for name in RECIPES if options.name == "all" else [options.name]:
        for recipe in RECIPES[name]:
            if options.resolution in (None, recipe.resolution):
                if options.kimg:
                    recipe = Recipe(**{**vars(recipe), "kimg": options.kimg})
                train(name, recipe, options.runs, options.ship_to, dtype, options.seed)


if __name__ == "__main__":
    main()
