import { CallError } from "./callError.js";
import type { CallOptions } from "./contract.js";
import { later } from "./timer.js";

/** The calls that wait for their answers, by their ids. */
export interface Calls {
  /**
   * Begins a call. `send` is given its id and says why it cannot be sent, if so; `drop` hears that
   * nobody waits for the answer any more.
   */
  begin(
    options: CallOptions,
    send: (id: number) => CallError | undefined,
    drop: (id: number) => void,
  ): Promise<unknown>;
  /** Ends a call: with the error, or else the answer. Ids that no call has are ignored. */
  settle(id: unknown, error: CallError | undefined, answer?: unknown): void;
  /** Rejects all that are not kept. */
  rejectAll(code: string, message: string): void;
}

/**
 * No calls yet.
 *
 * @param callTimeout how long they wait, in ms, unless they say otherwise
 * @param isKept whether a call still waits to be sent
 */
export function createCalls(
  callTimeout = 10_000,
  isKept: (id: number) => boolean,
): Calls {
  const calls = new Map<number, (error: unknown, answer?: unknown) => void>();
  let last = 0;
  return {
    begin({ timeout = callTimeout, signal }, send, drop) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const id = ++last;
        const refused = send(id);
        if (refused) return reject(refused);
        const end = (error: unknown, answer?: unknown) => {
          calls.delete(id);
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          drop(id);
          if (error === undefined) resolve(answer);
          else reject(error);
        };
        const abort = () => end(signal?.reason);
        const timer = later(timeout, () =>
          end(new CallError("timedOut", `no answer within ${timeout} ms`)),
        );
        signal?.addEventListener("abort", abort);
        calls.set(id, end);
      });
    },
    settle: (id, error, answer) => calls.get(id as number)?.(error, answer),
    rejectAll(code, message) {
      for (const [id, end] of calls) if (!isKept(id)) end(new CallError(code, message));
    },
  };
}
