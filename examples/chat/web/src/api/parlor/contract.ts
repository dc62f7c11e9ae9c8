// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The public types of the client: contracts, sockets, their events, and their options.
 *
 * @module
 */

import type { CallError } from "./callError";
import type { ErrorCode } from "./errorCode";

/** A procedure as the generator writes it: its events, as seen from the server. */
export interface Contract {
  /** The payloads that clients send, by event. */
  incoming: object;
  /** The payloads that the server sends, by event. */
  outgoing: object;
  /** The answers of calls, by event. */
  answers: object;
  /** The typed errors of calls, by event. */
  errors: object;
}

/** The keys of `T` that are strings. */
export type Names<T> = keyof T & string;

/** The arguments for a payload `P`, which is optional if none of its fields is required. */
export type PayloadArgs<P, Rest extends unknown[] = []> = {} extends P
  ? [payload?: P, ...rest: Rest]
  : [payload: P, ...rest: Rest];

/**
 * Why the session before the connection was lost is not recovered:
 *
 * - `off`: the server keeps no sessions
 * - `expired`: it was detached for longer than the server keeps sessions
 * - `overflow`: it had more frames pending than the server keeps
 * - `evicted`: the server had too many detached sessions
 * - `ended`: it was closed, by either side
 * - `identity`: it belongs to another identity, as after a change of the token
 * - `mismatch`: the counts of the two sides contradict each other
 * - `unknown`: the server has no such session; it was restarted, for example
 */
export type Unrecovered =
  | "off"
  | "expired"
  | "overflow"
  | "evicted"
  | "ended"
  | "identity"
  | "mismatch"
  | "unknown";

/** The data of `connect` and `reconnect`. */
export interface Opened {
  /**
   * Whether the session continues, with its rooms and with everything that either side has sent. If
   * not, join rooms again; messages may be missing.
   */
  recovered: boolean;
  /** Why not, if there was a session before. */
  reason?: Unrecovered;
}

/** The lifecycle events, which the socket itself emits. A server's event never has one of these names. */
export interface Lifecycle {
  /**
   * The connection is open, for the first time or again: join rooms here. Events that a handler emits
   * are sent before those that were queued without a connection. Events that the server sent in the
   * meantime arrive afterwards.
   */
  connect: Opened;
  /** The connection was lost or closed, or the server rejected it with a final close code. */
  disconnect: {
    /** The close code; see `docs/wire.md`. 1006: lost without a close frame. */
    code: number;
    reason: string;
    /** If false, the socket is closed until `connect()`. */
    willReconnect: boolean;
  };
  /** The socket waits before an attempt to connect again. */
  reconnecting: {
    /** Starts at 1, and again at 1 after a connection that lasted `maxReconnectInterval`. */
    attempt: number;
    /** The wait, in ms. */
    delay: number;
  };
  /** The connection is open again. Follows `connect`. */
  reconnect: Opened;
  /** `maxReconnectAttempts` have failed: the socket is closed until `connect()`. */
  reconnectFailed: {
    attempts: number;
    /** The close code of the last failure. */
    code: number;
    reason: string;
  };
  /** An error. Printed with `console.error` if there is no handler. */
  error: SocketError;
}

/** An error that does not reject a call. */
export interface SocketError {
  /**
   * The server's {@link ErrorCode} for an event that failed, or one of the client's own. A newer server
   * may have others.
   *
   * - `invalid`: the payload breaks a rule of the contract, cannot be JSON, or has a number that is not
   *   finite; not sent
   * - `tooLarge`: more bytes than the server accepts; not sent
   * - `full`: the queue is full; not sent
   * - `closed`: the socket is closed, or was closed while the event was queued; not sent
   * - `lost`: the session ended before the server confirmed the event; it may have arrived
   * - `connect`: an attempt to connect failed
   * - `undecodable`: a message from the server is not `[name, payload]`
   * - `handler`: a handler threw, or its promise was rejected; `details` is the cause
   */
  code:
    | ErrorCode
    | "tooLarge"
    | "full"
    | "closed"
    | "lost"
    | "connect"
    | "undecodable"
    | "handler"
    | (string & {});
  message: string;
  /** The event that failed. */
  event?: string;
  /** A {@link Violation} if the code is `invalid`. */
  details?: unknown;
}

/** A broken rule of a payload. Never contains the value. */
export interface Violation {
  /** The field, and the index in it, as in `tags[2]`. */
  path: string;
  /** `length`, `range`, `pattern`, `email` or `url`; from the server also `required`, `type` and others. */
  rule: string;
  message: string;
  /** The smallest value or length that the rule allows. */
  min?: number;
  /** The largest value or length that the rule allows. */
  max?: number;
  /** The pattern that the value must match. */
  pattern?: string;
}

/**
 * The state of a socket: dialling for the first time, open, waiting or dialling again, or closed until
 * `connect()`.
 */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

/** The events that a handler can be registered for: the server's, and the lifecycle events. */
export type EventName<C extends Contract> = Names<C["outgoing"]> | keyof Lifecycle;

/** The argument of a handler of the event `E`. */
export type EventData<C extends Contract, E extends EventName<C>> = E extends keyof Lifecycle
  ? Lifecycle[E]
  : E extends keyof C["outgoing"]
    ? C["outgoing"][E]
    : never;

