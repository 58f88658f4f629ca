"""An app with pydantic models and scaling values of its own."""

import fal
from pydantic import BaseModel, Field

VERSION = "one"
KEEP_ALIVE = 300
MAX_CONCURRENCY = 3
MULTIPLEXING = 4


class Name(BaseModel):
    name: str = Field(description="Who is greeted.", min_length=1, examples=["Ada"])
    times: int = Field(default=1, ge=1, le=9)


class Greeting(BaseModel):
    text: str
    version: str


class Greeter(fal.App, keep_alive=KEEP_ALIVE, max_concurrency=MAX_CONCURRENCY, max_multiplexing=MULTIPLEXING):
    machine_type = "S"

    def setup(self):
        self.word = "hello"
        print(f"the greeter of version {VERSION} is set up")

    @fal.endpoint("/")
    def greet(self, input: Name) -> Greeting:
        print(f"greeting {input.name}")
        return Greeting(text=" ".join([self.word, input.name] * input.times), version=VERSION)
