// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Contract, ErrorOf, Names, PayloadArgs, Unrecovered } from "./contract";
import type { Awaitable, WebSocketConstructor } from "./options";

/** What a client sent: an event or a call, as a union to switch on. */
export type Received<C extends Contract> = {
  [E in Names<C["incoming"]>]: { readonly event: E; readonly data: C["incoming"][E] };
}[Names<C["incoming"]>];

/** An answer; a call that answers `null` may return nothing. */
export type Answer<A> = A | (null extends A ? void : never);

/** The typed error of a call, for the handler of `onCall` to return or to throw. */
export class Refusal<E> {
  readonly error: E;

  constructor(error: E) {
    this.error = error;
  }
}

/** An attempt of a client to connect. */
export interface Attempt {
  readonly url: string;
  /** What `auth` returned. */
  readonly token: string | undefined;
}

/** Why an attempt is rejected: a close code of 4000-4999. */
export interface Rejection {
  code: number;
  reason?: string | undefined;
}

/** The server's side of one session. */
export interface FakeSession<C extends Contract> {
  /** The attempt of its latest connection. */
  readonly attempt: Attempt;
  /** What its client sent. */
  readonly received: readonly Received<C>[];
  /** Whether it has a connection. */
  readonly connected: boolean;
  /** As `FakeServer.emit`, to this session only. */
  emit<E extends Names<C["outgoing"]>>(event: E, ...args: PayloadArgs<C["outgoing"][E]>): void;
  /** As `FakeServer.close`, for this session only. */
  close(code: number, reason?: string): void;
}

/** The options of a socket that make it connect with a fake server. */
export interface FakeServerOptions {
  WebSocket: WebSocketConstructor;
  wakeOn: (wake: () => void) => () => void;
}

/** A server of the contract `C`, in the memory of a test. It serves all sockets that connect with its class. */
export interface FakeServer<C extends Contract> {
  /** Options that connect with this server: for sockets, `createClient` and the hook. */
  readonly options: FakeServerOptions;
  /** The class to connect with. With it alone, `restore` does not wake a waiting socket. */
  readonly WebSocket: WebSocketConstructor;
  /** The sessions that have not ended, oldest first. */
  readonly sessions: readonly FakeSession<C>[];
  /** The attempts to connect, also those that were rejected. */
  readonly attempts: readonly Attempt[];
  /** What all clients sent, in order. */
  readonly received: readonly Received<C>[];
  /** Resolves once a session has a connection; at once if one has. */
  readonly connected: Promise<void>;
  /** Resolves once no session has a connection; at once if none has. */
  readonly disconnected: Promise<void>;
  /**
   * Resolves with the payload of the first `event` that was received and that no earlier `next` has
   * returned. Waits for it if there is none.
   */
  next<E extends Names<C["incoming"]>>(event: E): Promise<C["incoming"][E]>;
  /**
   * Calls `handler` for each `event`, after `send` and before any timer. Calls are events, too.
   *
   * @returns a function that removes the handler
   */
  on<E extends Names<C["incoming"]>>(
    event: E,
    handler: (data: C["incoming"][E], session: FakeSession<C>) => unknown,
  ): () => void;
  /**
   * Answers the call `event` with what `handler` returns, or with the error of a {@link refuse} that it
   * returns or throws, or that of a `CallError` that it throws. Any other error that it throws is an
   * unhandled rejection, which fails the test, and ends the session with 1011. Replaces the handler
   * before.
   *
   * @returns a function that removes the handler
   */
  onCall<E extends Names<C["incoming"]> & Names<C["answers"]>>(
    event: E,
    handler: (
      data: C["incoming"][E],
      session: FakeSession<C>,
    ) => Awaitable<Answer<C["answers"][E]> | Refusal<ErrorOf<C, E>>>,
  ): () => void;
  /** The typed error of a call, for the handler of `onCall` to return or to throw. */
  refuse<E extends C["errors"][keyof C["errors"]]>(error: E): Refusal<E>;
  /**
   * Sends an event to all sessions. It arrives before this returns; without a connection, once the
   * session is resumed.
   *
   * @throws an error if there is no session
   */
  emit<E extends Names<C["outgoing"]>>(event: E, ...args: PayloadArgs<C["outgoing"][E]>): void;
  /**
   * Acknowledges what was received, as a server does with its heartbeat or after 128 frames. What is not
   * acknowledged is `lost` with its session.
   */
  confirm(): void;
  /**
   * Calls `handler` for each attempt to connect; it may return a rejection. Replaces the handler before.
   *
   * @returns a function that removes the handler
   */
  onAttempt(handler: (attempt: Attempt) => Awaitable<Rejection | void>): () => void;
  /** Rejects the next attempt, or the next `times` attempts. The code is one of 4000-4999. */
  reject(code: number, reason?: string, times?: number): void;
  /**
   * Ends all connections without a close frame. Attempts to connect fail until `restore`.
   *
   * @param options `silent`: the clients notice nothing until their heartbeat is missed
   */
  cut(options?: { silent?: boolean | undefined }): void;
  /**
   * Ends what `cut` began, and wakes the clients that wait for their next attempt.
   *
   * @param options `recovered`: whether the sessions that lost their connection can be resumed. Default true.
   * `reason`: why not. Default `unknown`, as after a restart of the server.
   */
  restore(options?: { recovered?: boolean | undefined; reason?: Unrecovered | undefined }): void;
  /** Closes all connections with the close code, which says whether the clients reconnect. */
  close(code: number, reason?: string): void;
}
