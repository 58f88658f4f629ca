// A recording proxy in front of the real server that can answer in its stead.

import http from "node:http";
import net from "node:net";

/** `seen` holds what arrived; `fail(method, pattern, status)` answers the next match with that status. */
export async function startFaultProxy(upstreamPort) {
  const seen = [];
  const faults = [];
  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    seen.push({ method: request.method, target: request.url, headers: request.headers, body: body.toString() });
    const fault = faults.find((one) => one.times > 0 && one.method === request.method && one.pattern.test(request.url));
    if (fault) return inject(fault, request, response);
    const { method, headers, url: path } = request;
    const onward = http.request({ port: upstreamPort, host: "127.0.0.1", method, path, headers, agent: false });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    onward.end(body);
  });
  server.on("upgrade", (request, socket, head) => tunnel(upstreamPort, seen, request, socket, head));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const fail = (method, pattern, status, options = {}) =>
    faults.push({ method, pattern, status, times: 1, headers: {}, body: { detail: "injected" }, ...options });
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  const matching = (method, pattern) => seen.filter((one) => one.method === method && pattern.test(one.target));
  return { url: `http://127.0.0.1:${server.address().port}`, seen, faults, fail, matching, stop };
}

function inject(fault, request, response) {
  fault.times -= 1;
  if (fault.drop) return request.socket.destroy();
  response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
  response.end(typeof fault.body === "string" ? fault.body : JSON.stringify(fault.body));
}

function tunnel(upstreamPort, seen, request, socket, head) {
  seen.push({ method: request.method, target: request.url, headers: request.headers, body: "" });
  const upstream = net.connect(upstreamPort, "127.0.0.1", () => {
    const pairs = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      pairs.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    }
    upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${pairs.join("\r\n")}\r\n\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  for (const end of [socket, upstream]) end.on("error", () => (socket.destroy(), upstream.destroy()));
}