/**
 * A handler of the event `E`. If it throws, or returns a promise that is rejected, an `error` event
 * follows. Other return values are ignored.
 */
export type Handler<C extends Contract, E extends EventName<C>> = (data: EventData<C, E>) => unknown;

/** An event from the server, as async iteration yields it: a union to switch on. */
export type OutgoingEvent<C extends Contract> = {
  [E in Names<C["outgoing"]>]: { event: E; data: C["outgoing"][E] };
}[Names<C["outgoing"]>];

/** Settings of one call. */
export interface CallOptions {
  /** The longest wait for the answer, in ms from now. Default: the socket's `callTimeout`. */
  timeout?: number;
  /** Aborts the call: it rejects with the signal's reason, and is not sent if it is still queued. */
  signal?: AbortSignal;
}

/** A client of one procedure. Connects again when its connection is lost. */
export interface Socket<C extends Contract> extends AsyncIterable<OutgoingEvent<C>> {
  readonly status: Status;
  /** Whether `status` is `connected`. */
  readonly connected: boolean;
  /**
   * Calls `handler` for each `event`, in the order of registration.
   *
   * @returns a function that removes this registration
   */
  on<E extends EventName<C>>(event: E, handler: Handler<C, E>): () => void;
  /** Calls `handler` for the next `event` only. */
  once<E extends EventName<C>>(event: E, handler: Handler<C, E>): () => void;
  /** Removes the registrations of `handler`, or all of `event`. */
  off<E extends EventName<C>>(event: E, handler?: Handler<C, E>): void;
  /**
   * Sends an event. Without a connection it is queued, at most `bufferSize` of them, and sent in order
   * once there is one; an `error` event reports it if the socket is closed first. An event that was in
   * flight when the connection was lost still arrives once. If the session is lost, too, an `error`
   * event with the code `lost` reports it. The answer of a call is dropped.
   *
   * @returns false if it is neither sent nor queued; an `error` event reports why
   */
  emit<E extends Names<C["incoming"]>>(
    event: E,
    ...args: PayloadArgs<C["incoming"][E]>
  ): boolean;
  /**
   * Sends a call and waits for its answer, which may arrive over a later connection of the session.
   * Rejects with a {@link CallError}, or with the reason of the signal. Without a connection it is
   * queued, as an event is.
   */
  call<E extends Names<C["incoming"]> & Names<C["answers"]>>(
    event: E,
    ...args: PayloadArgs<C["incoming"][E], [options?: CallOptions]>
  ): Promise<C["answers"][E]>;
  /**
   * Closes the socket: the queue is dropped, calls are rejected, and it does not connect again.
   *
   * @param code 1000 (the default) or 3000-4999
   * @param reason at most 123 bytes
   * @throws RangeError for another code; the error of the WebSocket for a longer reason
   */
  close(code?: number, reason?: string): void;
  /** Connects a closed socket. A socket that waits for its next attempt starts it now. */
  connect(): void;
  /**
   * Calls `listener` after each change of `status`.
   *
   * @returns a function that removes this registration
   */
  subscribe(listener: () => void): () => void;
  /**
   * The events from the server from now on, until the socket is closed or the loop is left. A loop
   * with more than 1024 events pending throws.
   */
  [Symbol.asyncIterator](): AsyncIterator<OutgoingEvent<C>, undefined>;
}

/** A value, or a promise for it. */
export type Awaitable<T> = T | Promise<T>;

/** A URL: `ws(s)`, `http(s)`, or relative to the page. A function is called on each attempt. */
export type Target = string | (() => Awaitable<string>);

/** Settings of a socket. Times are in ms; `Infinity` means never. */
export interface Options {
  /**
   * The silence after which a ping is sent. The server's interval is used if it is longer. 0: the
   * server's interval, and no pings in plain mode. Default 30000.
   */
  heartbeatInterval?: number;
  /** The silence after a ping that closes the connection. Default 10000. */
  heartbeatTimeout?: number;
  /** Whether to connect again after a loss. Default true. */
  reconnect?: boolean;
  /** The longest wait before the first attempt to connect again; doubles with each. Default 1000. */
  reconnectInterval?: number;
  /** The upper limit of that wait. Default 30000. */
  maxReconnectInterval?: number;
  /** The attempts to connect again that may fail in a row. Default 10. */
  maxReconnectAttempts?: number;
  /**
   * The random share of the wait, from 0 (always the longest) to 1 (from 0 to the longest). It spreads
   * the attempts of many clients. Default 1.
   */
  jitter?: number;
  /** The timeout of an attempt, from `url` and `auth` to the server's welcome. Default 10000. */
  connectTimeout?: number;
  /** The timeout of calls. Default 10000. */
  callTimeout?: number;
  /** The events and calls that are queued without a connection. Default 256. */
  bufferSize?: number;
  /** Rewrites the URL of each attempt, to add a query for example. */
  url?: (url: string) => Awaitable<string>;
  /**
   * Returns the bearer token of each attempt, which the server reads with `request.bearer_token()`. It
   * is never part of the URL, and is not sent in plain mode. The attempt continues without one.
   */
  auth?: () => Awaitable<string | null | undefined>;
  /** The class to connect with. Default: the global one. Node before 22 needs one: the package `ws` has it. */
  WebSocket?: WebSocketConstructor;
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
