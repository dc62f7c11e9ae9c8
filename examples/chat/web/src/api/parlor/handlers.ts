// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Lifecycle } from "./contract";

/** Who listens to which event. */
export interface Handlers {
  add(event: string, handler: (data: never) => unknown, once?: boolean): () => void;
  /** Takes back the registrations of the handler, or all of the event. */
  remove(event: string, handler?: (data: never) => unknown): void;
  /** Calls those who listen; says whether there were any. */
  dispatch<E extends string>(
    event: E,
    data?: E extends keyof Lifecycle ? Lifecycle[E] : unknown,
  ): boolean;
}

/** `failed` hears what handlers throw and what their promises are rejected with. */
export function createHandlers(failed: (event: string, cause: unknown) => void): Handlers {
  type Entry = [handler: (data: never) => unknown, once?: boolean | undefined];
  // A map, since names such as `__proto__` are no names to an object.
  const entries = new Map<string, Set<Entry>>();
  const of = (event: string) => entries.get(event) || new Set();
  return {
    add(event, ...entry) {
      const all = of(event);
      entries.set(event, all.add(entry));
      return () => {
        all.delete(entry);
      };
    },
    remove(event, handler) {
      const all = of(event);
      for (const entry of all) if (!handler || entry[0] === handler) all.delete(entry);
    },
    dispatch(event, data) {
      const all = of(event);
      const now = [...all];
      for (const entry of now) {
        // Taken back by a handler before it.
        if (!all.has(entry)) continue;
        const [handler, once] = entry;
        if (once) all.delete(entry);
        try {
          const result = handler(data as never) as PromiseLike<unknown> | undefined;
          result?.then?.(undefined, (cause: unknown) => failed(event, cause));
        } catch (cause) {
          failed(event, cause);
        }
      }
      return now.length > 0;
    },
  };
}
