// A program written for fal: every operation of the released client, and nothing about where fal is.
// Prints one line for each operation that worked. `--without-socket` leaves realtime out.

import assert from "node:assert/strict";

import { fal } from "@fal-ai/client";

const APP = "tintype/noop";

assert.equal((await fal.run(APP, { input: { seed: 1 } })).data.seed, 1);
console.log("run");
const { data, requestId } = await fal.subscribe(`${APP}/sub`, { input: { seed: 2 }, logs: true });
assert.deepEqual((await fal.queue.result(`${APP}/sub`, { requestId })).data, data);
assert.equal((await fal.queue.status(APP, { requestId })).status, "COMPLETED");
console.log("queue");
await fal.subscribe(APP, { input: { seed: 3 }, mode: "streaming", logs: true });
console.log("status-stream");
const doomed = await fal.queue.submit(APP, { input: { sleep_ms: 30_000 } });
await fal.queue.cancel(APP, { requestId: doomed.request_id });
console.log("cancel");
const stream = await fal.stream(APP, { input: { events: [{ n: 1 }], n: 2 } });
assert.equal((await stream.done()).n, 2);
console.log("stream");
const url = await fal.storage.upload(new Blob(["hello"], { type: "text/plain" }));
assert.equal(await (await fetch(url)).text(), "hello");
console.log("upload");
if (!process.argv.includes("--without-socket")) {
  await new Promise((done, failed) => {
    const connection = fal.realtime.connect(APP, {
      onResult: (result) => (connection.close(), result.seed === 7 ? done() : failed(new Error("another seed"))),
      onError: failed,
    });
    connection.send({ seed: 7 });
  });
  console.log("realtime");
}
