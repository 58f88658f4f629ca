"""Apps in container images."""

import os
from pathlib import Path

import fal
from fal.container import ContainerImage

BASE = os.environ.get("TEST_BASE_IMAGE", "localhost/tintype-test/python:latest")
DOCKERFILE = f"""
FROM {BASE}
ARG COLOUR=none
ENV COLOUR=$COLOUR
COPY static/box.txt /opt/box.txt
RUN echo built >/opt/built.txt
"""


class Boxed(fal.App, keep_alive=60):
    image = ContainerImage.from_dockerfile_str(
        DOCKERFILE, build_args={"COLOUR": "blue"}, context_dir=Path(__file__).parent
    )

    @fal.endpoint("/")
    def run(self) -> dict:
        return {
            "box": Path("/opt/box.txt").read_text(),
            "built": Path("/opt/built.txt").read_text().strip(),
            "colour": os.environ.get("COLOUR"),
        }
