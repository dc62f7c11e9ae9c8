// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The types of the client: what a contract is, what a socket can do, and what may be set.
 *
 * @module
 */

import type { CallError } from "./callError";

/** What the generator writes for a procedure: its events, seen from the server. */
export interface Contract {
  /** What clients send, by name. */
  incoming: object;
  /** What the server sends, by name. */
  outgoing: object;
  /** The answers of those incoming events that are calls. */
  answers: object;
  /** The typed refusals of calls. */
  errors: object;
}

/** The names of the keys of `T`. */
export type Names<T> = keyof T & string;

/** The arguments for a payload `P`, which may be left out if none of its fields is required. */
export type PayloadArgs<P, Rest extends unknown[] = []> = {} extends P
  ? [payload?: P, ...rest: Rest]
  : [payload: P, ...rest: Rest];

/**
 * Why the session is not the one that was there before the connection was lost:
 *
 * - `off`: the server keeps no sessions
 * - `expired`: away for longer than the server keeps them
 * - `overflow`: more waited than the server keeps
 * - `evicted`: the server had too many to keep
 * - `ended`: it was closed, by either side
 * - `identity`: it belongs to somebody else, as after a change of the token
 * - `mismatch`: the two sides do not agree on what was sent
 * - `unknown`: the server does not know it; it was restarted, for example
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

/** What there is when the connection is open. */
export interface Opened {
  /**
   * Whether the session goes on: with its rooms, and with all that was sent by either side. If not,
   * rooms are to be joined again, and messages may be missing.
   */
  recovered: boolean;
  /** Why not, if there was one before. */
  reason?: Unrecovered;
}

/**
 * What happens to the connection. A socket emits these itself; their names are never the server's.
 */
export interface Lifecycle {
  /**
   * The connection is open, for the first time or again: the place to join rooms. What is emitted
   * here goes out before what was kept while there was no connection. What the server sent
   * meanwhile comes after it.
   */
  connect: Opened;
  /** The connection was lost or closed, or the server refuses it for good. */
  disconnect: {
    /** The close code; see `docs/wire.md`. 1006 means lost without one. */
    code: number;
    reason: string;
    /** If not, the socket is closed until `connect()`. */
    willReconnect: boolean;
  };
  /** An attempt to connect again follows. */
  reconnecting: {
    /** Counted from 1, anew after a connection has lasted `maxReconnectInterval`. */
    attempt: number;
    /** How long from now, in ms. */
    delay: number;
  };
  /** The connection is open again; comes after `connect`. */
  reconnect: Opened;
  /** `maxReconnectAttempts` have failed: the socket is closed until `connect()`. */
  reconnectFailed: {
    attempts: number;
    /** Of the last failure. */
    code: number;
    reason: string;
  };
  /** Something went wrong. Goes to `console.error` if nobody listens. */
  error: SocketError;
}

/** What went wrong, where no call can be rejected with it. */
export interface SocketError {
  /**
   * The server's code for an event that it refused (`unknown`, `malformed`, `invalid`, `denied`,
   * `limited`, `busy`, `panicked`, `timedOut`, `refused`), or one of the client's own:
   *
   * - `invalid`: the payload breaks a rule of the contract, or is no JSON; it was not sent
   * - `tooLarge`: more bytes than the server takes; not sent
   * - `full`: too much waits to be sent already; not sent
   * - `closed`: the socket is closed, or has closed while the event was kept; not sent
   * - `lost`: the server has not confirmed it, and the session is gone; it may have arrived
   * - `connect`: an attempt to connect failed
   * - `undecodable`: a frame of the server's is not `[name, payload]`
   * - `handler`: a handler threw, or its promise was rejected; `details` is what it threw
   */
  code: string;
  message: string;
  /** The event in question. */
  event?: string;
  /** A {@link Violation} if the code is `invalid`. */
  details?: unknown;
}

/** Which rule a payload breaks. Never holds the value. */
export interface Violation {
  /** The field, then the way inside, as in `tags[2]`. */
  path: string;
  /** `length`, `range`, `pattern`, `email`, `url`; `type` for what is no JSON. */
  rule: string;
  message: string;
  /** The smallest value or length that the rule allows. */
  min?: number;
  /** The largest value or length that the rule allows. */
  max?: number;
  /** What the value should match. */
  pattern?: string;
}

/**
 * Where a socket is: dialling for the first time, open, on its way back (waiting or dialling), or
 * closed until `connect()`.
 */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

/** The names of what a socket of the contract `C` can be listened to for. */
export type EventName<C extends Contract> = Names<C["outgoing"]> | keyof Lifecycle;

/** What a handler of the event `E` is given. */
export type EventData<C extends Contract, E extends EventName<C>> = E extends keyof Lifecycle
  ? Lifecycle[E]
  : E extends keyof C["outgoing"]
    ? C["outgoing"][E]
    : never;

/**
 * A handler of the event `E`. What it throws, or what the promise that it returns is rejected with,
 * becomes an `error` event; what else it returns is ignored.
 */
export type Handler<C extends Contract, E extends EventName<C>> = (data: EventData<C, E>) => unknown;

