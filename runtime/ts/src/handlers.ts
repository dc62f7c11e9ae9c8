import type { Lifecycle, Off } from "./contract.js";
import { disposable } from "./disposable.js";

/** The registered handlers, by event. */
export interface Handlers {
  /** Returns a function that removes this registration. */
  add(event: string, handler: (data: never) => unknown, once?: boolean): Off;
  /** Removes the registrations of the handler, or all of the event. */
  remove(event: string, handler?: (data: never) => unknown): void;
  /** Calls the handlers of the event; false if there are none. */
  dispatch<E extends string>(
    event: E,
    data?: E extends keyof Lifecycle ? Lifecycle[E] : unknown,
  ): boolean;
}

/** `failed` gets what handlers throw, and what their promises are rejected with. */
export function createHandlers(failed: (event: string, cause: unknown) => void): Handlers {
  type Entry = [handler: (data: never) => unknown, once?: boolean | undefined];
  // A map, since an event may be named `__proto__`.
  const entries = new Map<string, Set<Entry>>();
  const of = (event: string) => entries.get(event) || new Set();
  return {
    add(event, ...entry) {
      const all = of(event);
      entries.set(event, all.add(entry));
      const off = () => void all.delete(entry);
      return disposable(off, off);
    },
    remove(event, handler) {
      const all = of(event);
      for (const entry of all) if (!handler || entry[0] === handler) all.delete(entry);
    },
    dispatch(event, data) {
      const all = of(event);
      const now = [...all];
      for (const entry of now) {
        // An earlier handler may have removed it.
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
