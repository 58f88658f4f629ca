"""Kills the server at random moments under 200 concurrent submits, again and again, and counts what was promised.

A 2xx on a submit means that the request survives. After the last restart every acknowledged request must have
reached one terminal state, shown once in the event feed. Usage: crash.py [ROUNDS] [SEED]
"""

from __future__ import annotations

import asyncio
import collections
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import aiohttp  # noqa: E402
import httpx  # noqa: E402
from support.server import KEY, Server  # noqa: E402

CLIENTS = 200
APP = "tintype/noop"
HEADERS = {"Authorization": f"Key {KEY}"}


class Ledger:
    """What the server has acknowledged, by request id."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, int] = {}
        self.idempotent: dict[str, str] = {}
        self.refused: collections.Counter[str] = collections.Counter()
        self.cancelled: set[str] = set()

    def note(self, key: str, request_id: str, seed: int) -> None:
        known = self.idempotent.setdefault(key, request_id)
        assert known == request_id, f"key {key} gave {known} and then {request_id}"
        self.acknowledged[request_id] = seed


async def submitter(http: aiohttp.ClientSession, ledger: Ledger, chance: random.Random, number: int) -> None:
    """Submits until the server dies; sometimes repeats the last submit, or cancels what it submitted."""
    count = 0
    while True:
        count += 1
        key = f"{number}-{count}-{chance.random()}"
        body = {"seed": chance.randrange(1 << 30), "sleep_ms": chance.choice([0, 0, 0, 1, 5, 20])}
        try:
            for _ in range(2 if chance.random() < 0.1 else 1):
                await submit(http, ledger, key, body, chance)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            # The server has been killed; whether this submit was kept is open, and either is right.
            return


async def submit(http: aiohttp.ClientSession, ledger: Ledger, key: str, body: dict, chance: random.Random) -> None:
    async with http.post(f"/queue/{APP}", json=body, headers={"Idempotency-Key": key}) as answer:
        if answer.status != 200:
            ledger.refused[f"{answer.status} {(await answer.text())[:160]}"] += 1
            return
        request_id = (await answer.json())["request_id"]
    ledger.note(key, request_id, body["seed"])
    if chance.random() < 0.05:
        async with http.put(f"/queue/{APP}/requests/{request_id}/cancel") as cancel:
            ledger.cancelled |= {request_id} if cancel.status == 200 else set()


async def round_of_submits(server: Server, ledger: Ledger, chance: random.Random, seconds: float) -> None:
    connections = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(server.url, headers=HEADERS, connector=connections) as http:
        tasks = [
            asyncio.create_task(submitter(http, ledger, random.Random(chance.random()), number))
            for number in range(CLIENTS)
        ]
        await asyncio.sleep(seconds)
        server.kill()
        await asyncio.gather(*tasks)


def terminal_events(http: httpx.Client) -> collections.Counter[str]:
    """How often each request ends in the feed, read by its cursor from the beginning."""
    ends: collections.Counter[str] = collections.Counter()
    cursor, last = 0, 0
    while True:
        page = http.get("/v1/events", params={"after": cursor, "limit": 1000}).raise_for_status().json()
        for event in page["events"]:
            assert event["cursor"] > last, "the feed is in order"
            last = event["cursor"]
            if event["outcome"] is not None:
                ends[event["request_id"]] += 1
        if not page["events"]:
            return ends
        cursor = last


def settle(http: httpx.Client, ledger: Ledger, seconds: float = 90) -> collections.Counter[str]:
    """Waits until every acknowledged request has ended."""
    deadline = time.monotonic() + seconds
    while True:
        ends = terminal_events(http)
        missing = [request_id for request_id in ledger.acknowledged if request_id not in ends]
        if not missing or time.monotonic() > deadline:
            assert not missing, f"{len(missing)} acknowledged requests never ended, such as {missing[:3]}"
            return ends
        time.sleep(0.2)


def check_results(http: httpx.Client, ledger: Ledger, chance: random.Random) -> collections.Counter[str]:
    """Reads every status, and the result of a sample."""
    outcomes: collections.Counter[str] = collections.Counter()
    for request_id, seed in ledger.acknowledged.items():
        status = http.get(f"/queue/{APP}/requests/{request_id}/status")
        assert status.status_code == 200, f"{request_id}: {status.status_code} {status.text}"
        outcome = status.json()["outcome"]
        outcomes[outcome] += 1
        assert outcome == "cancelled" or request_id not in ledger.cancelled
        if outcome == "succeeded" and chance.random() < 0.2:
            result = http.get(f"/queue/{APP}/requests/{request_id}").json()
            assert result["seed"] == seed, f"{request_id} has another request's result"
    return outcomes


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    print(f"crash: {rounds} rounds, {CLIENTS} clients, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="tintype-crash-"))
    ledger = Ledger()
    restarts = []
    for number in range(rounds):
        began = time.monotonic()
        server = Server(data=folder / "data")
        restarts.append(time.monotonic() - began)
        asyncio.run(round_of_submits(server, ledger, chance, chance.uniform(0.05, 1.2)))
        if number % 10 == 9:
            print(f"crash: {number + 1} rounds, {len(ledger.acknowledged)} acknowledged", flush=True)
    with Server(data=folder / "data") as server:
        with httpx.Client(base_url=server.url, headers=HEADERS, timeout=30) as http:
            ends = settle(http, ledger)
            outcomes = check_results(http, ledger, chance)
    assert len(ledger.acknowledged) >= rounds, f"only {len(ledger.acknowledged)} were acknowledged: this proves nothing"
    twice = [request_id for request_id, count in ends.items() if count > 1]
    assert not twice, f"{len(twice)} requests ended more than once, such as {twice[:3]}"
    allowed = {"succeeded", "cancelled"}
    assert set(outcomes) <= allowed, f"some ended otherwise: {dict(outcomes)}"
    shutil.rmtree(folder, ignore_errors=True)
    slowest = max(restarts)
    print(f"crash: {len(ledger.acknowledged)} acknowledged, each ended once: {dict(outcomes)}; ", end="")
    reasons = f" {dict(ledger.refused.most_common(3))}" if ledger.refused else ""
    print(f"{sum(ledger.refused.values())} refused{reasons}; slowest start {slowest:.2f} s")
    print(f"crash: {rounds} passed, 0 failed")


if __name__ == "__main__":
    main()
