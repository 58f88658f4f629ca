// Loaded before a Node program by `tintype exec`. Connections to the names of the hosted service go to the server on
// this machine instead; every other connection is left alone. It works one layer below HTTP, at `tls.connect`, which
// `fetch`, `https`, `http2` and WebSocket libraries all use, so nothing above it can tell the difference. Trust is
// not touched: the server's certificate is checked as any other, against NODE_EXTRA_CA_CERTS.
'use strict';

const tls = require('node:tls');
const module_ = require('node:module');

const proxy = process.env.TINTYPE_PROXY && new URL(process.env.TINTYPE_PROXY);
const HOSTED = ['fal.run', 'fal.ai', 'fal.media', 'falrun.com'];

function isHosted(host) {
  if (typeof host !== 'string') return false;
  const name = host.toLowerCase().replace(/\.$/, '');
  return HOSTED.some((domain) => name === domain || name.endsWith('.' + domain));
}

// The forms of `tls.connect`: (options, [callback]), (port, [host], [options], [callback]).
function normalise(args) {
  const callback = typeof args[args.length - 1] === 'function' ? args[args.length - 1] : undefined;
  const options = {};
  for (const arg of args) {
    if (typeof arg === 'number') options.port = arg;
    else if (typeof arg === 'string') options.host = arg;
    else if (arg && typeof arg === 'object') Object.assign(options, arg);
  }
  return { options, callback };
}

if (proxy) {
  const connect = tls.connect;
  tls.connect = function (...args) {
    const { options, callback } = normalise(args);
    // With a socket the connection exists already, and somebody else decided where it goes.
    if (options.socket || options.path || !isHosted(options.host)) return connect.apply(this, args);
    const redirected = {
      ...options,
      servername: options.servername || options.host,
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: Number(proxy.port || 80),
      lookup: undefined,
    };
    return connect.call(this, redirected, callback);
  };
  if (typeof globalThis.WebSocket === 'undefined') provideWebSocket();
  // Node before 19 hides it behind a flag, and the JavaScript client names its connections by it.
  globalThis.crypto ??= require('node:crypto').webcrypto;
  module_.syncBuiltinESMExports();
}

