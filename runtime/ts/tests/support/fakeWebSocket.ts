import { mock } from "node:test";

import type { WebSocketConstructor } from "../../src/client.js";

/** A resume secret in the server's format. */
export const secret = (n = 1) => String(n).padStart(22, "s");

/** A WebSocket whose server is the test. */
export class FakeWebSocket {
  readyState = 0;
  protocol = "";
  bufferedAmount = 0;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly sent: unknown[][] = [];
  closed: { code: number | undefined; reason: string | undefined } | undefined;

  readonly url: string;
  readonly protocols: string[] | undefined;

  constructor(url: string, protocols?: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string) {
    if (this.readyState === 0) throw new Error("InvalidStateError");
    this.sent.push(JSON.parse(text));
  }

  close(code?: number, reason?: string) {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
      throw new Error("InvalidAccessError");
    if (reason !== undefined && Buffer.byteLength(reason) > 123) throw new Error("SyntaxError");
    this.closed ??= { code, reason };
    if (this.readyState < 2) this.readyState = 2;
  }

  /** The server accepts: without an argument in plain mode. */
  open(protocol = "") {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.({});
  }

  /** The server accepts in Parlor mode and sends a welcome. */
  welcome(welcome: object = {}) {
    this.open("parlor.v1.json");
    this.frame("$welcome", {
      resume: null,
      received: 0,
      recovered: false,
      heartbeat: 25_000,
      maxMessage: 65_536,
      ...welcome,
    });
  }

  frame(...frame: unknown[]) {
    this.text(JSON.stringify(frame));
  }

  text(data: unknown) {
    this.onmessage?.({ data });
  }

  /** The connection ends. */
  end(code = 1006, reason = "") {
    this.readyState = 3;
    this.onerror?.({});
    this.onclose?.({ code, reason });
  }
}

/** A `WebSocket` class, and its instances. */
export function fake() {
  const made: FakeWebSocket[] = [];
  const WebSocket = class extends FakeWebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      made.push(this);
    }
  } as unknown as WebSocketConstructor;
  return {
    WebSocket,
    made,
    /** The newest instance. */
    get last(): FakeWebSocket {
      const last = made.at(-1);
      if (!last) throw new Error("no WebSocket was created");
      return last;
    },
    /** The instances that are not closed. */
    get unclosed() {
      return made.filter((ws) => ws.readyState < 2);
    },
  };
}

/** Runs everything that is due, except timers. */
export const settle = () => new Promise<void>((done) => setImmediate(done));

/** Stops the clock; `advance` moves it. */
export function stopClock() {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
}

export const startClock = () => mock.timers.reset();

/** Moves the clock by `ms` in steps of 100 ms; a timer within a step sees the time at its end. */
export async function advance(ms: number) {
  for (let left = ms; left > 0; left -= 100) {
    mock.timers.tick(Math.min(left, 100));
    await settle();
  }
}

/** Suspends everything for `ms`: timers that were due fire afterwards. */
export async function suspend(ms: number) {
  mock.timers.setTime(Date.now() + ms);
  mock.timers.tick(1);
  await settle();
}

/** Records events with their data, in order. */
export function recorder() {
  const entries: [string, unknown][] = [];
  return {
    entries,
    names: () => entries.map(([name]) => name),
    of: (name: string) => entries.filter(([other]) => other === name).map(([, data]) => data),
    listen(socket: { on(name: never, handler: (data: unknown) => void): unknown }, ...names: string[]) {
      for (const name of names) socket.on(name as never, (data) => void entries.push([name, data]));
    },
  };
}

export const lifecycle = ["connect", "disconnect", "reconnecting", "reconnect", "reconnectFailed", "error"];
