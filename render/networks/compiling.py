"""Compiles kernels once and keeps the machine code on disk: a later run loads it in milliseconds.

On a CPU the code is made ahead of time, by `torch.export` and AOTInductor, and loaded without either:
importing the compiler alone takes longer than the first frame. On CUDA `torch.compile` is asked, which keeps
a cache of its own. What is written in C++ becomes a library in the same folder.
"""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import platformdirs
import torch
from torch import Tensor, nn

from render.errors import BlendreelWarning

# For code on a CPU: for any number of threads, and without precompiled headers (150 MB, and no faster).
OPTIONS = {"cpp.dynamic_threads": True, "compile_threads": 1, "cpp_cache_precompile_headers": False}
# For code in C++: of this processor, and with the OpenMP that PyTorch has already loaded.
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared")
# Sizes a kernel is traced with: different, so that none is taken for another; large, so that it is threaded.
EXAMPLE = {"n": 3, "p": 4099, "c": 48, "h": 67, "1": 1}


class CompiledKernels:
    """The code there is, in memory and on disk. One for the process: `COMPILED`."""

    def __init__(self) -> None:
        self._loaded: dict[tuple, Callable | None] = {}
        self._lock = threading.Lock()  # of what is loaded: teams may ask for it at once
        self._libraries: dict[Path, ctypes.CDLL | None] = {}
        self.is_broken = False

    def find(
        self,
        function: Callable,
        shapes: tuple[str, ...],
        constants: dict[str, float],
        like: Tensor,
        compiled: bool | None,
    ) -> Callable | None:
        """Compiled code of `function` for tensors in the format of `like`, or None: run it as it is.

        compiled  True: compile it now if that was never done (about 10 s on a CPU); None: only if it lies
                  on disk; False: no
        """
        if compiled is False or self.is_broken:
            return None
        key = function, like.dtype, like.device.type, tuple(constants.items())
        with self._lock:
            if self._loaded.get(key) is None and (compiled or key not in self._loaded):
                self._loaded[key] = self._prepare(key, shapes, constants, bool(compiled))
            return self._loaded[key]

    def _prepare(
        self, key: tuple, shapes: tuple[str, ...], constants: dict[str, float], may_compile: bool
    ) -> Callable | None:
        function, dtype, device = key[:3]
        try:
            if device == "cuda":
                return self._compiled_when_called(partial(function, **constants)) if may_compile else None
            if device != "cpu":
                return None
            path = code_folder() / f"{_name(function, dtype, constants)}.pt2"
            if not path.exists():
                if not may_compile:
                    return None
                find_compiler()
                _compile(function, shapes, constants, dtype, path)
            return _load(path)
        except Exception as error:  # whatever a compiler may raise: pictures don't depend on it
            self.give_up(error)
            return None

    def _compiled_when_called(self, function: Callable) -> Callable:
        """What `torch.compile` makes of a function; it finds out by the first call whether it can."""
        compiled = torch.compile(function, dynamic=True)

        def call(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
            if self.is_broken:
                return function(*tensors)
            try:
                return compiled(*tensors)
            except (torch.OutOfMemoryError, MemoryError):
                raise  # smaller batches are somebody else's care
            except Exception as error:  # as in `_prepare`
                self.give_up(error)
                return function(*tensors)

        return call

    def serves(self, device: str) -> bool:
        """Whether there is compiled code for kernels on that kind of device."""
        with self._lock:
            loaded = any(code is not None for key, code in self._loaded.items() if key[2] == device)
        return loaded and not self.is_broken

    def library(self, source: Path, compiled: bool | None) -> ctypes.CDLL | None:
        """The C++ of that file as a library, or None: do without it. `compiled` as in `find`; Linux only."""
        if compiled is False or self.is_broken or sys.platform != "linux":
            return None
        if self._libraries.get(source) is None and (compiled or source not in self._libraries):
            self._libraries[source] = None
            try:
                path = code_folder() / f"{source.stem}-{_folder_digest(source.parent)}.so"
                if compiled and not path.exists():
                    _build(source, path)
                self._libraries[source] = ctypes.CDLL(str(path)) if path.exists() else None
            except Exception as error:  # as above
                self.give_up(error)
        return self._libraries[source]

    def give_up(self, error: Exception) -> None:
        """Go on without compiled code, and say so once."""
        self.is_broken = True
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"rendering goes on without compiled code, and more slowly: {reason}",
            BlendreelWarning,
            stacklevel=2,
        )


