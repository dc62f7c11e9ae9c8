// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The settings of a socket, and the classes that it connects with.
 *
 * @module
 */

/** A value, or a promise for it. */
export type Awaitable<T> = T | Promise<T>;

/** A URL: `ws(s)`, `http(s)`, or relative to the page. A function is called on each attempt. */
export type Target = string | (() => Awaitable<string>);

/** Settings of a socket. Times are in ms; `Infinity` means never. Undefined means the default. */
export type Options = SocketSettings & Authentication;

/** The settings of a socket that do not concern its user. */
export interface SocketSettings {
  /**
   * The silence after which a ping is sent. The server's interval is used if it is longer. Default 30000.
   */
  heartbeatInterval?: number | undefined;
  /** The silence after a ping that closes the connection. Default 10000. */
  heartbeatTimeout?: number | undefined;
  /** Whether to connect again after a loss. Default true. */
  reconnect?: boolean | undefined;
  /** The longest wait before the first attempt to connect again; doubles with each. Default 1000. */
  reconnectInterval?: number | undefined;
  /** The upper limit of that wait. Default 30000. */
  maxReconnectInterval?: number | undefined;
  /**
   * The attempts to connect again that may fail in a row. Default `Infinity`. After the last one the
   * socket is closed, until the browser is online again, the page is visible again, or something is
   * emitted or called; then it begins anew.
   */
  maxReconnectAttempts?: number | undefined;
  /**
   * The random share of the wait, from 0 (always the longest) to 1 (from 0 to the longest). It spreads
   * the attempts of many clients. Default 1.
   */
  jitter?: number | undefined;
  /** The timeout of an attempt, from `url` and `auth` to the server's welcome. Default 10000. */
  connectTimeout?: number | undefined;
  /** The timeout of calls. Default 10000. */
  callTimeout?: number | undefined;
  /** The events and calls that are queued without a connection. Default 256. */
  bufferSize?: number | undefined;
  /** Rewrites the URL of each attempt, to add a query for example. */
  url?: ((url: string) => Awaitable<string>) | undefined;
  /** The class to connect with. Default: the global one. Node before 22 needs one: the package `ws` has it. */
  WebSocket?: WebSocketConstructor | undefined;
  /**
   * Calls `wake` when the network or the app may be back, besides the events of a browser's page. Called
   * when the socket begins to connect; returns a function that stops it. `reactNative.ts` has one.
   */
  wakeOn?: ((wake: () => void) => () => void) | undefined;
  /** Reports each frame: `true` to the console, or to the function. Default false. */
  debug?: boolean | ((frame: DebugFrame) => void) | undefined;
  /** Whether these reports contain payloads. Default false. */
  debugPayloads?: boolean | undefined;
}

/** The user of a socket: an id, for example. Null: no user. A function that throws counts as null. */
export type Identity = string | null | (() => string | null);

/**
 * The user of a socket. With `auth`, `identity` is required.
 *
 * The identity is read on each attempt, `emit`, `call`, message and `connect()`. When it has changed,
 * the socket drops the queue, the frames in flight and the calls of the last identity, reports them with
 * the code `identity`, and opens a new session.
 */
export type Authentication =
  | {
      /**
       * Returns the bearer token of each attempt, which the server reads with `request.bearer_token()`.
       * It is never part of the URL. The attempt continues without one.
       */
      auth: () => Awaitable<string | null | undefined>;
      /** Whose token it is. */
      identity: Identity;
    }
  | { auth?: undefined; identity?: Identity | undefined };

/** A frame that was sent or received. Never contains secrets. */
export interface DebugFrame {
  direction: "in" | "out";
  /** When, in ms since 1970. */
  time: number;
  /** The URL of the socket, without its query, user name and password. */
  url: string;
  /** The event, or the frame's name, as `$ack`. Empty if the data is not a frame. */
  name: string;
  /** The length of the frame in characters. */
  length: number;
  /** The id of a call or of its answer. */
  id?: number;
  /** Only with `debugPayloads`. */
  payload?: unknown;
}

/** The part of a WebSocket that the client uses. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly protocol: string;
  readonly bufferedAmount: number;
  // Each implementation has its own event types. Only `any` is compatible with all of them.
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** The class of a WebSocket: the browser's, or that of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;
