"""Which files a preset may touch: every name of a file becomes a path here, and a sandbox is held here.

A text that names a file goes through `placed`, a path that was found otherwise (in a folder, by a pattern,
beside a model) through `within_reach`. In a sandbox both refuse what lies outside of it, links followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from render.errors import BlendreelError, PresetError

_PACKAGE = Path(__file__).resolve().parent
SHIPPED = (_PACKAGE, _PACKAGE.parent / "samples", _PACKAGE.parent / "presets")  # installed, or a checkout


@dataclass(frozen=True)
class Sandbox:
    """A folder, absolute and without links in it, that presets are kept in."""

    folder: Path

    def refusal(self, folder: str | Path, written: str | Path, shipped: bool = False) -> str:
        """Why a file may not be touched that a text names from `folder` on; nothing where it may.

        shipped  whether what comes with the package may be
        """
        try:
            path = Path(folder) / Path(written).expanduser()
            real = path.resolve()
        except (OSError, ValueError, RuntimeError) as error:  # links in a circle, a NUL, no such user
            return f"{_shown(written)} can't be followed: {error}"
        if any(real.is_relative_to(each) for each in (self.folder, *(SHIPPED if shipped else ()))):
            return ""
        is_link = path.absolute().is_relative_to(self.folder) and ".." not in path.parts
        through = f" leads to {_shown(real)}, which" if is_link else ""
        return f"{_shown(written)}{through} lies outside the sandbox {self.folder}"

    def refusal_of_web(self, source: str) -> str:
        """Why a model on the web is not opened."""
        return (
            f"{_shown(source)} is on the web, and nothing is fetched in a sandbox; "
            f"put the file into {self.folder}"
        )


_CURRENT: ContextVar[Sandbox | None] = ContextVar("sandbox", default=None)


def current_sandbox() -> Sandbox | None:
    """The sandbox around this call, if there is one."""
    return _CURRENT.get()


@contextmanager
def sandbox(folder: str | Path) -> Iterator[Path]:
    """In this block presets read and write files in `folder` alone, and nothing is fetched from the web.

        with render.sandbox("from-a-stranger"):
            render.render("from-a-stranger/morph.yaml", out_dir="from-a-stranger")

    Presets, what they extend, models, snapshots, latents, beats, sounds and sets of channels must lie there,
    links followed, and so must the files that are written. `sample:` models and shipped presets stay within
    reach. Gives the folder as an absolute path. It holds for this thread and for what it calls; SECURITY.md
    says what it does not hold off.

    Raises:
        PresetError: there is no such folder; inside the block, with place and path, what reaches out of it.
    """
    try:
        real = Path(folder).expanduser().resolve()
        is_folder = real.is_dir()
    except (OSError, ValueError, RuntimeError):
        is_folder = False
    if not is_folder:
        raise PresetError(f"{_shown(folder)}: a sandbox is a folder that is there already")
    token = _CURRENT.set(Sandbox(real))
    try:
        yield real
    finally:
        _CURRENT.reset(token)


def placed(
    folder: str | Path, written: str | Path, error: type[BlendreelError] = PresetError, shipped: bool = False
) -> Path:
    """The path of a file that a text names: from `folder` on, unless it is absolute; `~` is a user's folder.

    Raises `error`: there is no such user, or it lies outside the sandbox. `shipped`: what comes with the
    package lies inside of every sandbox, for who only reads.
    """
    confined = current_sandbox()
    if confined and (text := confined.refusal(folder, written, shipped)):
        raise error(text)
    try:
        return Path(folder) / Path(written).expanduser()
    except RuntimeError:
        raise error(f"{_shown(written)}: there is no such user's folder") from None


def within_reach(path: Path, error: type[BlendreelError] = PresetError) -> Path:
    """A path to read that no text names, as it is. Raises `error` if it lies outside the sandbox."""
    placed(Path(), path.absolute(), error, shipped=True)
    return path


def default_folder() -> Path:
    """Where files go when nobody says: the sandbox, or the working directory."""
    confined = current_sandbox()
    return confined.folder if confined else Path()


def _shown(path: str | Path) -> str:
    """A path for one line of a message."""
    text = str(path)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 200 else f"{text[:199]}…"
