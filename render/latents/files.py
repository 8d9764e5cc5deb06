"""Latents from files: what projectors, encoders and `numpy.save` write.

What an array is follows from its name in the file, then from its shape:

    name in the file                              read as
    ws, projected_w, dlatents, w_plus             w+; two axes are one latent [num_ws, w_dim]
    z                                             z
    w, latent, latents, any other, or none        w, unless the caller says `space`

    shape          as z       as w                          as w+
    [D]            one z      one w                         one w (the same in every row)
    [N, D]         N of z     N of w                        one w+ of N rows
    [N, 1, D]      N of z     N of w                        N of w
    [N, R, D]      an error   N of w+, R rows               N of w+, R rows

Axes of length 1 in front are dropped from longer shapes. One case stays open: [18, 512] of w may be 18
latents or one w+ of 18 rows. It is read as 18 latents; `check_fits` warns where that looks wrong, and
`space="w+"` or `space="w"` settles it. A file with several arrays gives the first in the order of KEYS;
`rosinality`'s projector files (one entry a picture) give a latent for each picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from render.errors import BlendreelWarning, LatentError
from render.latents.array_files import (
    TORCH_SUFFIXES,
    Header,
    check_file,
    read_array,
    read_headers,
    read_torch,
    shape_text,
)

Space = Literal["z", "w"]
SPACES = ("z", "w", "w+")

# Names of arrays → what they hold, first choice first.
KEYS: dict[str, str] = {
    "ws": "w+",
    "projected_w": "w+",
    "w_plus": "w+",
    "dlatents": "w+",
    "w": "w",
    "latent": "w",
    "latents": "w",
    "z": "z",
}


@dataclass(frozen=True)
class Latents:
    """Latents of one file.

    space      z or w
    values     float32 [N, D]; or w+, [N, num_ws, w_dim]
    names      of each: the file's name and its number in it, or the picture it was made from
    source     the file's name, for messages
    is_unsure  two axes that may also be one w+
    """

    space: Space
    values: np.ndarray
    names: tuple[str, ...]
    source: str = "latents"
    is_unsure: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_w_plus(self) -> bool:
        """Whether every latent has a row for each layer."""
        return self.values.ndim == 3

    def pick(self, index: int) -> Latents:
        """One of them, counted from 0. Raises LatentError if there is no such."""
        if not 0 <= index < len(self):
            count = "1 latent" if len(self) == 1 else f"{len(self)} latents"
            raise LatentError(f"{self.source}#{index}: the file has {count}, and they are counted from 0")
        return Latents(self.space, self.values[index : index + 1], self.names[index : index + 1], self.source)


def load_latents(path: str | Path, space: str | None = None) -> Latents:
    """The latents in a .npy, .npz, .pt or .pth file; nothing in it is ever run.

    `space` (z, w or w+) overrides what the table above says. Raises LatentError.
    """
    path = Path(path)
    _check_space(space)
    values, key, pictures = _read(path, KEYS)
    kind = space or KEYS.get(key, "w")
    values = values.reshape(_arranged(values.shape, kind, _label(path.name, key)))
    is_unsure = space is None and kind == "w" and values.ndim == 2 and len(values) > 1 and not pictures
    return Latents(
        "z" if kind == "z" else "w",
        _finite(values, _label(path.name, key)),
        pictures if len(pictures) == len(values) else _numbered(path.stem, len(values)),
        path.name,
        is_unsure,
    )


class Peek(NamedTuple):
    """What the header of a file says of its latents.

    count  how many there are
    space  z, w or w+
    size   of each: (numbers,), or of w+ (rows, numbers)
    """

    count: int
    space: str
    size: tuple[int, ...]

    def __str__(self) -> str:
        many = "1 latent" if self.count == 1 else f"{self.count} latents"
        each = " each" if self.count > 1 and len(self.size) == 1 else ""
        return f"{many} of {self.space}, {_size_text(self.size)}{each}"


def peek(path: str | Path, space: str | None = None) -> Peek | None:
    """What a file holds, from its header alone; None for a file of torch's, which is not opened.

    Needs no torch. Raises LatentError as `load_latents` does for all that a header shows.
    """
    path = Path(path)
    _check_space(space)
    check_file(path)
    if path.suffix.lower() in TORCH_SUFFIXES:
        return None
    headers = read_headers(path)
    key = _choose(headers, path.name, KEYS)
    kind = space or KEYS.get(key, "w")
    count, *size = _arranged(headers[key].shape, kind, _label(path.name, key))
    return Peek(count, "w+" if len(size) == 2 else kind[0], tuple(size))


def peek_latents(path: str | Path, space: str | None = None) -> str:
    """The same in words: `8 latents of w, 512 numbers each`, or `a file of torch's, 37 kB`."""
    found = peek(path, space)
    return str(found) if found else f"a file of torch's, {Path(path).stat().st_size / 1e3:,.0f} kB"


def check_fits(latents: Latents, num_ws: int, w_dim: int, z_dim: int) -> None:
    """Raises LatentError unless the latents are of a network's size; warns where they may be misread."""
    wanted = {"z": (z_dim,), "w": (w_dim,)}[latents.space]
    if latents.is_w_plus:
        wanted = (num_ws, w_dim)
    found = latents.values.shape[1:]
    if found != wanted:
        kind = "w+" if latents.is_w_plus else latents.space
        raise LatentError(
            f"{latents.source}: latents of {kind} with {_size_text(found)}, "
            f"but the network takes {_size_text(wanted)}"
        )
    if latents.is_unsure and len(latents) == num_ws:
        warnings.warn(
            f"{latents.source}: {shape_text(latents.values.shape)} is read as {num_ws} latents of w; "
            f"if it is one w+ latent of {num_ws} rows, say space: w+ (and space: w if it is not)",
            BlendreelWarning,
            stacklevel=2,
        )


