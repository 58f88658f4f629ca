// One real server, started as a user would start it, on a port and a data folder of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const KEY = "test:secret";
export const NOOP = "tintype/noop";
export const SKETCH = "tintype/sketch";
export const BINARY = process.env.TINTYPE_BIN ?? join(ROOT, "target/release/tintype");

/** The caller's environment without what would point a client elsewhere. */
export function cleanEnvironment(extra = {}) {
  const unwanted = /^(FAL_|TINTYPE_|SSL_CERT|REQUESTS_CA|NODE_EXTRA|NODE_OPTIONS|NODE_TEST|(HTTPS?|ALL|NO)_PROXY$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !unwanted.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** A running `tintype serve`; `stop` asks it to end as Ctrl-C does. */
export async function startServer(...options) {
  const data = mkdtempSync(join(tmpdir(), "tintype-test-"));
  const log = openSync(`${data}.log`, "a");
  const child = spawn(BINARY, ["serve", "--data", data, "--listen", "127.0.0.1:0", "--diagnostics", ...options], {
    stdio: ["ignore", log, log],
    env: cleanEnvironment({ TINTYPE_ADMIN_KEY: KEY }),
  });
  const ended = new Promise((done) => child.once("exit", done));
  const url = await announced(child, data);
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
    rmSync(data, { recursive: true, force: true });
    rmSync(`${data}.log`, { force: true });
  };
  return { url, data, port: Number(new URL(url).port), stop };
}

async function announced(child, data) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(10)) {
    if (child.exitCode !== null) break;
    try {
      return JSON.parse(readFileSync(join(data, "run/server.json"), "utf8")).url.replace(/\/$/, "");
    } catch {
      // Not written yet.
    }
  }
  throw new Error(`the server did not start:\n${readFileSync(`${data}.log`, "utf8").slice(-4000)}`);
}

/** The first true value of `condition`. */
export async function until(condition, seconds = 20) {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await pause(20)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`still waiting after ${seconds} s for ${condition}`);
}
