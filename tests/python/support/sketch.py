"""The smallest inputs that make the real model draw."""

from __future__ import annotations

from typing import Any

APP = "tintype/sketch"
TEXT_TO_IMAGE = "tintype/sketch/text-to-image"
IMAGE_TO_IMAGE = "tintype/sketch/image-to-image"
INPAINTING = "tintype/sketch/inpainting"


def picture(**values: Any) -> dict[str, Any]:
    """Few steps and a small picture: these tests are about the wire, not about the drawing."""
    small = {"width": 256, "height": 256}
    return {"prompt": "a red circle on white", "seed": 7, "num_inference_steps": 2, "image_size": small, **values}
