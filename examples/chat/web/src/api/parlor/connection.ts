// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { base64url } from "./bytes";
import type { Options, WebSocketConstructor, WebSocketLike } from "./contract";
import { createHeartbeat, type Heartbeat } from "./heartbeat";
import { parseMessage, type Message } from "./message";
import type { Session } from "./session";
import { later } from "./timer";
import type { Welcome } from "./welcome";

/** One attempt to connect, and the connection that it becomes. */
export interface Connection {
  /** The bytes that the WebSocket has not sent; undefined while it cannot send. */
  buffered(): number | undefined;
  send(text: string): void;
  /** Pings the server. `restored`: the browser has cut the WebSocket without a close event. */
  probe(restored: boolean): void;
  /** Closes it. No callback is called afterwards. */
  close(code?: number, reason?: string): void;
}

/** `WebSocket.OPEN`; there may be no global `WebSocket` to read it from. */
const OPEN = 1;

/** The class to connect with; undefined if there is none. */
export const webSocketClass = (options: Options): WebSocketConstructor | undefined =>
  options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;

/**
 * Starts an attempt to connect. The callbacks are never called before it returns: at most one
 * `connected`, then `received` for each message, then at most one `lost`.
 *
 * @param resolveUrl returns where to connect
 * @param session is resumed, and counts messages
 * @param mayBePlain whether to dial again without subprotocols if the WebSocket fails
 * @param connected gets the welcome; undefined in plain mode
 * @param received gets each message; undefined for one that is not `[name, payload]`
 * @param lost gets the close code and reason
 */
export function dial(
  resolveUrl: () => Promise<string>,
  options: Options,
  session: Session,
  mayBePlain: boolean,
  connected: (welcome: Welcome | undefined) => void,
  received: (message: Message | undefined) => void,
  lost: (code: number, reason: string) => void,
): Connection {
  const {
    heartbeatInterval = 30_000,
    heartbeatTimeout = 10_000,
    connectTimeout = 10_000,
  } = options;
  let ws: WebSocketLike | undefined;
  let heartbeat: Heartbeat | undefined;
  let pings = 0;
  /** Whether it is closed or lost. Tested in each callback and after each `await`. */
  let ended = false;

  const close = (code?: number, reason?: string) => {
    // First, since it throws if the reason is too long; then nothing has changed.
    ws?.close(code, reason);
    ended = true;
    clearTimeout(timer);
    heartbeat?.stop();
  };
  const fail = (code: number, reason: string) => {
    if (ended) return;
    // The server may still be reachable. A WebSocket that has ended ignores it.
    close(4001);
    lost(code, reason);
  };
  const timer = later(connectTimeout, () => fail(1006, "connectTimeout"));

  const send = (text: string) => {
    if (text) ws?.send(text);
  };
  const open = (welcome?: Welcome) => {
    clearTimeout(timer);
    heartbeat = createHeartbeat(
      Math.max(heartbeatInterval, welcome?.heartbeat || 0),
      heartbeatTimeout,
      () => {
        send(session.ack());
        send(`["ping",${welcome ? ++pings : null}]`);
      },
      () => fail(4001, "heartbeat missed"),
    );
    connected(welcome);
  };
  const receive = (data: unknown) => {
    const message = parseMessage(data);
    if (heartbeat) {
      heartbeat.received();
      send(session.receive(message, String(data).length));
      received(message);
    } else if (message?.[0] === "$welcome") open(Object(message[1]));
  };
  const openWebSocket = (WebSocket: WebSocketConstructor, url: string, protocols?: string[]) => {
    const socket = (ws = new WebSocket(url, protocols));
    socket.onopen = () => {
      mayBePlain = false;
      if (!ended && !socket.protocol) open();
    };
    socket.onmessage = ({ data }) => {
      if (!ended) receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (mayBePlain && !ended) {
        mayBePlain = false;
        attempt(() => openWebSocket(WebSocket, url));
      } else fail(code, reason);
    };
    // `onclose` follows. In Node an error without a listener is thrown.
    socket.onerror = () => {};
  };
  /** Runs a step of the attempt. The attempt fails if the step throws. */
  const attempt = async (step: () => unknown) => {
    try {
      await step();
    } catch (cause) {
      fail(1006, String(cause));
    }
  };

  attempt(async () => {
    // The functions in the options may close the socket, which needs the return value of `dial`.
    await undefined;
    const url = await resolveUrl();
    const token = await options.auth?.();
    if (ended) return;
    const WebSocket = webSocketClass(options);
    if (!WebSocket) throw new Error("no WebSocket: set options.WebSocket");
    const bearer = token && `parlor.bearer.${base64url(token)}`;
    const protocols = ["parlor.v1.json", session.resumeProtocol(), bearer].filter(Boolean) as string[];
    openWebSocket(WebSocket, url, protocols);
  });

  return {
    // `bufferedAmount` is undefined in React Native.
    buffered: () => (heartbeat && ws?.readyState === OPEN ? ws.bufferedAmount || 0 : undefined),
    send,
    probe(restored) {
      // `readyState` may still be `OPEN` then.
      if (restored && ws) fail(1006, "");
      else heartbeat?.probe();
    },
    close,
  };
}
