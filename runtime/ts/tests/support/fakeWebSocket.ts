import { mock } from "node:test";

import type { WebSocketConstructor } from "../../src/client.js";

/** A secret of the form that servers give. */
export const secret = (n = 1) => String(n).padStart(22, "s");

/** A WebSocket whose other side is the test. */
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

  /** The server accepts, in plain mode. */
  open(protocol = "") {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.({});
  }

  /** The server accepts in Parlor mode and says welcome. */
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

/** A `WebSocket` class, and what was made of it. */
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
    /** The newest. */
    get last(): FakeWebSocket {
      const last = made.at(-1);
      if (!last) throw new Error("nothing was dialled");
      return last;
    },
    /** Those that are not closed. */
    get live() {
      return made.filter((ws) => ws.readyState < 2);
    },
  };
}

/** Lets everything happen that waits for no timer. */
export const settle = () => new Promise<void>((done) => setImmediate(done));

/** Stops the clock: it goes on with `advance`. */
export function stopClock() {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
}

export const startClock = () => mock.timers.reset();

/** Lets `ms` go by, in steps: a timer that fires in the middle of one sees the clock at its end. */
export async function advance(ms: number) {
  for (let left = ms; left > 0; left -= 100) {
    mock.timers.tick(Math.min(left, 100));
    await settle();
  }
}

/** Everything sleeps for `ms`: what was due fires only then. */
export async function sleep(ms: number) {
  mock.timers.setTime(Date.now() + ms);
  mock.timers.tick(1);
  await settle();
}

/** What was heard, in order. */
export function recorder() {
  const heard: [string, unknown][] = [];
  return {
    heard,
    names: () => heard.map(([name]) => name),
    of: (name: string) => heard.filter(([other]) => other === name).map(([, data]) => data),
    listen(socket: { on(name: never, handler: (data: unknown) => void): unknown }, ...names: string[]) {
      for (const name of names) socket.on(name as never, (data) => void heard.push([name, data]));
    },
  };
}

export const lifecycle = ["connect", "disconnect", "reconnecting", "reconnect", "reconnectFailed", "error"];