def load_values(path: str | Path, keys: Iterable[str]) -> tuple[np.ndarray, str]:
    """Another array from such a file, float32, and what messages call it; `keys` are its likely names.

    Raises LatentError.
    """
    path = Path(path)
    values, key, _ = _read(path, keys)
    return _finite(values, _label(path.name, key)), _label(path.name, key)


def _read(path: Path, keys: Iterable[str]) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """The array of the first of `keys` there is, or the only one; its name; and those of pictures, if any."""
    check_file(path)
    if path.suffix.lower() not in TORCH_SUFFIXES:
        key = _choose(read_headers(path), path.name, keys)
        return read_array(path, key), key, ()
    arrays, pictures = _by_name(read_torch(path), path.name, keys)
    key = _choose(_headers(arrays), path.name, keys)
    return arrays[key], key, pictures


def _size_text(size: tuple[int, ...]) -> str:
    return f"{size[0]} numbers" if len(size) == 1 else f"{size[0]} rows of {size[1]} numbers"


def _label(name: str, key: str) -> str:
    return f"{name} ({key})" if key else name


def _numbered(stem: str, count: int) -> tuple[str, ...]:
    return (stem,) if count == 1 else tuple(f"{stem}#{index}" for index in range(count))


def _check_space(space: str | None) -> None:
    if space is not None and space not in SPACES:
        raise LatentError(f"unknown space {space!r}; there are {', '.join(SPACES)}")


def _choose(headers: Mapping[str, Header], label: str, keys: Iterable[str]) -> str:
    """Name of the array that is wanted: one of `keys`, or the only one there is."""
    key = next((known for known in keys if known in headers), None)
    if key is None and len(headers) == 1:
        key = next(iter(headers))
    if key is None:
        found = ", ".join(sorted(headers)[:10]) + (" …" if len(headers) > 10 else "")
        found = f"its arrays are called {found}" if headers else "it holds no arrays"
        raise LatentError(
            f"{label} has no array of a known name: expected one of {', '.join(keys)}, and {found}"
        )
    headers[key].check(_label(label, key))
    return key


def _arranged(shape: tuple[int, ...], kind: str, label: str) -> tuple[int, ...]:
    """The shape [N, D] or [N, R, D] that an array of `kind` is read as."""
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == 1 or (len(shape) == 2 and kind == "w+"):
        shape = (1, *shape)
    if len(shape) == 3 and shape[1] == 1:
        shape = (shape[0], shape[2])
    if len(shape) not in (2, 3) or (kind == "z" and len(shape) == 3):
        expected = "[D] or [N, D]" if kind == "z" else "[D], [N, D] or [N, num_ws, D]"
        raise LatentError(f"{label} has the shape {shape_text(shape)}; latents of {kind} are {expected}")
    if 0 in shape:
        raise LatentError(f"{label} holds no latents: its shape is {shape_text(shape)}")
    return shape


def _finite(values: np.ndarray, label: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(values))[0].tolist()
        raise LatentError(f"{label} has a number that is not finite, at {shape_text(tuple(bad))}")
    return values


def _by_name(found: Any, label: str, keys: Iterable[str]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Arrays by name, and the pictures' names if the file has an entry for each picture."""
    if isinstance(found, np.ndarray):
        return {"": found}, ()
    if not isinstance(found, dict):
        raise LatentError(f"{label} holds neither a tensor nor a dictionary of tensors")
    entries = {name: part for name, part in found.items() if isinstance(part, dict)}
    if not entries:
        return found, ()
    rows, key = [], _choose(_headers(next(iter(entries.values()))), label, keys)
    for name, part in entries.items():
        if key not in part or part[key].shape != next(iter(entries.values()))[key].shape:
            raise LatentError(f"{label}: the latent of {name} is missing, or shaped unlike the first one")
        rows.append(part[key])
    stacked = np.stack(rows)
    # One w [D] or one w+ [R, D] for each picture; files with [1, R, D] exist too.
    if stacked.ndim == 4 and stacked.shape[1] == 1:
        stacked = stacked[:, 0]
    return {key: stacked}, tuple(Path(name).stem for name in entries)


def _headers(arrays: Mapping[str, np.ndarray]) -> dict[str, Header]:
    return {
        name: Header(array.shape, array.dtype)
        for name, array in arrays.items()
        if isinstance(array, np.ndarray)
    }
