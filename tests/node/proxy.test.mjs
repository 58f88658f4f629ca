// The released server proxy and the client's proxy mode: rows 28 and 29.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createHandler } from "@fal-ai/server-proxy/express";
import express from "express";

import { startFaultProxy } from "./support/fault-proxy.mjs";
import { KEY, NOOP, startServer } from "./support/server.mjs";
import { byProxyRoute, rewrite } from "./support/ways.mjs";
import { createFalClient } from "@fal-ai/client";

let server, recorder;
before(async () => {
  process.env.FAL_KEY = KEY;
  server = await startServer();
  recorder = await startFaultProxy(server.port);
});
after(async () => {
  await recorder.stop();
  await server.stop();
});

/** An application that mounts the released proxy at its usual route. */
async function application(t, config) {
  const app = express();
  app.use(express.json());
  app.all("/api/fal/proxy", createHandler(config));
  const listener = await new Promise((ready) => {
    const listener = app.listen(0, "127.0.0.1", () => ready(listener));
  });
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  return `http://127.0.0.1:${listener.address().port}/api/fal/proxy`;
}

const direct = (config) => createFalClient({ credentials: KEY, ...config });

test("proxy mode is for browsers unless it is told otherwise", async () => {
  const sent = [];
  const fetch = async (url) => sent.push(String(url)) && Response.json({});
  await direct({ proxyUrl: "http://proxy/", fetch }).run(NOOP, { input: {} });
  await direct({ proxyUrl: { url: "http://proxy/", when: "always" }, fetch }).run(NOOP, { input: {} });
  const when = ({ isBrowser }) => !isBrowser;
  await direct({ proxyUrl: { url: "http://proxy/", when }, fetch }).run(NOOP, { input: {} });
  assert.deepEqual(sent, [`https://fal.run/${NOOP}`, "http://proxy/", "http://proxy/"]);
});

test("a target that is already there is left alone", async () => {
  const sent = [];
  const fetch = async (url, init) => sent.push([String(url), init.headers["x-fal-target-url"]]) && Response.json({});
  const requestMiddleware = async (request) => ({
    ...request, url: "http://mine/", headers: { ...request.headers, "x-fal-target-url": "https://fal.run/x/y" },
  });
  await direct({ proxyUrl: { url: "http://proxy/", when: "always" }, requestMiddleware, fetch }).run(NOOP, { input: {} });
  assert.deepEqual(sent, [["http://mine/", "https://fal.run/x/y"]]);
});

test("the client works through the server's own proxy route", async () => {
  const fal = byProxyRoute(server.url);
  assert.equal((await fal.run(NOOP, { input: { seed: 1 } })).data.seed, 1);
  assert.equal((await fal.subscribe(NOOP, { input: { seed: 2 } })).data.seed, 2);
  const url = await fal.storage.upload(new Blob(["proxied"], { type: "text/plain" }));
  assert.equal(await (await fetch(url)).text(), "proxied");
  const stream = await fal.stream(NOOP, { input: { events: [{ n: 1 }], n: 2 } });
  assert.equal((await stream.done()).n, 2);
});

test("the released server proxy forwards to the server, key added", async (t) => {
  const host = new URL(recorder.url).host;
  const allowedEndpoints = ["tintype/**", "queue/tintype/**"];
  const url = await application(t, { allowedUrlPatterns: [`${host}/**`], allowedEndpoints });
  const fal = createFalClient({
    credentials: () => undefined,
    requestMiddleware: async (request) => ({ ...request, url: rewrite(recorder.url, request.url) }),
    proxyUrl: { url, when: "always" },
  });
  assert.equal((await fal.subscribe(NOOP, { input: { seed: 3 } })).data.seed, 3);
  const stream = await fal.stream(NOOP, { input: { events: [{ n: 1 }], n: 2 } });
  assert.equal((await stream.done()).n, 2);
  const { request_id: requestId } = await fal.queue.submit(NOOP, { input: { sleep_ms: 30_000 } });
  await fal.queue.cancel(NOOP, { requestId });
  const arrived = recorder.matching("POST", new RegExp(NOOP)).at(-1);
  assert.equal(arrived.headers.authorization, `Key ${KEY}`);
  assert.equal(arrived.headers["x-fal-client-proxy"], "@fal-ai/server-proxy/express");
  assert.ok(arrived.headers["x-fal-target-url"]);
});

test("the released server proxy refuses what its lists do not allow", async (t) => {
  const url = await application(t, { allowedEndpoints: ["tintype/sketch"] });
  const ask = (target) =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(target && { "x-fal-target-url": target }) },
      body: "{}",
    });
  assert.equal((await ask()).status, 400);
  assert.equal((await ask("https://example.com/x")).status, 400);
  assert.equal((await ask("https://rest.fal.ai/tokens/")).status, 400);
  assert.equal((await ask(`https://fal.run/${NOOP}`)).status, 400);
});

test("a proxy without a key sends a literal that is refused as a wrong key", async () => {
  const headers = { authorization: "Key undefined", "x-fal-target-url": `https://fal.run/${NOOP}` };
  const answer = await fetch(`${server.url}/api/fal/proxy`, { method: "POST", headers });
  assert.equal(answer.status, 401);
});
