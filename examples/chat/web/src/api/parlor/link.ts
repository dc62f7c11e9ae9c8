// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { base64url } from "./bytes";
import type { Options, WebSocketConstructor, WebSocketLike } from "./contract";
import { createHeartbeat, type Heartbeat } from "./heartbeat";
import type { Session } from "./session";
import { later } from "./timer";

/** A frame, and its parts: `[name, payload, id?]`. */
export type Frame = [name: string, payload?: unknown, id?: unknown];

/** One attempt to connect, and the connection that comes of it. */
export interface Link {
  /** How many bytes wait to be sent; undefined if nothing can be sent now. */
  waiting(): number | undefined;
  send(text: string): void;
  /** There is reason to doubt the connection; `restored`: the browser has cut it, unsaid. */
  doubt(restored: boolean): void;
  /** Closes it. Nothing more is heard of it. */
  drop(code?: number, reason?: string): void;
}

/** What the server says first in Parlor mode. */
export interface Welcome {
  /** The secret to resume the session with; null if the server keeps none. */
  resume?: unknown;
  /** How many counted frames of the session the server has. */
  received?: unknown;
  /** Whether it is the session that was asked for. */
  recovered?: unknown;
  /** Why not. */
  reason?: unknown;
  /** The most bytes that the server takes in a message. */
  maxMessage?: number;
  /** After how much silence the server pings, in ms. */
  heartbeat?: number;
}

/** `WebSocket.OPEN`, which is not read from a global that may not be there. */
const OPEN = 1;

/** The class to connect with; undefined where there is none. */
export const webSocketClass = (options: Options): WebSocketConstructor | undefined =>
  options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;

/**
 * Begins an attempt, never at once: who listens to a new socket hears all that comes of it.
 * What that is: at most one `connected`, then frames, then at most one `lost`.
 *
 * @param resolveUrl where to connect
 * @param session what to resume, and where frames are counted
 * @param mayBePlain whether the server may know no subprotocol
 * @param connected given the welcome; undefined in plain mode
 * @param received given each frame; undefined for what is not `[name, payload]`
 * @param lost given the close code and reason
 */
export function dial(
  resolveUrl: () => Promise<string>,
  options: Options,
  session: Session,
  mayBePlain: boolean,
  connected: (welcome: Welcome | undefined) => void,
  received: (frame: Frame | undefined) => void,
  lost: (code: number, reason: string) => void,
): Link {
  const {
    heartbeatInterval = 30_000,
    heartbeatTimeout = 10_000,
    connectTimeout = 10_000,
  } = options;
  let ws: WebSocketLike | undefined;
  let heartbeat: Heartbeat | undefined;
  let pings = 0;
  /** Set when nothing more is to be heard: each callback and each `await` asks for it. */
  let over = false;

  const drop = (code?: number, reason?: string) => {
    // First: it throws if the reason is too long, and then nothing has happened.
    ws?.close(code, reason);
    over = true;
    clearTimeout(timer);
    heartbeat?.stop();
  };
  const lose = (code: number, reason: string) => {
    if (over) return;
    // Tells a server that is there after all; a WebSocket that has ended takes no notice.
    drop(4001);
    lost(code, reason);
  };
  const timer = later(connectTimeout, () => lose(1006, "connectTimeout"));

  const tell = (text: string) => {
    if (text) ws?.send(text);
  };
  const connect = (welcome?: Welcome) => {
    clearTimeout(timer);
    heartbeat = createHeartbeat(
      Math.max(heartbeatInterval, welcome?.heartbeat || 0),
      heartbeatTimeout,
      () => {
        tell(session.ack());
        tell(`["ping",${welcome ? ++pings : null}]`);
      },
      () => lose(4001, "heartbeat missed"),
    );
    connected(welcome);
  };
  const receive = (data: unknown) => {
    let frame: Frame | undefined;
    try {
      const parsed: unknown = typeof data === "string" && JSON.parse(data);
      if (Array.isArray(parsed) && typeof parsed[0] === "string") frame = parsed as Frame;
    } catch {
      // is not a frame, like what is not text
    }
    if (heartbeat) {
      heartbeat.heard();
      tell(session.hear(frame, String(data).length));
      received(frame);
    } else if (frame?.[0] === "$welcome") connect(Object(frame[1]));
  };
  const open = (WebSocket: WebSocketConstructor, url: string, protocols?: string[]) => {
    const socket = (ws = new WebSocket(url, protocols));
    socket.onopen = () => {
      mayBePlain = false;
      if (!over && !socket.protocol) connect();
    };
    socket.onmessage = ({ data }) => {
      if (!over) receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (mayBePlain && !over) {
        mayBePlain = false;
        attempt(() => open(WebSocket, url));
      } else lose(code, reason);
    };
    // Says nothing that `onclose` does not; but in Node an error without a listener is thrown.
    socket.onerror = () => {};
  };
  /** Runs a step of the attempt, which fails if the step does. */
  const attempt = async (step: () => unknown) => {
    try {
      await step();
    } catch (cause) {
      lose(1006, String(cause));
    }
  };

  attempt(async () => {
    // Functions of the options may close the socket, which has to know this link by then.
    await undefined;
    const url = await resolveUrl();
    const token = await options.auth?.();
    if (over) return;
    const WebSocket = webSocketClass(options);
    if (!WebSocket) throw new Error("no WebSocket: give one in the options");
    const bearer = token && `parlor.bearer.${base64url(token)}`;
    const protocols = ["parlor.v1.json", session.offer(), bearer].filter(Boolean) as string[];
    open(WebSocket, url, protocols);
  });

  return {
    // React Native does not know how much waits.
    waiting: () => (heartbeat && ws?.readyState === OPEN ? ws.bufferedAmount || 0 : undefined),
    send: tell,
    doubt(restored) {
      // It may say that it is open a moment longer.
      if (restored && ws) lose(1006, "");
      else heartbeat?.probe();
    },
    drop,
  };
}
