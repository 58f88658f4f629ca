"""An app inside a package: nothing of it is imported where it is deployed from."""

import fal
from pydantic import BaseModel


class Word(BaseModel):
    word: str


class Entry(fal.App):
    @fal.endpoint("/")
    def run(self, input: Word) -> dict:
        return {"word": input.word, "from": __name__}
