// Run, queue, stream and storage through the released JavaScript client: rows 1 to 9, 15 to 18, 27, 30, 34 to 36.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ApiError, createFalClient, parseEndpointId, ValidationError } from "@fal-ai/client";

import { startFaultProxy } from "./support/fault-proxy.mjs";
import { KEY, NOOP, SKETCH, startServer, until } from "./support/server.mjs";
import { byFetch, byMiddleware } from "./support/ways.mjs";

let server, proxy, fal, proxied;
before(async () => {
  server = await startServer();
  proxy = await startFaultProxy(server.port);
  fal = byMiddleware(server.url);
  proxied = byMiddleware(proxy.url);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});

const picture = { prompt: "a blue star", seed: 3, num_inference_steps: 2, image_size: { width: 256, height: 256 } };

describe("run and queue", () => {
  test("an image endpoint gives one image and the request's id", async () => {
    const { data, requestId } = await fal.run(SKETCH, { input: picture });
    assert.equal(data.images.length, 1);
    assert.match(requestId, /^[0-9a-f-]{36}$/);
  });

  test("subscribe reports every state and gives the result", async () => {
    const states = [];
    const { data, requestId } = await fal.subscribe(`${NOOP}/sub`, {
      input: { seed: 5, sleep_ms: 300 },
      pollInterval: 50,
      onQueueUpdate: (update) => states.push(update.status),
    });
    assert.equal(data.seed, 5);
    assert.equal(states.at(-1), "COMPLETED");
    const again = await fal.queue.result(`${NOOP}/sub`, { requestId });
    assert.deepEqual(again.data, data);
    assert.equal(again.requestId, requestId);
  });

  test("the default priority is normal and options become headers", async () => {
    await proxied.subscribe(NOOP, { input: { a: 1 }, hint: "h", startTimeout: 30, headers: { "X-Mine": "1" } });
    await proxied.queue.submit(NOOP, { input: {}, priority: "low", headers: { "X-Fal-Queue-Priority": "normal" } });
    const [first, second] = proxy.matching("POST", /^\/queue\//).slice(-2);
    assert.equal(first.headers["x-fal-queue-priority"], "normal");
    assert.equal(first.headers["x-fal-runner-hint"], "h");
    assert.equal(first.headers["x-fal-request-timeout"], "30");
    assert.equal(first.headers["x-mine"], "1");
    assert.equal(second.headers["x-fal-queue-priority"], "low");
  });

  test("a start timeout of at most one second is refused by the client", async () => {
    await assert.rejects(fal.queue.submit(NOOP, { input: {}, startTimeout: 1 }));
  });

  test("get moves the input into the query and an empty body is an empty input", async () => {
    await fal.run(NOOP, { method: "get", input: { a: 1 } }).catch((error) => assert.equal(error.status, 405));
    assert.deepEqual((await fal.run(NOOP, {})).data, {});
  });

  test("cancel ends a request", async () => {
    const { request_id: requestId } = await fal.queue.submit(NOOP, { input: { sleep_ms: 30_000 } });
    await fal.queue.cancel(NOOP, { requestId });
    const status = await until(async () => {
      const status = await fal.queue.status(NOOP, { requestId });
      return status.status === "COMPLETED" && status;
    });
    assert.equal(status.error_type, "client_cancelled");
  });

  test("a timeout of subscribe cancels the request", async () => {
    await assert.rejects(proxied.subscribe(NOOP, { input: { sleep_ms: 30_000 }, timeout: 700 }));
    await until(() => proxy.matching("PUT", /cancel$/).length === 1);
  });

  test("log lines are not repeated by the status stream", async () => {
    const seen = [];
    await fal.subscribe(NOOP, {
      input: { logs: ["one", "two", "three"], sleep_ms: 400 },
      mode: "streaming",
      logs: true,
      onQueueUpdate: (update) => (seen.length = 0) || seen.push(...(update.logs ?? [])),
    });
    assert.deepEqual(seen.map((entry) => entry.message), ["one", "two", "three"]);
  });
});

describe("endpoint ids", () => {
  test("namespace, owner, alias and path are told apart", () => {
    assert.deepEqual(parseEndpointId("workflows/acme/flow/sub"), {
      namespace: "workflows", owner: "acme", alias: "flow", path: "sub",
    });
    assert.deepEqual(parseEndpointId("1234-app"), { owner: "1234", alias: "app", path: undefined });
    assert.throws(() => parseEndpointId("just-a-name"));
  });

  test("status and result of a path go to its app", async () => {
    const { requestId } = await proxied.subscribe(`${NOOP}/sub`, { input: { seed: 1 } });
    assert.ok(proxy.matching("GET", new RegExp(`^/queue/${NOOP}/requests/${requestId}/status`)).length);
  });
});

describe("streaming", () => {
  const planned = { events: [{ text: "żółw 画像 🖼".repeat(300) }], interval_ms: 20, text2: "końcówka" };

  for (const [way, connect] of Object.entries({ middleware: byMiddleware, fetch: byFetch })) {
    test(`events arrive whole and the last one is the result, by ${way}`, async () => {
      const stream = await connect(server.url).stream(NOOP, { input: planned });
      const events = [];
      for await (const event of stream) events.push(event);
      assert.equal(events[0].text, planned.events[0].text);
      assert.equal((await stream.done()).text2, planned.text2);
    });
  }

  test("a token opens a stream in client mode", async () => {
    const stream = await byFetch(server.url).stream(NOOP, { input: planned, connectionMode: "client" });
    assert.equal((await stream.done()).text2, planned.text2);
  });

  test("a token provider is asked for the endpoint with its path", async () => {
    const asked = [];
    const tokenProvider = async (app) => asked.push(app) && realToken();
    const stream = await byFetch(server.url).stream(NOOP, { input: planned, connectionMode: "client", tokenProvider });
    await stream.done();
    assert.deepEqual(asked, [`${NOOP}/stream`]);
  });

  test("an error before the stream keeps its status and details", async () => {
    const detail = [{ loc: ["body", "x"], msg: "bad", type: "value_error" }];
    const stream = await fal.stream(NOOP, { input: { status: 422, body: { detail } } });
    const error = await stream.done().then(assert.fail, (error) => error);
    assert.equal(error.status, 422);
    assert.deepEqual(error.body.detail, detail);
  });

  test("comments that keep the connection alive are skipped", async () => {
    const text = ': a\n\ndata: {"n":1}\n\n: b\r\n\r\ndata: {"n":2}\r\n\r\n';
    const stream = await fal.stream(NOOP, { input: { text, headers: { "content-type": "text/event-stream" } } });
    const events = [];
    for await (const event of stream) events.push(event.n);
    assert.deepEqual(events, [1, 2]);
  });

  async function realToken() {
    const headers = { authorization: `Key ${KEY}`, "content-type": "application/json" };
    const body = JSON.stringify({ allowed_apps: [`${NOOP}/stream`], duration: 60 });
    const answer = await fetch(`${server.url}/tokens/realtime`, { method: "POST", headers, body });
    return (await answer.json()).token;
  }
});

describe("storage", () => {
  test("a blob is uploaded by a signed URL and comes back as it went up", async () => {
    const url = await fal.storage.upload(new Blob(["hello"], { type: "text/plain" }));
    const answer = await fetch(url);
    assert.equal(await answer.text(), "hello");
    assert.match(answer.headers.get("content-type"), /^text\/plain/);
  });

  test("a lifecycle travels with the upload", async () => {
    await proxied.storage.upload(new Blob(["x"]), { lifecycle: { expiresIn: "1h" } });
    const initiate = proxy.matching("POST", /\/storage\/upload\/initiate/).at(-1);
    assert.deepEqual(JSON.parse(initiate.headers["x-fal-object-lifecycle"]), { expiration_duration_seconds: 3600 });
  });

  test("blobs inside an input are uploaded before the call", async () => {
    const { data } = await fal.run(NOOP, { input: { deep: [{ file: new Blob(["abc"], { type: "text/plain" }) }] } });
    assert.equal(await (await fetch(data.deep[0].file)).text(), "abc");
  });

  test("a file beyond ninety megabytes goes up in parts", async () => {
    const bytes = new Uint8Array(91 * 1024 * 1024 + 5).map((_, at) => at % 251);
    const url = await proxied.storage.upload(new File([bytes], "big.bin", { type: "application/octet-stream" }));
    const back = new Uint8Array(await (await fetch(url)).arrayBuffer());
    assert.equal(Buffer.compare(Buffer.from(back.buffer), Buffer.from(bytes.buffer)), 0);
    assert.equal(proxy.matching("POST", /initiate-multipart/).length, 1);
  });
});

describe("errors and retries", () => {
  test("a validation error has the fields of the model's answer", async () => {
    const error = await fal.run(SKETCH, { input: { num_images: "many" } }).then(assert.fail, (error) => error);
    assert.ok(error instanceof ValidationError);
    assert.equal(error.status, 422);
    assert.ok(error.fieldErrors.some((one) => one.loc.includes("num_images")));
    assert.match(error.requestId, /^[0-9a-f-]{36}$/);
  });

  test("a platform error keeps the client's hands on body and request id", async () => {
    const error = await fal.run("tintype/skech", { input: {} }).then(assert.fail, (error) => error);
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 404);
    assert.match(error.body.detail, /tintype\/sketch/);
    assert.equal(error.message, "Not Found");
  });

  const SUBMITTED = { run: /^\/tintype/, submit: /^\/queue\/tintype\/noop$/, status: /status/, result: /requests\/[^/]+$/ };
  const call = {
    run: (client) => client.run(NOOP, { input: {} }),
    submit: (client) => client.queue.submit(NOOP, { input: {} }),
    status: (client, requestId) => client.queue.status(NOOP, { requestId }),
    result: (client, requestId) => client.queue.result(NOOP, { requestId }),
  };
  const METHOD = { run: "POST", submit: "POST", status: "GET", result: "GET" };

  async function calls(operation, fault) {
    const own = await startFaultProxy(server.port);
    const client = byMiddleware(own.url);
    const { requestId } = await fal.subscribe(NOOP, { input: {} });
    own.fail(METHOD[operation], SUBMITTED[operation], fault.status, fault);
    const failed = await call[operation](client, requestId).then(() => false, () => true);
    const count = own.matching(METHOD[operation], SUBMITTED[operation]).length;
    await own.stop();
    return { failed, count };
  }

  test("429, 502, 503, 504 and broken connections are tried again, by every operation", { concurrency: true }, async () => {
    const transient = [{ status: 429 }, { status: 502 }, { status: 503 }, { status: 504 }, { status: 0, drop: true }];
    const cases = Object.keys(call).flatMap((operation) => transient.map((fault) => [operation, fault]));
    const outcomes = await Promise.all(cases.map(([operation, fault]) => calls(operation, fault)));
    assert.deepEqual(outcomes, cases.map(() => ({ failed: false, count: 2 })));
  });

  test("500 is tried again for a status alone; 400 and 422 never; a user's timeout never", async () => {
    const user = { status: 504, headers: { "x-fal-request-timeout-type": "user" } };
    const cases = [
      ["run", { status: 500 }], ["submit", { status: 500 }], ["result", { status: 500 }],
      ["run", { status: 400 }], ["result", { status: 422 }], ["run", user], ["result", user],
    ];
    const outcomes = await Promise.all(cases.map(([operation, fault]) => calls(operation, fault)));
    assert.deepEqual(outcomes, cases.map(() => ({ failed: true, count: 1 })));
    assert.deepEqual(await calls("status", { status: 500 }), { failed: false, count: 2 });
  });

  test("a start deadline that passes is a user's timeout, and is not tried again", async () => {
    const error = new ApiError({ message: "", status: 504, timeoutType: "user" });
    assert.ok(error.isUserTimeout);
  });

  test("no credentials send no header, and the server says what is missing", async () => {
    const anonymous = createFalClient({
      credentials: () => undefined,
      requestMiddleware: async (request) => ({ ...request, url: request.url.replace("https://fal.run", server.url) }),
    });
    const error = await anonymous.run(NOOP, { input: {} }).then(assert.fail, (error) => error);
    assert.equal(error.status, 401);
    assert.match(error.body.detail, /key/i);
  });
});
