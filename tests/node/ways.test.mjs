// The same program through every way of leading it here: row 31, ways J1 to J6.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { BINARY, cleanEnvironment, KEY, NOOP, startServer, until } from "./support/server.mjs";
import { byFetch, byMiddleware, byProxyRoute, replaceWebSocket } from "./support/ways.mjs";

const run = promisify(execFile);
const PROGRAM = new URL("programs/everything.mjs", import.meta.url).pathname;
const WITHOUT_SOCKET = ["run", "queue", "status-stream", "cancel", "stream", "upload"];
const ALL = [...WITHOUT_SOCKET, "realtime"];
const MAJOR = Number(process.versions.node.split(".")[0]);
const RECENT = MAJOR >= 24 ? process.execPath : new URL("node_modules/node-24/bin/node", import.meta.url).pathname;
const NAMES =
  "fal.run queue.fal.run ws.fal.run rest.fal.ai rest.alpha.fal.ai api.fal.ai v3.fal.media v3b.fal.media " +
  "fal.media falrun.com queue.falrun.com";

let server, authority;
before(async () => {
  server = await startServer();
  const env = cleanEnvironment({ TINTYPE_URL: server.url, TINTYPE_DATA: server.data, FAL_KEY: KEY });
  authority = execFileSync(BINARY, ["exec", "--", "printenv", "NODE_EXTRA_CA_CERTS"], { env, encoding: "utf8" }).trim();
});
after(() => server.stop());

async function everything(fal) {
  assert.equal((await fal.run(NOOP, { input: { seed: 1 } })).data.seed, 1);
  const { requestId } = await fal.subscribe(`${NOOP}/sub`, { input: { seed: 2 } });
  assert.equal((await fal.queue.result(NOOP, { requestId })).data.seed, 2);
  await fal.subscribe(NOOP, { input: {}, mode: "streaming" });
  const { request_id } = await fal.queue.submit(NOOP, { input: { sleep_ms: 30_000 } });
  await fal.queue.cancel(NOOP, { requestId: request_id });
  assert.equal((await (await fal.stream(NOOP, { input: { events: [], n: 2 } })).done()).n, 2);
  const url = await fal.storage.upload(new Blob(["hello"], { type: "text/plain" }));
  assert.equal(await (await fetch(url)).text(), "hello");
}

test("J1: the client's request middleware", () => everything(byMiddleware(server.url)));
test("J2: the proxy route", () => everything(byProxyRoute(server.url)));
test("J3 and J4: a fetch and a WebSocket of one's own", async () => {
  const fal = byFetch(server.url);
  await everything(fal);
  const opened = replaceWebSocket(server.url);
  const results = [];
  const connection = fal.realtime.connect(NOOP, { onResult: (result) => results.push(result) });
  connection.send({ seed: 4 });
  await until(() => results.length === 1);
  assert.equal(results[0].seed, 4);
  connection.close();
  opened[0].socket.terminate();
});

const canMakeNetworks = (() => {
  try {
    execFileSync("unshare", ["--net", "--mount", "ip", "link", "set", "lo", "up"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("J5: names that lead here", { skip: !canMakeNetworks && "needs the right to make a network namespace" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tintype-names-"));
  writeFileSync(join(folder, "hosts"), `127.0.0.1 localhost ${NAMES}\n`);
  // Node 20 has the WebSocket behind a flag; since 22 it is simply there.
  const flag = MAJOR < 22 ? "--experimental-websocket" : "";
  const script = `
    set -e
    ip link set lo up
    mount --bind ${folder}/hosts /etc/hosts
    ${BINARY} serve --data ${folder}/data --listen 127.0.0.1:443 --diagnostics >${folder}/log 2>&1 &
    server=$!
    trap 'kill -INT $server; wait $server' EXIT
    for i in $(seq 600); do [ -e ${folder}/data/run/server.json ] && break; sleep 0.05; done
    export NODE_EXTRA_CA_CERTS=$(TINTYPE_DATA=${folder}/data ${BINARY} exec -- printenv NODE_EXTRA_CA_CERTS)
    ${process.execPath} ${flag} ${PROGRAM}`;
  const env = cleanEnvironment({ TINTYPE_ADMIN_KEY: KEY, FAL_KEY: KEY });
  const { stdout } = await run("unshare", ["--net", "--mount", "--propagation", "private", "sh", "-c", script], { env });
  assert.deepEqual(stdout.split(/\s+/).filter(Boolean), ALL);
  rmSync(folder, { recursive: true, force: true });
});

test("J6: the runtime's own proxy variables", { skip: !existsSync(RECENT) && "NODE_USE_ENV_PROXY came with Node 24" }, async () => {
  const env = cleanEnvironment({
    FAL_KEY: KEY, NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: server.url, NODE_EXTRA_CA_CERTS: authority,
  });
  const { stdout } = await run(RECENT, [PROGRAM], { env });
  assert.deepEqual(stdout.split(/\s+/).filter(Boolean), ALL);
});
