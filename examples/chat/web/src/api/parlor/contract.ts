// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The public types of the client: contracts, sockets, their events, and their errors.
 *
 * @module
 */

import type { CallError } from "./callError";
import type { Close } from "./close";
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
  disconnect: Close & {
    /** If false, the socket is closed; see {@link Close}. */
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
  /** `maxReconnectAttempts` have failed. The socket is closed; see `gaveUp` of {@link Close}. */
  reconnectFailed: {
    attempts: number;
    /** The close code of the last failure. */
    code: number;
    reason: string;
  };
  /**
   * An error. Printed to the console if there is no handler; of the attempts to connect only the first
   * that fails after a connection.
   */
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
   * - `identity`: the identity changed before the event was sent or confirmed
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
    | "identity"
    | "connect"
    | "undecodable"
    | "handler"
    | (string & {});
  message: string;
  /** The event that failed. */
  event?: string;
  /** A {@link Violation} if the code is `invalid`. */
  details?: unknown;
  /** How the last connection or attempt ended, if the code is `closed`, `lost`, `identity` or `connect`. */
  close?: Close | undefined;
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

/** An event from the server: a union to switch on. */
export type OutgoingEvent<C extends Contract> = {
  [E in Names<C["outgoing"]>]: { event: E; data: C["outgoing"][E] };
}[Names<C["outgoing"]>];

/** What `tryCall` resolves with: the answer `A`, or an error whose typed error is `E`. */
export type CallResult<A, E = never> =
  | { ok: true; value: A; error?: undefined }
  | { ok: false; error: CallFailure<E>; value?: undefined };

/** The codes of calls that fail without a typed error. */
type FailureCode =
  | Exclude<ErrorCode, "refused" | "invalid">
  | "disconnected"
  | "closed"
  | "identity"
  | "aborted"
  | "tooLarge"
  | "full";

/**
 * A {@link CallError} as a union to switch on by `code`. A newer server may have other codes.
 *
 * Besides the codes of `CallError` there is `aborted`: the signal of the call was aborted.
 */
export type CallFailure<E = never> =
  | ([E] extends [never] ? never : CallError & { readonly code: "refused"; readonly details: E })
  | (CallError & { readonly code: "invalid"; readonly details: Violation })
  | (CallError & { readonly code: FailureCode });

/** The typed error of the call `K`; never if it has none. */
export type ErrorOf<C extends Contract, K> = K extends keyof C["errors"] ? C["errors"][K] : never;

/** The members of a `Disposable`, where the compiler knows of them. */
export type Disposing = SymbolConstructor extends { readonly dispose: infer D extends symbol }
  ? { [K in D]: () => void }
  : {};

/** Removes a registration. With `using`, at the end of the block. */
export type Off = (() => void) & Disposing;

/** Settings of one call. */
export interface CallOptions {
  /** The longest wait for the answer, in ms from now. Default: the socket's `callTimeout`. */
  timeout?: number | undefined;
  /**
   * Aborts the call: it rejects with the signal's reason, or an error with the name `AbortError` if there
   * is none. It is not sent if it is still queued.
   */
  signal?: AbortSignal | undefined;
}

/**
 * A client of one procedure. Connects again when its connection is lost. `using` closes it at the end of
 * the block.
 */
export type Socket<C extends Contract> = SocketMembers<C> & Disposing;

/** The members of a {@link Socket}. */
export interface SocketMembers<C extends Contract> {
  readonly status: Status;
  /** Whether `status` is `connected`. */
  readonly connected: boolean;
  /** How the last connection or attempt ended: a new object each time. Undefined before the first end. */
  readonly lastClose: Close | undefined;
  /**
   * Calls `handler` for each `event`, in the order of registration.
   *
   * @returns a function that removes this registration
   */
  on<E extends EventName<C>>(event: E, handler: Handler<C, E>): Off;
  /** Calls `handler` for the next `event` only. */
  once<E extends EventName<C>>(event: E, handler: Handler<C, E>): Off;
  /** Calls `handler` for each event of the server, after the handlers of the event. */
  onAny(handler: (event: OutgoingEvent<C>) => unknown): Off;
  /** Removes the registrations of `handler`, or all of `event`. */
  off<E extends EventName<C>>(event: E, handler?: Handler<C, E>): void;
  /**
   * Sends an event. Without a connection it is queued, at most `bufferSize` of them, and sent in order
   * once there is one; an `error` event reports it if the socket is closed first, except by `close()`. An
   * event that was in flight when the connection was lost still arrives once. If the session is lost,
   * too, an `error` event with the code `lost` reports it. The answer of a call is dropped.
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
  /** As `call`, but resolves with the error, as a typed union, instead of rejecting with it. */
  tryCall<E extends Names<C["incoming"]> & Names<C["answers"]>>(
    event: E,
    ...args: PayloadArgs<C["incoming"][E], [options?: CallOptions]>
  ): Promise<CallResult<C["answers"][E], ErrorOf<C, E>>>;
  /**
   * Closes the socket: the queue is dropped, calls are rejected, and it does not connect again.
   *
   * @param code 1000 (the default) or 3000-4999
   * @param reason at most 123 bytes
   * @throws RangeError for another code, or a longer reason
   */
  close(code?: number, reason?: string): void;
  /**
   * Connects a closed socket. A socket that waits for its next attempt starts it now. A socket whose
   * identity has changed opens a new session.
   */
  connect(): void;
  /**
   * Calls `listener` after each change of `status` and `lastClose`.
   *
   * @returns a function that removes this registration
   */
  subscribe(listener: () => void): Off;
}
