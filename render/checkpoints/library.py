"""Where checkpoints are found: paths, folders, the samples of the project, and the web. No torch."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from render.checkpoints.catalogue import CATALOGUE_PREFIX, downloadable
from render.checkpoints.header import read_header
from render.checkpoints.hub import PREFIX as HUB_PREFIX
from render.checkpoints.hub import check_address, fetch_from_hub
from render.errors import CheckpointError
from render.reach import current_sandbox, placed, within_reach

if TYPE_CHECKING:
    from render.checkpoints.download import Progress

# The web's machinery (http, ssl, locks) takes long to import: only where something is fetched or compared.

SAMPLE_PREFIX = "sample:"
WEB_PREFIXES = ("https://", "http://")
SUFFIXES = (".safetensors", ".pkl", ".pt", ".pth")
_SNAPSHOT = re.compile(r"(?:^|[-_])(\d{6,})$")  # network-snapshot-000040, ukiyoe-000010
_TRAILING_NUMBER = re.compile(r"(\d+)$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+:(?!\\)", re.IGNORECASE)


def sample_folder() -> Path:
    """The folder of the sample networks: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    packed = package / "samples"
    return packed if packed.is_dir() else package.parent / "samples" / "models"


def sample_names(folder: Path | None = None) -> list[str]:
    """The names that `sample:NAME` understands."""
    names = {_SNAPSHOT.sub("", path.stem) for path in (folder or sample_folder()).glob("*.safetensors")}
    return sorted(names)


def is_remote(source: str | Path) -> bool:
    """Whether `source` lies on the web: an https URL, hf://owner/repo/file, or catalogue:NAME."""
    return str(source).startswith((*WEB_PREFIXES, HUB_PREFIX, CATALOGUE_PREFIX))


def is_cached(source: str | Path) -> bool:
    """Whether a file on the web has been fetched already.

    Raises CheckpointError for an address that nothing can be fetched from, and for catalogue:NAME if there is
    no such name, or no file that can be fetched.
    """
    if str(source).startswith(CATALOGUE_PREFIX):
        downloadable(str(source))
    if str(source).startswith(HUB_PREFIX):
        check_address(str(source))
    if str(source).startswith(WEB_PREFIXES):
        from render.checkpoints.download import check_url

        check_url(str(source))
    try:
        return resolve(source, offline=True).is_file()
    except CheckpointError:
        return False


