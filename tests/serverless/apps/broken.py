"""Apps that do not come up, each in its own way."""

import os
import time

import fal


class Raiser(fal.App):
    """Raises in its set-up."""

    def setup(self):
        print("about to fail")
        raise RuntimeError("the weights are missing")

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}


class Hanger(fal.App, startup_timeout=3):
    """Never finishes its set-up."""

    def setup(self):
        print("hanging")
        time.sleep(3600)

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}


class Quitter(fal.App):
    """Ends by itself, with a code of its own."""

    def setup(self):
        print("leaving")
        os._exit(42)

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}


class Demanding(fal.App):
    """Wants a package that nobody makes."""

    requirements = ["tintype-there-is-no-such-package==1.2.3"]

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}


class Imaginary(fal.App):
    """Wants a machine that nobody has."""

    machine_type = "HUGE"

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}