// Node before 22 has no WebSocket of its own. This is the part of the browser's that programs use.
function provideWebSocket() {
  const https = require('node:https');
  const http = require('node:http');
  const { randomBytes, createHash } = require('node:crypto');
  const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const LONGEST = 256 * 1024 * 1024;

  class SimpleEvent extends Event {
    constructor(type, members) {
      super(type);
      Object.assign(this, members);
    }
  }

  class WebSocket extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;

    #socket = null;
    #request = null;
    #buffer = Buffer.alloc(0);
    #pieces = [];
    #kind = 0;
    #closing = { code: 1006, reason: '' };

    constructor(url, protocols = []) {
      super();
      const target = new URL(url);
      target.protocol = { 'ws:': 'http:', 'wss:': 'https:', 'http:': 'http:', 'https:': 'https:' }[target.protocol];
      this.url = String(url);
      this.readyState = WebSocket.CONNECTING;
      this.binaryType = 'blob';
      this.bufferedAmount = 0;
      this.extensions = '';
      this.protocol = '';
      this.#open(target, [].concat(protocols));
    }

    #open(target, protocols) {
      const key = randomBytes(16).toString('base64');
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key };
      if (protocols.length) headers['Sec-WebSocket-Protocol'] = protocols.join(', ');
      const request = (target.protocol === 'https:' ? https : http).request(target, { headers, agent: false });
      this.#request = request;
      request.on('upgrade', (response, socket, head) => {
        const wanted = createHash('sha1').update(key + MAGIC).digest('base64');
        if (response.headers['sec-websocket-accept'] !== wanted) return this.#fail(new Error('wrong handshake'), socket);
        this.protocol = response.headers['sec-websocket-protocol'] || '';
        this.#begin(socket, head);
      });
      request.on('response', (response) => {
        response.resume();
        this.#fail(new Error(`the server answered the handshake with status ${response.statusCode}`));
      });
      request.on('error', (error) => this.#fail(error));
      request.end();
    }

    #begin(socket, head) {
      if (this.readyState !== WebSocket.CONNECTING) return socket.destroy();
      this.#socket = socket;
      this.readyState = WebSocket.OPEN;
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.on('data', (data) => this.#receive(data));
      // A peer that resets a connection which is being closed has done no harm: `close` follows.
      socket.on('error', (error) => {
        if (this.readyState === WebSocket.OPEN) this.#emit('error', { error, message: error.message });
      });
      socket.on('close', () => this.#closed());
      this.#emit('open', {});
      if (head.length) this.#receive(head);
    }

    #fail(error, socket) {
      if (this.readyState === WebSocket.CLOSED) return;
      socket?.destroy();
      this.#emit('error', { error, message: error.message });
      this.#closed();
    }

    #closed() {
      if (this.readyState === WebSocket.CLOSED) return;
      this.readyState = WebSocket.CLOSED;
      const { code, reason } = this.#closing;
      this.#emit('close', { code, reason, wasClean: code !== 1006 });
    }

    #emit(type, members) {
      this.dispatchEvent(new SimpleEvent(type, members));
    }

    #receive(data) {
      this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, data]) : data;
      for (let frame = this.#takeFrame(); frame; frame = this.#takeFrame()) this.#handle(frame);
    }

    #takeFrame() {
      const buffer = this.#buffer;
      if (buffer.length < 2) return null;
      let length = buffer[1] & 127;
      let start = 2;
      if (length === 126) {
        if (buffer.length < 4) return null;
        length = buffer.readUInt16BE(2);
        start = 4;
      } else if (length === 127) {
        if (buffer.length < 10) return null;
        length = Number(buffer.readBigUInt64BE(2));
        start = 10;
      }
      if (length > LONGEST) {
        this.#fail(new Error('a message is too long'), this.#socket);
        return null;
      }
      if (buffer.length < start + length) return null;
      this.#buffer = buffer.subarray(start + length);
      return { last: (buffer[0] & 128) !== 0, code: buffer[0] & 15, body: buffer.subarray(start, start + length) };
    }

    #handle({ last, code, body }) {
      if (code === 8) return this.#closeAsked(body);
      if (code === 9) return void this.#write(10, body);
      if (code === 10) return;
      if (code !== 0) this.#kind = code;
      this.#pieces.push(body);
      if (!last) return;
      const whole = Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#emit('message', { data: this.#shape(whole), origin: new URL(this.url).origin });
    }

    #shape(whole) {
      if (this.#kind === 1) return whole.toString('utf8');
      if (this.binaryType === 'arraybuffer') return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
      return new Blob([whole]);
    }

    #closeAsked(body) {
      this.#closing = { code: body.length >= 2 ? body.readUInt16BE(0) : 1005, reason: body.subarray(2).toString('utf8') };
      if (this.readyState === WebSocket.OPEN) this.#write(8, body);
      this.readyState = WebSocket.CLOSING;
      this.#socket.end();
    }

    #write(code, body) {
      const length = body.length;
      const extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
      const frame = Buffer.allocUnsafe(2 + extra + 4 + length);
      frame[0] = 128 | code;
      frame[1] = 128 | (extra === 0 ? length : extra === 2 ? 126 : 127);
      if (extra === 2) frame.writeUInt16BE(length, 2);
      if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
      const mask = randomBytes(4);
      mask.copy(frame, 2 + extra);
      for (let at = 0; at < length; at += 1) frame[6 + extra + at] = body[at] ^ mask[at & 3];
      this.#socket.write(frame);
    }

    send(data) {
      if (this.readyState === WebSocket.CONNECTING) throw new DOMException('the WebSocket is not open yet', 'InvalidStateError');
      if (this.readyState !== WebSocket.OPEN) return;
      if (typeof data === 'string') this.#write(1, Buffer.from(data, 'utf8'));
      else if (data instanceof ArrayBuffer) this.#write(2, Buffer.from(data));
      else if (ArrayBuffer.isView(data)) this.#write(2, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      else if (data instanceof Blob) data.arrayBuffer().then((bytes) => this.send(bytes));
      else this.#write(1, Buffer.from(String(data), 'utf8'));
    }

    close(code = 1000, reason = '') {
      if (this.readyState >= WebSocket.CLOSING) return;
      if (this.readyState === WebSocket.CONNECTING) {
        this.#request.destroy();
        return this.#fail(new Error('closed before the handshake was done'));
      }
      this.readyState = WebSocket.CLOSING;
      const text = Buffer.from(reason, 'utf8').subarray(0, 123);
      const body = Buffer.allocUnsafe(2 + text.length);
      body.writeUInt16BE(code, 0);
      text.copy(body, 2);
      this.#closing = { code, reason };
      this.#write(8, body);
      // A server that never answers the close must not keep the program alive.
      setTimeout(() => this.#socket.destroy(), 5000).unref();
    }
  }

  for (const name of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']) {
    Object.defineProperty(WebSocket.prototype, name, { value: WebSocket[name] });
  }
  for (const type of ['open', 'message', 'error', 'close']) {
    const handlers = new WeakMap();
    Object.defineProperty(WebSocket.prototype, `on${type}`, {
      get() {
        return handlers.get(this)?.handler ?? null;
      },
      set(handler) {
        const before = handlers.get(this);
        if (before) this.removeEventListener(type, before.listener);
        if (typeof handler !== 'function') return void handlers.delete(this);
        const listener = (event) => handler.call(this, event);
        handlers.set(this, { handler, listener });
        this.addEventListener(type, listener);
      },
    });
  }
  globalThis.WebSocket = WebSocket;
}
