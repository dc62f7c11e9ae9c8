// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { CallError } from "./callError";
import type { CallOptions } from "./contract";
import { later } from "./timer";

/** The calls without an answer yet, by id. */
export interface Calls {
  /**
   * Starts a call. `send` gets its id, and returns an error if it cannot send it; `dropFrame` is
   * called when the call has ended, and removes its frame from the queue.
   */
  start(
    options: CallOptions,
    send: (id: number) => CallError | undefined,
    dropFrame: (id: number) => void,
  ): Promise<unknown>;
  /** Ends a call with the error, or else with the answer. Ignores unknown ids. */
  settle(id: unknown, error: CallError | undefined, answer?: unknown): void;
  /** Rejects all calls that were sent. `error` creates the error of one call. */
  rejectSent(error: () => CallError): void;
}

/**
 * Creates an empty table of calls.
 *
 * @param callTimeout the timeout of a call without one of its own, in ms
 * @param isQueued whether a call is not sent yet
 */
export function createCalls(
  callTimeout = 10_000,
  isQueued: (id: number) => boolean,
): Calls {
  const calls = new Map<number, (error: unknown, answer?: unknown) => void>();
  let lastId = 0;
  return {
    start({ timeout = callTimeout, signal }, send, dropFrame) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        const end = (error: unknown, answer?: unknown) => {
          calls.delete(id);
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          dropFrame(id);
          if (error === undefined) resolve(answer);
          else reject(error);
        };
        const abort = () =>
          end(signal?.reason ?? Object.assign(new Error("the call is aborted"), { name: "AbortError" }));
        const timer = later(timeout, () =>
          end(new CallError("timedOut", `no answer in ${timeout} ms`)),
        );
        if (signal?.aborted) return abort();
        signal?.addEventListener("abort", abort);
        // Before `send`: the answer may arrive inside of it.
        calls.set(id, end);
        const unsent = send(id);
        if (unsent) end(unsent);
      });
    },
    settle: (id, error, answer) => calls.get(id as number)?.(error, answer),
    rejectSent(error) {
      for (const [id, end] of calls) if (!isQueued(id)) end(error());
    },
  };
}
