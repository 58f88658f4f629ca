"""What `subscribe` does when its own time is up: row 26."""

from __future__ import annotations

import asyncio

import pytest
from fal_client.client import FalClientTimeoutError

from support import noop
from support.clients import async_client, pointed_at
from support.wait import until


def test_a_timeout_after_submit_cancels_the_request_once(proxied, proxy, http):
    with pytest.raises(FalClientTimeoutError) as raised:
        proxied.subscribe(noop.APP, noop.slow(60), client_timeout=2)
    cancels = until(lambda: proxy.matching("PUT", r"/cancel$"), what="the cancel")
    assert len(cancels) == 1 and raised.value.request_id in cancels[0].path
    url = f"/queue/{noop.APP}/requests/{raised.value.request_id}/status"
    until(lambda: http.get(url).json()["status"] == "COMPLETED", what="the cancelled request to end")


def test_a_timeout_before_submit_cancels_nothing(proxied, proxy):
    proxy.fail("POST", r"^/queue/", 429, times=99)
    with pytest.raises(FalClientTimeoutError) as raised:
        proxied.subscribe(noop.APP, noop.echo(), client_timeout=1.2)
    assert raised.value.request_id is None
    assert proxy.matching("PUT", r"/cancel$") == []
    proxy.reset()


def test_the_async_client_cancels_too(proxy):
    async def wait() -> None:
        await async_client().subscribe(noop.APP, noop.slow(60), client_timeout=2)

    with pointed_at(proxy.url), pytest.raises(FalClientTimeoutError):
        asyncio.run(wait())
    assert len(proxy.matching("PUT", r"/cancel$")) == 1


def test_a_caller_that_hangs_up_cancels_its_direct_call(http, server):
    import httpx

    with pytest.raises(httpx.ReadTimeout):
        http.post(f"/{noop.APP}", json=noop.slow(60), timeout=0.5)
    # The slot is free again long before the minute is over.
    assert http.post(f"/{noop.APP}", json=noop.echo(), timeout=20).status_code == 200
