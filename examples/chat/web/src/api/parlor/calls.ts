// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { CallError } from "./callError";
import { later } from "./timer";

/** Ends a call with the error, or else with the answer. */
export type EndCall = (error: unknown, answer?: unknown) => void;

/**
 * Starts a call.
 *
 * @param timeout the longest wait for the answer, in ms
 * @param send sends or queues it; returns an error if it does neither
 * @param ended is called when the call has ended: by its `EndCall`, the timeout or the signal
 */
export const startCall = (
  timeout: number,
  signal: AbortSignal | undefined,
  send: (end: EndCall) => CallError | undefined,
  ended: () => void,
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const end: EndCall = (error, answer) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      ended();
      if (error === undefined) resolve(answer);
      else reject(error);
    };
    const abort = () =>
      end(signal?.reason ?? Object.assign(new Error("aborted"), { name: "AbortError" }));
    const timer = later(timeout, () => end(new CallError("timedOut", "no answer in time")));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    const unsent = send(end);
    if (unsent) end(unsent);
  });
