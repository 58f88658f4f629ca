// The ways of the contract that lead the released JavaScript client here from inside a program.

import { createFalClient } from "@fal-ai/client";
import { WebSocket as Socket } from "ws";

import { KEY } from "./server.mjs";

/** The server's URL for one of the hosted service's. */
export function rewrite(base, url) {
  return url
    .replace(/^(https|wss):\/\/queue\.fal\.run\//, `${base}/queue/`)
    .replace(/^(https|wss):\/\/rest\.fal\.ai\//, `${base}/rest/`)
    .replace(/^(https|wss):\/\/fal\.run\//, `${base}/`);
}

const withKey = (config) => createFalClient({ credentials: KEY, suppressLocalCredentialsWarning: true, ...config });

/** J1: the client's own request middleware. */
export const byMiddleware = (base, config = {}) =>
  withKey({ requestMiddleware: async (request) => ({ ...request, url: rewrite(base, request.url) }), ...config });

/** J2: the proxy route, always. */
export const byProxyRoute = (base, config = {}) =>
  withKey({ proxyUrl: { url: `${base}/api/fal/proxy`, when: "always" }, ...config });

/** J3: a `fetch` of one's own. */
export const byFetch = (base, config = {}) =>
  withKey({ fetch: (url, init) => fetch(rewrite(base, String(url)), init), ...config });

/** J4: a global WebSocket that knows where to go; gives the list of URLs that were opened. */
export function replaceWebSocket(base) {
  const opened = [];
  // The client renews tokens after minutes; that timer must not keep a finished test's process alive.
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (action, delay, ...rest) => {
    const timer = setTimeout(action, delay, ...rest);
    return delay > 20_000 ? timer.unref() : timer;
  };
  globalThis.WebSocket = class extends Socket {
    constructor(url, ...rest) {
      super(rewrite(base.replace("http", "ws"), String(url)), ...rest);
      opened.push({ url: String(url), socket: this });
    }
  };
  return opened;
}
