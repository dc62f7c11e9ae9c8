// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { useEffect, useInsertionEffect, useRef } from "react";

import type { Contract, EventName, Handler, Socket } from "./contract";

/** Handlers by event: the server's events, and the lifecycle events. */
export type EventHandlers<C extends Contract> = { [E in EventName<C>]?: Handler<C, E> | undefined };

/**
 * Calls `handler` for each `event` while the component is mounted. It is the handler of the latest render,
 * so it sees the latest props and state, and needs no `useCallback`.
 *
 * ```tsx
 * useEvent(socket, "newMessage", (message) => setMessages((all) => [...all, message]));
 * ```
 */
export function useEvent<C extends Contract, E extends EventName<C>>(
  socket: Socket<C> | null,
  event: E,
  handler: Handler<C, E>,
): void {
  useEvents<C>(() => socket, socket, { [event]: handler } as unknown as EventHandlers<C>);
}

/**
 * Registers handlers with the socket that `find` returns, again when `key` changes. Calls those of the latest
 * render with the same `key`.
 */
export function useEvents<C extends Contract>(
  find: () => Socket<C> | null,
  key: unknown,
  handlers: EventHandlers<C>,
): void {
  const registered = useRef<{ key: unknown; handlers: EventHandlers<C> } | null>(null);
  useInsertionEffect(() => {
    // Until the effect, the socket of another key still calls its handlers: it may belong to another user.
    const { current } = registered;
    if (current && current.key === key) current.handlers = handlers;
  });
  const names = (Object.keys(handlers) as EventName<C>[]).filter((name) => handlers[name]).sort();
  useEffect(() => {
    const socket = find();
    if (!socket) return undefined;
    const latest = (registered.current = { key, handlers });
    const offs = names.map((name) =>
      socket.on(name, (data: unknown) =>
        (latest.handlers[name] as ((data: unknown) => unknown) | undefined)?.(data),
      ),
    );
    return () => {
      for (const off of offs) off();
    };
  }, [key, names.join(" ")]);
}
