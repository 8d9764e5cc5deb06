"""The section `truncation_clusters`: many centres that latents are pulled to, in place of one average."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .mistakes import Place
from .part import Part
from .values import whole


class Clusters(Part):
    """Multimodal truncation: each latent is pulled to the nearest of some centres."""

    section: ClassVar[Place] = ("truncation_clusters",)
    shorthand: ClassVar[str | None] = "count"
    example: ClassVar[str] = "{count: 16, seed: 0}"

    count: Annotated[int, *whole(1, 1024)] = Field(description="How many centres; 1 is the average again.")
    seed: Annotated[int, *whole(0, 2**32 - 1)] = Field(
        default=0, description="The seed of the samples that the centres are found among."
    )
