// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { CallError } from "./callError";
import type {
  CallFailure,
  CallOptions,
  CallResult,
  Contract,
  ErrorOf,
  Names,
  PayloadArgs,
  Socket,
} from "./contract";

/** The events of a contract that are calls. */
export type CallName<C extends Contract> = Names<C["incoming"]> & Names<C["answers"]>;

/** The state of the calls of one event: the answer `A`, the typed error `E`. */
export interface CallState<A, E = never> {
  /** The newest answer. It stays while a later call is pending, and after one that fails. */
  data: A | undefined;
  /** Why the newest call has no answer; undefined while one is pending, and after `cancel()`. */
  error: CallFailure<E> | undefined;
  /** Whether the newest call has neither an answer nor an error yet. */
  pending: boolean;
}

/** The state of the calls of the event `E`. */
export type StateOf<C extends Contract, E extends CallName<C>> = CallState<C["answers"][E], ErrorOf<C, E>>;

/** The functions of {@link CallStore}, which do not change. */
export interface CallActions<C extends Contract, E extends CallName<C>> {
  /**
   * Sends a call. Never rejects: the result is also what it resolves with. Without a socket the error has
   * the code `closed`.
   *
   * The newest call sets the state, whatever the order of the answers. Earlier calls are not cancelled, since
   * the server may not have run them yet.
   */
  readonly call: (
    ...args: PayloadArgs<C["incoming"][E], [options?: Pick<CallOptions, "timeout">]>
  ) => Promise<CallResult<C["answers"][E], ErrorOf<C, E>>>;
  /**
   * Aborts all calls without an answer: their errors have the code `aborted`. Those that are still queued are
   * not sent; the server runs the others.
   */
  readonly cancel: () => void;
}

/** Calls one event of one socket, and holds the state of the calls. */
export interface CallStore<C extends Contract, E extends CallName<C>> extends CallActions<C, E> {
  readonly socket: Socket<C> | null;
  readonly event: E;
  /** The state: a new object after each change. */
  readonly state: () => StateOf<C, E>;
  /**
   * Calls `listener` after each change of the state. Returns a function that removes it. After another identity
   * of the socket, and without listeners, the state is that of a new store.
   */
  readonly subscribe: (listener: () => void) => () => void;
}

export function createCallStore<C extends Contract, E extends CallName<C>>(
  socket: Socket<C> | null,
  event: E,
): CallStore<C, E> {
  type State = StateOf<C, E>;
  type Result = CallResult<C["answers"][E], ErrorOf<C, E>>;

  const idle: State = { data: undefined, error: undefined, pending: false };
  const running = new Set<AbortController>();
  const listeners = new Set<() => void>();
  let newest: AbortController | undefined;
  /** The call that `tryCall` sends at present. It may find another identity, and belongs to that. */
  let sending: AbortController | undefined;
  let state = idle;
  const change = (changed: Partial<State>) => {
    state = { ...state, ...changed };
    for (const listener of listeners) listener();
  };
  /** Removes what belongs to the last identity. */
  const forget = () => {
    newest = sending;
    change({ ...idle, pending: !!sending });
  };
  let offIdentity: (() => void) | undefined;

  return {
    socket,
    event,
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      // Not in a render, which may be dropped.
      offIdentity ??= socket?.on("$identity" as never, forget);
      return () => {
        if (listeners.size < 2) {
          // Without the handler, a change of the identity is missed.
          offIdentity = offIdentity?.() as undefined;
          forget();
        }
        listeners.delete(listener);
      };
    },
    async call(...args) {
      const [payload, { timeout } = {}] = args as [unknown?, CallOptions?];
      const controller = new AbortController();
      running.add(controller);
      newest = controller;
      change({ error: undefined, pending: true });
      sending = controller;
      const sent = socket?.tryCall(event, ...([payload, { timeout, signal: controller.signal }] as never));
      sending = undefined;
      const result: Result = sent
        ? await sent
        : { ok: false, error: new CallError("closed", "there is no socket") as CallFailure<never> };
      running.delete(controller);
      if (newest === controller) {
        newest = undefined;
        // Without strictNullChecks, TypeScript narrows by `=== false` only.
        change({ ...(result.ok === false ? { error: result.error } : { data: result.value }), pending: false });
      }
      return result;
    },
    cancel() {
      newest = undefined;
      for (const controller of running) controller.abort();
      if (state.pending) change({ pending: false });
    },
  };
}