/** An event of the server's, as async iteration yields it: a union to switch on. */
export type OutgoingEvent<C extends Contract> = {
  [E in Names<C["outgoing"]>]: { event: E; data: C["outgoing"][E] };
}[Names<C["outgoing"]>];

/** Settings of one call. */
export interface CallOptions {
  /** How long to wait for the answer, in ms from now. Default: the socket's `callTimeout`. */
  timeout?: number;
  /** Gives the call up: it rejects with the signal's reason, and is not sent if it was not yet. */
  signal?: AbortSignal;
}

/** One connection to a procedure, which comes back when it is lost. */
export interface Socket<C extends Contract> extends AsyncIterable<OutgoingEvent<C>> {
  readonly status: Status;
  /** Whether `status` is `connected`. */
  readonly connected: boolean;
  /**
   * Calls `handler` for each `event`, in the order of registration.
   *
   * @returns a function that takes this registration back
   */
  on<E extends EventName<C>>(event: E, handler: Handler<C, E>): () => void;
  /** Calls `handler` for the next `event` only. */
  once<E extends EventName<C>>(event: E, handler: Handler<C, E>): () => void;
  /** Takes back the registrations of `handler`, or all of `event`. */
  off<E extends EventName<C>>(event: E, handler?: Handler<C, E>): void;
  /**
   * Sends an event. While there is no connection it is kept, at most `bufferSize` of them, and goes
   * out in order once there is one; if none comes, an `error` event says so. If the connection is
   * lost it arrives once nevertheless, unless the session is lost, too: then an `error` event with
   * the code `lost` says so. The answer of a call is dropped.
   *
   * @returns false if it is not sent; an `error` event says why
   */
  emit<E extends Names<C["incoming"]>>(
    event: E,
    ...args: PayloadArgs<C["incoming"][E]>
  ): boolean;
  /**
   * Sends a call and waits for its answer, which may come over a later connection of the session.
   * Rejects with a {@link CallError}, or with the reason of the signal. A call that waits for a
   * connection is kept, as an event is.
   */
  call<E extends Names<C["incoming"]> & Names<C["answers"]>>(
    event: E,
    ...args: PayloadArgs<C["incoming"][E], [options?: CallOptions]>
  ): Promise<C["answers"][E]>;
  /**
   * Closes the socket: what is kept is dropped, calls are rejected, nothing connects again.
   *
   * @param code 1000 (the default) or 3000-4999
   * @param reason at most 123 bytes
   * @throws RangeError for another code; what the WebSocket throws for a longer reason
   */
  close(code?: number, reason?: string): void;
  /** Connects a closed socket again, or one that waits for its next attempt at once. */
  connect(): void;
  /**
   * Calls `listener` after each change of `status`.
   *
   * @returns a function that takes this registration back
   */
  subscribe(listener: () => void): () => void;
  /**
   * The events of the server from now on, until the socket is closed or the loop is left. At most
   * 1024 of them wait for a loop that is slower than they come; past that, the loop throws.
   */
  [Symbol.asyncIterator](): AsyncIterator<OutgoingEvent<C>, undefined>;
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Where to connect: `ws(s)`, `http(s)`, or relative to the page. A function is asked each time. */
export type Target = string | (() => Awaitable<string>);

/** Settings of a socket. Times are in ms; of what is `Infinity`, nothing comes. */
export interface Options {
  /**
   * After how much silence a ping is sent. The server's own interval is taken if it is longer; 0
   * stands for that one, or for no pings in plain mode. Default 30000.
   */
  heartbeatInterval?: number;
  /** How long after a ping the connection is dead if nothing comes. Default 10000. */
  heartbeatTimeout?: number;
  /** Whether to connect again. Default true. */
  reconnect?: boolean;
  /** The longest wait before an attempt to connect again; it doubles each time. Default 1000. */
  reconnectInterval?: number;
  /** What that wait never exceeds. Default 30000. */
  maxReconnectInterval?: number;
  /** How many attempts to connect again may fail in a row. Default 10. */
  maxReconnectAttempts?: number;
  /**
   * How much of the wait is random, from 0 (none: always the longest) to 1 (anything up to the
   * longest), so that many clients do not come back at the same moment. Default 1.
   */
  jitter?: number;
  /** How long an attempt may take, with `url`, `auth` and the server's welcome. Default 10000. */
  connectTimeout?: number;
  /** How long calls wait for their answers. Default 10000. */
  callTimeout?: number;
  /** How many events and calls are kept while there is no connection. Default 256. */
  bufferSize?: number;
  /** Asked for the URL on each attempt, given what it would be: to add a query, for example. */
  url?: (url: string) => Awaitable<string>;
  /**
   * Asked for a bearer token on each attempt, which the server has as `request.bearer_token()`. It
   * never stands in the URL, and is not sent in plain mode. Without one the attempt goes on.
   */
  auth?: () => Awaitable<string | null | undefined>;
  /** The class to connect with, where none is global: the one of the package `ws`, for example. */
  WebSocket?: WebSocketConstructor;
}

/** What is needed of a WebSocket. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly protocol: string;
  readonly bufferedAmount: number;
  // Each implementation has event types of its own, which only `any` is compatible with.
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** The class of a WebSocket: the browser's, or the one of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;
