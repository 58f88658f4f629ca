// Realtime through the released JavaScript client: rows 19 to 21, 23 and 39.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startFaultProxy } from "./support/fault-proxy.mjs";
import { KEY, NOOP, SKETCH, startServer, until } from "./support/server.mjs";
import { byMiddleware, replaceWebSocket } from "./support/ways.mjs";

let server, proxy, fal, opened;
before(async () => {
  server = await startServer();
  proxy = await startFaultProxy(server.port);
  fal = byMiddleware(proxy.url);
  opened = replaceWebSocket(proxy.url);
});
after(async () => {
  for (const { socket } of opened) socket.terminate();
  await proxy.stop();
  await server.stop();
});

function connection(app, options = {}) {
  const results = [];
  const errors = [];
  const socket = fal.realtime.connect(app, {
    throttleInterval: 0,
    onResult: (result) => results.push(result),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { ...socket, results, errors };
}

test("inputs and results travel as messagepack and carry the caller's id", async () => {
  const { send, close, results } = connection(NOOP, { maxBuffering: 5 });
  send({ request_id: "one", bytes: new Uint8Array([1, 2, 3]) });
  await until(() => results.length === 1);
  assert.equal(results[0].request_id, "one");
  assert.deepEqual([...results[0].bytes], [1, 2, 3]);
  const token = proxy.matching("POST", /\/tokens\/$/).at(-1);
  assert.deepEqual(JSON.parse(token.body), { allowed_apps: ["noop"], token_expiration: 120 });
  const handshake = proxy.matching("GET", /\/realtime\?/).at(-1);
  assert.match(handshake.target, /fal_jwt_token=.+&max_buffering=5$/);
  assert.equal(handshake.headers.authorization, undefined);
  close();
});

test("a legacy id is the slash form in the URL and in the token", async () => {
  const { send, errors } = connection("1234-test");
  send({});
  await until(() => errors.length > 0);
  assert.deepEqual(JSON.parse(proxy.matching("POST", /\/tokens\/$/).at(-1).body).allowed_apps, ["test"]);
  assert.match(opened.at(-1).url, /^wss:\/\/fal\.run\/1234\/test\/realtime\?/);
});

test("a meta message is dropped and the result is delivered", async () => {
  const { send, close, results, errors } = connection(NOOP);
  send({ type: "x-fal-message", action: "timings", timing: 0.5 });
  await until(() => opened.at(-1).socket.readyState === 1);
  send({ seed: 4 });
  await until(() => results.length === 1);
  assert.equal(results[0].seed, 4);
  assert.deepEqual(errors, []);
  close();
});

test("an error of the model is reported with status 400, and a timeout is ignored", async () => {
  const { send, results, errors } = connection(NOOP);
  send({ error: "TIMEOUT" });
  await until(() => opened.at(-1).socket.readyState === 1);
  send({ error: "BAD_COLOUR" });
  await until(() => errors.length === 1);
  assert.equal(errors[0].status, 400);
  assert.match(errors[0].message, /^BAD_COLOUR: /);
  assert.deepEqual(results, []);
});

test("after an orderly close the next input opens a new connection with a fresh token", async () => {
  const { send, close, results, errors } = connection(NOOP);
  send({ close: 1000 });
  const first = await until(() => opened.at(-1).socket.readyState === 3 && opened.length);
  send({ seed: 1 });
  await until(() => results.length === 1);
  assert.equal(opened.length, first + 1);
  assert.deepEqual(errors, []);
  close();
});

test("another close code reaches the program as an error", async () => {
  const { send, errors } = connection(NOOP);
  send({ close: 4001 });
  await until(() => errors.length === 1);
  assert.equal(errors[0].status, 4001);
});

test("a custom path, custom codecs and a token provider are honoured", async () => {
  const asked = [];
  const { send, close, results } = connection(NOOP, {
    path: "/realtime",
    encodeMessage: (input) => JSON.stringify(input),
    decodeMessage: async (data) => ({ ...JSON.parse(String(data)), decoded: true }),
    tokenProvider: async (app) => asked.push(app) && token(app),
  });
  send({ seed: 9 });
  await until(() => results.length === 1);
  assert.deepEqual(results[0], { seed: 9, decoded: true });
  assert.deepEqual(asked, [`${NOOP}/realtime`]);
  close();
});

test("a token is renewed at nine tenths of its life without a new connection", async () => {
  const asked = [];
  const { send, close, results } = connection(NOOP, {
    tokenProvider: async (app) => asked.push(app) && token(app),
    tokenExpirationSeconds: 1,
  });
  send({ seed: 1 });
  await until(() => results.length === 1);
  const before = opened.length;
  await until(() => asked.length >= 3);
  send({ seed: 2 });
  await until(() => results.length === 2);
  assert.equal(opened.length, before);
  close();
});

test("an expired token does not end a connection that is open", async () => {
  const { send, close, results } = connection(NOOP, { tokenProvider: (app) => token(app, 1) });
  send({ seed: 1 });
  await until(() => results.length === 1);
  send({ sleep_ms: 1500 });
  await until(() => results.length === 2);
  send({ seed: 3 });
  await until(() => results.length === 3);
  close();
});

test("the real model draws over realtime", async () => {
  const { send, close, results, errors } = connection(SKETCH);
  send({ prompt: "a green square", seed: 1, num_inference_steps: 2, image_size: { width: 256, height: 256 } });
  await until(() => results.length || errors.length, 60);
  assert.deepEqual(errors, []);
  assert.equal(results[0].images.length, 1);
  close();
});

async function token(app, duration = 60) {
  const headers = { authorization: `Key ${KEY}`, "content-type": "application/json" };
  const body = JSON.stringify({ allowed_apps: [app], duration });
  return (await (await fetch(`${server.url}/tokens/realtime`, { method: "POST", headers, body })).json()).token;
}
