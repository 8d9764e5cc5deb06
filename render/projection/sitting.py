"""One sitting: photographs in; latents, a picture of how near they came, and perhaps a tuned network out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from render.checkpoints.delta import save_delta
from render.encoding import open_writer
from render.networks import Generator
from render.picture_files import picture_file
from render.projection.files import check_target, save_latents
from render.projection.losses import Features
from render.projection.measures import flicker, psnr, ssim
from render.projection.optimise import Plan, batch_size, project
from render.projection.origin import picture_notes
from render.projection.sequence import project_film
from render.projection.side_by_side import MOST_FILMED, panel, side_by_side
from render.projection.start import samples_of
from render.projection.tuning import Tuning, tune
from render.projection.working import draw

FILM_FPS = 25

# title → a context that gives a function of (steps done, steps in all, note), or None
Shows = Callable[[str], AbstractContextManager[Callable[..., None] | None]]


@dataclass(frozen=True)
class Wishes:
    """What is asked of a sitting.

    latents   the file for them, NAME.npz; a tuned network becomes NAME.safetensors
    plan      how they are searched
    tuning    how the network is tuned; None: not at all
    features  a perceptual network, or None
    picture   a .png that shows photographs and results, or None
    film      a file that shows the search, or None
    fps       of the film whose frames the photographs are: each is searched from the one before
    origin    where the results come from, see `origin_of`: kept in all of them but the film
    """

    latents: Path
    plan: Plan
    tuning: Tuning | None = None
    features: Features | None = None
    picture: Path | None = None
    film: Path | None = None
    fps: Fraction | None = None
    origin: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """What will be written, but for the film."""
        return tuple(each for each in (self.latents, self.picture, self.network) if each)

    @property
    def network(self) -> Path | None:
        """The file of the tuned network, if there will be one."""
        return self.latents.with_suffix(".safetensors") if self.tuning else None


@dataclass(frozen=True)
class Made:
    """What a sitting made.

    files    all that was written, the latents first
    tuned    the file of the tuned network, or None
    scores   PSNR in dB and SSIM of each photograph
    flicker  of a film's frames, in levels of 255, beyond the film's own changes
    fps      of the film, or None
    origin   where it comes from, see `origin_of`
    """

    files: tuple[Path, ...]
    tuned: Path | None
    scores: tuple[tuple[float, float], ...]
    flicker: float
    fps: Fraction | None
    origin: str = ""


def sit(
    generator: Generator,
    reference: str,
    targets: Tensor,
    names: Sequence[str],
    wishes: Wishes,
    shows: Shows = lambda title: nullcontext(),
) -> Made:
    """Project photographs [N, C, H, W] into the network that `reference` names, and write down what is found.

    Files are written whole or not at all, and only when everything is found. Those that are there already are
    replaced: `check_free` tells before whether they may be.

    Raises LatentError, CheckpointError or EncodingError.
    """
    latents = check_target(wishes.latents)
    with shows("drawing samples") as show:
        samples = samples_of(generator, progress=show)
    shared = {"samples": samples, "features": wishes.features}
    with ExitStack() as stack:
        write = stack.enter_context(picture_file(wishes.picture)) if wishes.picture else None
        device = generator.mapping.w_avg.device
        watch = stack.enter_context(_filmed(wishes.film, targets[: batch_size(targets, device)]))
        with shows("projecting") as show:
            noted = _noted(show)
            if wishes.fps is None:
                found = project(generator, targets, wishes.plan, progress=noted, watch=watch, **shared)
            else:
                found = project_film(generator, targets, wishes.plan, progress=noted, **shared)
        images, tuned, path = found.images, None, None
        if wishes.tuning:
            with shows("tuning") as show:
                tuned = tune(generator, targets, found.ws, wishes.tuning, progress=_noted(show), **shared)
            images = draw(tuned, found.ws.to(tuned.mapping.w_avg.device))
            path = save_delta(tuned, generator, reference, wishes.network, wishes.origin)
        facts = {"model": reference, "space": wishes.plan.space, "origin": wishes.origin}
        save_latents(latents, found.ws.numpy(), names, wishes.fps, **facts)
        if write:
            write(side_by_side(targets, images, names), pnginfo=picture_notes(wishes.origin))
    scores = zip(psnr(images, targets).tolist(), ssim(images, targets).tolist(), strict=True)
    files = tuple(each for each in (latents, wishes.picture, path, wishes.film) if each)
    return Made(files, path, tuple(scores), flicker(images, targets), wishes.fps, wishes.origin)


def _noted(show: Callable[..., None] | None) -> Callable[[int, int, float], None] | None:
    """The loss as a note beside the progress."""
    return show and (lambda done, total, loss: show(done, total, f"loss {loss:.3f}"))


@contextmanager
def _filmed(path: Path | None, targets: Tensor) -> Iterator[Callable[[int, Tensor], None] | None]:
    """The search as a film: photographs above what is found so far, a frame a step; nothing without path."""
    if path is None:
        yield None
        return
    shown = targets[:MOST_FILMED]
    height, width = panel(shown, shown).shape[:2]
    with open_writer(path, width=width, height=height, fps=FILM_FPS) as writer:
        yield lambda step, images: writer.write(panel(shown, images[: len(shown)].float().cpu()))
