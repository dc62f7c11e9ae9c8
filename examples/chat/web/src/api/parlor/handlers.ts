// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Lifecycle, Off } from "./contract";
import { disposable } from "./disposable";

/** The registered handlers, by event. */
export interface Handlers {
  /** Returns a function that removes this registration. */
  on(event: string, handler: (data: never) => unknown, once?: boolean): Off;
  /** Removes the registrations of the handler, or all of the event. */
  off(event: string, handler?: (data: never) => unknown): void;
  /** Calls the handlers of the event, as long as `mayContinue`; false if there are none. */
  dispatch<E extends string>(
    event: E,
    data?: E extends keyof Lifecycle ? Lifecycle[E] : unknown,
    mayContinue?: () => boolean,
  ): boolean;
}

/** `failed` gets what handlers throw, and what their promises are rejected with. */
export function createHandlers(failed: (event: string, cause: unknown) => void): Handlers {
  type Entry = [event: string, handler: (data: never) => unknown, once?: boolean | undefined];
  const entries = new Set<Entry>();
  const entriesOf = (event: string) => [...entries].filter(([name]) => name === event);
  return {
    on(...entry) {
      entries.add(entry);
      const off = () => void entries.delete(entry);
      return disposable(off, off);
    },
    off(event, handler) {
      for (const entry of entriesOf(event))
        if (!handler || entry[1] === handler) entries.delete(entry);
    },
    dispatch(event, data, mayContinue) {
      const all = entriesOf(event);
      for (const entry of all) {
        // An earlier handler may have removed it.
        if (!entries.has(entry) || (mayContinue && !mayContinue())) continue;
        const [, handler, once] = entry;
        if (once) entries.delete(entry);
        try {
          const result = handler(data as never) as PromiseLike<unknown> | undefined;
          result?.then?.(undefined, (cause: unknown) => failed(event, cause));
        } catch (cause) {
          failed(event, cause);
        }
      }
      return all.length > 0;
    },
  };
}
