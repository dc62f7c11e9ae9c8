// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { base64url } from "./bytes";
import type { ReportFrame } from "./debug";
import { createHeartbeat, type Heartbeat } from "./heartbeat";
import { parseMessage, type Message } from "./message";
import type { Options, WebSocketConstructor, WebSocketLike } from "./options";
import type { Session } from "./session";
import { later } from "./timer";
import { webSocketUrl, withoutSecrets } from "./url";
import type { Welcome } from "./welcome";

/** One attempt to connect, and the connection that it becomes. */
export interface Connection {
  /** The bytes that the WebSocket has not sent; undefined while it cannot send. */
  buffered(): number | undefined;
  send(text: string): void;
  /** Pings the server. `restored`: the browser has cut the WebSocket without a close event. */
  probe(restored?: boolean): void;
  /** Closes it. No callback is called afterwards. */
  close(code?: number, reason?: string): void;
}

/** `WebSocket.OPEN`; there may be no global `WebSocket` to read it from. */
const OPEN = 1;

/**
 * Starts an attempt to connect. The callbacks are never called before it returns: at most one
 * `connected`, then `received` for each message, then at most one `lost`.
 *
 * @param resolve returns where to connect, and the bearer token, if any
 * @param session is resumed, and counts messages
 * @param connected gets the welcome
 * @param received gets each message; undefined for one that is not `[name, payload]`
 * @param lost gets the close code and reason, and a cause if the next attempt would fail alike
 */
export function dial(
  resolve: () => Promise<[url: string, token: string | null | undefined]>,
  options: Options,
  session: Session,
  connected: (welcome: Welcome) => void,
  received: (message: Message | undefined) => void,
  lost: (code: number, reason: string, cause?: "misconfigured") => void,
): Connection {
  const {
    heartbeatInterval = 30_000,
    heartbeatTimeout = 10_000,
    connectTimeout = 10_000,
  } = options;
  let ws: WebSocketLike | undefined;
  /** Reports frames to the option `debug`. Undefined without it. */
  let reportFrame: ReportFrame | undefined;
  let heartbeat: Heartbeat | undefined;
  let pings = 0;
  /** Whether it is closed or lost. Tested in each callback and after each `await`. */
  let ended = false;
  /** The events of the WebSocket: the one that is handled, and those that occurred meanwhile. */
  const events: (() => void)[] = [];

  const close = (code?: number, reason?: string) => {
    // First: the WebSocket may call `onclose` inside of `close`.
    ended = true;
    clearTimeout(timer);
    heartbeat?.stop();
    ws?.close(code, reason);
  };
  const fail = (code: number, reason: string, cause?: "misconfigured") => {
    if (ended) return;
    // The server may still be reachable. A WebSocket that has ended ignores it.
    close(4001);
    lost(code, reason, cause);
  };
  const timer = later(connectTimeout, () => fail(1006, "connectTimeout"));

  const send = (text: string) => {
    reportFrame?.("out", text);
    ws?.send(text);
  };
  /** Handles an event of the WebSocket after those before it: a message may arrive inside of `send`. */
  const inOrder = (event: () => void) => {
    if (events.push(event) > 1) return;
    while (events.length)
      try {
        if (!ended) events[0]?.();
      } finally {
        events.shift();
      }
  };
  const open = (welcome: Welcome) => {
    clearTimeout(timer);
    heartbeat = createHeartbeat(
      Math.max(heartbeatInterval, welcome.heartbeat || 0),
      heartbeatTimeout,
      () => {
        session.ack();
        send(`["ping",${++pings}]`);
      },
      () => fail(4001, "heartbeat missed"),
    );
    connected(welcome);
  };
  const receive = (data: unknown) => {
    reportFrame?.("in", data);
    const message = parseMessage(data);
    if (heartbeat) {
      heartbeat.received();
      session.receive(message, String(data).length);
      received(message);
    } else if (message?.[0] === "$welcome") open(Object(message[1]));
  };
  const attempt = async () => {
    // The functions in the options may close the socket, which needs the return value of `dial`.
    await undefined;
    let resolved: Awaited<ReturnType<typeof resolve>> | undefined;
    try {
      // Without the file, as after a deployment, nothing is reported.
      const debug = options.debug ? await import("./debug").catch(() => undefined) : undefined;
      resolved = await resolve();
      if (ended) return;
      const [target, token] = resolved;
      const url = webSocketUrl(target);
      reportFrame = debug?.createReporter(options, withoutSecrets(url), parseMessage);
      const { WebSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket } = options;
      if (!WebSocket) throw new Error("no WebSocket: set options.WebSocket");
      const protocols = [
        "parlor.v1.json",
        session.resumeProtocol(),
        token && `parlor.bearer.${base64url(token)}`,
      ].filter(Boolean) as string[];
      const socket = (ws = new WebSocket(url, protocols));
      socket.onopen = () =>
        inOrder(() => socket.protocol || fail(1006, "not a Parlor server"));
      socket.onmessage = ({ data }) => inOrder(() => receive(data));
      // Deno reports 0 for a connection without a close frame.
      socket.onclose = ({ code, reason }) => inOrder(() => fail(code || 1006, reason));
      // `onclose` follows. In Node an error without a listener is thrown.
      socket.onerror = () => {};
    } catch (cause) {
      // What is thrown may be no error.
      const { name, message } = Object(cause);
      // A message of `url` or `auth` may hold secrets; that of a WebSocket has the URL with its query.
      if (resolved) fail(1006, withoutSecrets(String(message)), "misconfigured");
      else fail(1006, `url or auth failed: ${name}`);
    }
  };
  attempt();

  return {
    close,
    send,
    // `bufferedAmount` is undefined in React Native.
    buffered: () => (ws?.readyState === OPEN ? ws.bufferedAmount || 0 : undefined),
    probe(restored) {
      // `readyState` may still be `OPEN` then.
      if (restored && ws) fail(1006, "");
      else heartbeat?.probe();
    },
  };
}
