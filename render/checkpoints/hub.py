"""Checkpoints on the Hugging Face Hub, `hf://owner/repo/file`, by its own library and cache. No torch."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from render.errors import CheckpointError

PREFIX = "hf://"
EXTRA = "pip install 'blendreel[hub]'"
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+?))?/([^@]+)")


def check_address(address: str) -> None:
    """Raises CheckpointError unless it is written as an address of the hub's."""
    if _ADDRESS.fullmatch(address) is None:
        raise CheckpointError(f"{address!r} is not understood; write hf://owner/repo/file")


def fetch_from_hub(address: str, offline: bool) -> Path:
    """The file of `hf://owner/repo/file` or `hf://owner/repo@revision/file`; from the hub's cache if offline.

    Raises CheckpointError: no such address, the extra is not installed, or the hub refuses.
    """
    check_address(address)
    repository, revision, name = _ADDRESS.fullmatch(address).groups()
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise CheckpointError(f"{address} needs the package huggingface-hub: {EXTRA}") from error
    try:
        return Path(
            hub.hf_hub_download(
                repo_id=repository, filename=name, revision=revision, local_files_only=offline
            )
        )
    except Exception as error:
        # The hub has a dozen kinds of errors, of its own and of the libraries below it; all of them end here.
        if offline:
            raise CheckpointError(
                f"{address} can't be fetched offline, and is not in the hub's cache"
            ) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0][:200] if lines else type(error).__name__
        raise CheckpointError(f"{address} can't be fetched: {reason}") from error