def resolve(
    source: str | Path,
    base_dir: str | Path = ".",
    samples: Path | None = None,
    sha256: str | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> Path:
    """The file `source` means: a path (relative to `base_dir`), sample:NAME, catalogue:NAME, https:// or hf://.

    A sample that has only snapshots is its last one. What lies on the web is fetched into a cache, once.

    sha256    64 hex digits that the file must have; default: those the catalogue has for it, if any
    offline   never touch the network; default: what the environment says (BLENDREEL_OFFLINE)
    progress  called with file name, bytes so far, and bytes in all or None, while a file is fetched

    Raises CheckpointError if there is no such file, it is another one, or out of reach.
    """
    if is_remote(source) and (confined := current_sandbox()):
        raise CheckpointError(confined.refusal_of_web(str(source)))
    if str(source).startswith(CATALOGUE_PREFIX):
        entry = downloadable(str(source))
        source, sha256 = str(entry.url), sha256 or entry.sha256
    if str(source).startswith(WEB_PREFIXES):
        from render.checkpoints.download import fetch

        return fetch(str(source), sha256, offline=offline, progress=progress)
    path = _one_file(source, base_dir, samples, offline)
    if sha256 is None:
        return path
    from render.checkpoints.download import check_file

    return check_file(path, sha256)


def _one_file(source: str | Path, base_dir: str | Path, samples: Path | None, offline: bool | None) -> Path:
    if str(source).startswith(HUB_PREFIX):
        from render.checkpoints.download import is_offline

        return fetch_from_hub(str(source), is_offline() if offline is None else offline)
    if str(source).startswith(SAMPLE_PREFIX):
        return _sample_files(str(source), samples)[-1]
    path = _local_path(source, base_dir)
    if path.is_dir():
        inside = _shown([entry.name for entry in _checkpoints_in(path)])
        raise CheckpointError(f"{path} is a folder; name one file in it{inside}, or use it as snapshots")
    if not path.is_file():
        raise CheckpointError(_missing(path, samples))
    return path


def resolve_series(
    source: str | Path, base_dir: str | Path = ".", samples: Path | None = None
) -> tuple[tuple[float, Path], ...]:
    """The snapshots that `source` means, as (kimg, file), by rising kimg.

    `source` is a folder, a pattern (`runs/*/network-snapshot-*.pkl`), one file, or `sample:NAME`. kimg comes
    from the name (`network-snapshot-000040.pkl`), from its header, or from the number the name ends in.
    """
    if is_remote(source):
        raise CheckpointError(
            f"{source} is one file, not a series; name it as file, or fetch all into a folder"
        )
    if str(source).startswith(SAMPLE_PREFIX):
        files = _sample_files(str(source), samples, prefer_snapshots=True)
    else:
        files = [within_reach(path, CheckpointError) for path in _series_files(_local_path(source, base_dir))]
    series = sorted((kimg_of(path), path) for path in files)
    for (kimg, path), (next_kimg, next_path) in pairwise(series):
        if kimg == next_kimg:
            alike = path.name == next_path.name
            names = [f"{one.parent.name}/{one.name}" if alike else one.name for one in (path, next_path)]
            raise CheckpointError(f"{' and '.join(names)} are both at {kimg:g} kimg; keep one of them")
    return tuple(series)


def kimg_in_name(path: Path) -> float | None:
    """The kimg of a file named like a snapshot, with six digits or more at the end; otherwise None."""
    match = _SNAPSHOT.search(path.stem)
    return float(match[1]) if match else None


def kimg_of(path: Path) -> float:
    """The kimg of one file of a series. Raises CheckpointError if nothing tells."""
    kimg = kimg_in_name(path)
    if kimg is None and path.suffix == ".safetensors":
        kimg = read_header(path).kimg
    if kimg is None:
        match = _TRAILING_NUMBER.search(path.stem)
        kimg = float(match[1]) if match else None
    if kimg is None:
        raise CheckpointError(
            f"nothing says how far {path.name} was trained; "
            f"end its name in its kimg, as in {path.stem}-000040{path.suffix}"
        )
    return kimg


def _local_path(source: str | Path, base_dir: str | Path) -> Path:
    if (
        isinstance(source, str)
        and _SCHEME.match(source)
        and not re.match(r"^[a-z]:[\\/]", source, re.IGNORECASE)
    ):
        raise CheckpointError(
            f"{source!r} is neither a path nor {SAMPLE_PREFIX}NAME, {CATALOGUE_PREFIX}NAME, "
            "an https URL or hf://owner/repo/file"
        )
    return placed(base_dir, source, CheckpointError, shipped=True)


def _sample_files(source: str, samples: Path | None, prefer_snapshots: bool = False) -> list[Path]:
    """The files of a sample, best last: its snapshots by kimg, and the file without a number."""
    folder = samples or sample_folder()
    name = source.removeprefix(SAMPLE_PREFIX)
    snapshots = sorted(
        (path for path in folder.glob("*.safetensors") if _SNAPSHOT.sub("", path.stem) == name != path.stem),
        key=kimg_of,
    )
    exact = [path for path in folder.glob("*.safetensors") if path.stem == name]
    files = (snapshots or exact) if prefer_snapshots else snapshots + exact
    if not files:
        names = sample_names(folder)
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {SAMPLE_PREFIX}{near[0]}?" if near else ""
        raise CheckpointError(
            f"there is no sample {name!r}; there are {', '.join(names) or 'none here'}{hint}"
        )
    return files


def _series_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = _checkpoints_in(path)
        if not files:
            raise CheckpointError(f"{path} has no checkpoints ({', '.join(SUFFIXES)}) in it")
        return files
    if path.is_file():
        return [path]
    folder = next(parent for parent in path.parents if parent.is_dir())
    pattern = str(path.relative_to(folder))  # a * may stand in any folder's name
    if "**" in pattern:  # which could search a whole disk
        raise CheckpointError(f"{path}: a * stands for the names of one folder; ** is not known here")
    if any(sign in pattern for sign in "*?["):
        files = sorted(found for found in folder.glob(pattern) if found.is_file())
        if not files:
            raise CheckpointError(f"no file matches {path}")
        return files
    raise CheckpointError(_missing(path))


def _checkpoints_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def _missing(path: Path, samples: Path | None = None) -> str:
    """What to say about a file that is not there: the sample of that name, or what the folder has instead."""
    if path.name in sample_names(samples):
        return f"{path} does not exist; did you mean {SAMPLE_PREFIX}{path.name}?"
    if not path.parent.is_dir():
        return f"{path} does not exist: there is no folder {path.parent}"
    # By stems: one ending against the same would make any short name near.
    stems = {entry.stem: entry.name for entry in _checkpoints_in(path.parent)}
    near = [stems[stem] for stem in difflib.get_close_matches(path.stem, stems, n=3, cutoff=0.6)]
    if near:
        return f"{path} does not exist; did you mean {' or '.join(near)}?"
    return f"{path} does not exist{_shown([entry.name for entry in _checkpoints_in(path.parent)])}"


def _shown(names: list[str]) -> str:
    """A short list in brackets, or nothing."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f" (there: {', '.join(names[:5])}{more})" if names else ""
