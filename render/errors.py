"""The exceptions a caller may meet, all under one root.

    BlendreelError                what went wrong, in one readable message; carries the command's exit code
    ├── PresetError               2  a preset or an option is wrong; one line per mistake
    ├── LatentError               2  latents, a direction or a label are damaged, or fit no such network
    ├── PhotoError                2  a photograph can't be read, or has no face to align
    ├── CheckpointError           2  a file of weights is missing, damaged, or of an unknown format
    │   └── UnsafeCheckpointError 2  the file asks to run something; names what
    ├── BlendError                2  the models cannot be mixed, or not in this way
    ├── RenderError               1  a frame could not be made
    ├── EncodingError             3  a frame could not be written; carries the encoder's own reason
    └── WorkError                 2  segments of an earlier render, or another process, stand in the way
        └── PartlyDoneError       4  some segments are finished, others not; the same command goes on

Messages name the place, the value and the choices. They are printed as they are: no traceback
is ever needed to understand one.
"""

from __future__ import annotations

from numbers import Integral


class BlendreelError(Exception):
    """Root of every error this package raises on purpose."""

    exit_code = 1


class PresetError(BlendreelError):
    """A preset, a latent source or a command option is wrong."""

    exit_code = 2


class LatentError(BlendreelError):
    """A file of latents or directions can't be read, or what it holds does not fit the network."""

    exit_code = 2


class PhotoError(BlendreelError):
    """A photograph or film can't be read as one, or there is no face in it to align."""

    exit_code = 2


class CheckpointError(BlendreelError):
    """A checkpoint is missing, damaged, or in a format nobody here knows."""

    exit_code = 2


class UnsafeCheckpointError(CheckpointError):
    """A checkpoint asks for something that is not data: it names a global outside the allow-list."""


class BlendError(BlendreelError):
    """Models whose structure differs, or blend settings that have no meaning for them."""

    exit_code = 2


class RenderError(BlendreelError):
    """A frame could not be rendered."""

    exit_code = 1


class EncodingError(BlendreelError):
    """A file could not be encoded or written."""

    exit_code = 3


class WorkError(BlendreelError):
    """What an earlier render left does not fit this one, or another process is still at it."""

    exit_code = 2


class PartlyDoneError(WorkError):
    """A part of the segments is finished, and the film not: the same command goes on from there."""

    exit_code = 4


class InterruptedRender(KeyboardInterrupt):
    """Ctrl-C, or a request to end, in the middle of a render; tells how to go on."""


class BlendreelWarning(UserWarning):
    """Something that works, and is probably not what was meant. The command prints it as one line."""


def check_whole(name: str, value: object, unit: str) -> None:
    """Raises PresetError unless the value of an option is a whole number from 1 on; NumPy's are, too."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise PresetError(f"{name} is a whole number of {unit} from 1 on, not {value!r}")
