"""Plain functions, which run once and give a value back."""

import os
import sys

import fal
from pydantic import BaseModel


class TooSmall(Exception):
    def __init__(self, least: int):
        super().__init__(f"at least {least} is needed")
        self.least = least


@fal.function("virtualenv", requirements=["pyjokes==0.6.0"], machine_type="XS")
def double(number: int) -> dict:
    import pyjokes

    print("doubling")
    print("with a joke", file=sys.stderr)
    if number < 1:
        raise TooSmall(1)
    return {"doubled": 2 * number, "package": pyjokes.__name__, "pid": os.getpid()}


@fal.function("virtualenv")
def hungry() -> int:
    """Takes more memory than its machine has."""
    kept = [bytearray(os.urandom(1) * (16 << 20)) for _ in range(256)]
    return len(kept)


class Word(BaseModel):
    word: str


@fal.function("virtualenv", serve=True)
def served(input: Word) -> dict:
    return {"word": input.word.upper()}


def _prepared() -> dict:
    return {"prepared": True}


@fal.function("virtualenv", setup_function=_prepared)
def after_setup(prepared: dict) -> dict:
    return {"given": prepared}