COMPILED = CompiledKernels()


def find_compiler() -> str:
    """The program that compiles C++. Raises RuntimeError: PyTorch would find out late, and at length."""
    found = (shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
    path = next(filter(None, found), None)
    if path is None:
        raise RuntimeError("there is no C++ compiler here (g++ or clang++)")
    return path


def code_folder() -> Path:
    """Where compiled code is kept: by PyTorch's version and by processor, for it runs on no other."""
    return cache_folder() / f"torch-{torch.__version__}-{_processor()}"


def cache_folder() -> Path:
    """The folder of all compiled code: BLENDREEL_CODE_CACHE, or in the user's cache folder."""
    chosen = os.environ.get("BLENDREEL_CODE_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("blendreel") / "compiled"


@cache
def _processor() -> str:
    """A short name for what this processor can do."""
    words = [platform.machine(), torch.backends.cpu.get_cpu_capability()]
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        words.append(next(line for line in lines if line.startswith(("flags", "Features"))))
    except (OSError, StopIteration):
        words.append(platform.processor())
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]


@cache
def _source_digest() -> str:
    """A short name for the kernels' source, so that no code outlives what it was made of."""
    from render.networks import kernels

    return hashlib.sha256(inspect.getsource(kernels).encode()).hexdigest()[:12]


def _folder_digest(folder: Path) -> str:
    """The same for C++, with all that it may include."""
    parts = (path.read_bytes() for path in sorted(folder.glob("*")) if path.suffix in (".cpp", ".h"))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _name(function: Callable, dtype: torch.dtype, constants: dict[str, float]) -> str:
    values = "-".join(f"{name}{value!r}" for name, value in constants.items())
    return "-".join(
        filter(None, (function.__name__, str(dtype).removeprefix("torch."), values, _source_digest()))
    )


class _AsModule(nn.Module):
    """A function with its constants, in the shape that `torch.export` wants."""

    def __init__(self, function: Callable, constants: dict[str, float]):
        super().__init__()
        self.function, self.constants = function, constants

    def forward(self, *tensors: Tensor):
        return self.function(*tensors, **self.constants)


def _compile(
    function: Callable, shapes: tuple[str, ...], constants: dict[str, float], dtype: torch.dtype, path: Path
) -> None:
    """Write the code of `function` to `path`, whole or not at all. Large tensors are in `dtype`."""
    dims = {letter: torch.export.Dim(letter) for letter in EXAMPLE if letter != "1"}
    axes = tuple(
        {axis: dims[letter] for axis, letter in enumerate(shape) if letter != "1"} for shape in shapes
    )
    tensors = tuple(
        torch.zeros([EXAMPLE[letter] for letter in shape], dtype=dtype if len(shape) == 3 else torch.float32)
        for shape in shapes
    )
    with _own_folder(), warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        module = _AsModule(function, constants)
        program = torch.export.export(module, tensors, dynamic_shapes=(axes,))
        with _written_whole(path) as name:
            torch._inductor.aoti_compile_and_package(program, package_path=name, inductor_configs=OPTIONS)


def _build(source: Path, path: Path) -> None:
    """Compile C++ to a library at `path`, whole or not at all."""
    compiler = find_compiler()
    with _written_whole(path) as name:
        command = [compiler, *FLAGS, str(source), "-o", name]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), "it failed")
            raise RuntimeError(f"{Path(compiler).name}: {first}")


@contextmanager
def _written_whole(path: Path) -> Iterator[str]:
    """A name to write to, which becomes `path` when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield name
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _own_folder() -> Iterator[None]:
    """A folder for the compiler's intermediate files, gone afterwards: the code is all that is kept."""
    before = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    with tempfile.TemporaryDirectory(prefix="blendreel-", ignore_cleanup_errors=True) as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["TORCHINDUCTOR_CACHE_DIR"]
            if before is not None:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = before


def _load(path: Path) -> Callable:
    """The code in that file, as a function of tensors."""
    program = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)

    def run(*tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
        results = program.boxed_run([tensor.contiguous() for tensor in tensors])
        return results[0] if len(results) == 1 else tuple(results)

    return run
