// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

"use client";

/**
 * The React hook of the client. React 18 or later.
 *
 * @module
 */

import {
  useEffect,
  useInsertionEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";

import type { Procedure } from "./client";
import type { Contract, EventName, Handler, Options, Socket, Status, Target } from "./contract";
import { hold, type Held } from "./shared";

/** Handlers by the names of their events: those of the server and those of the connection. */
export type EventHandlers<C extends Contract> = { [E in EventName<C>]?: Handler<C, E> };

/** What the hook knows of the connection. */
export interface WebSocketState<C extends Contract> {
  /** Null before the first effect (so also on a server), and while not `enabled`. */
  socket: Socket<C> | null;
  connected: boolean;
  status: Status;
}

/**
 * Settings of the hook: where to connect, the options of the socket, and:
 *
 * - `enabled`: whether to be connected. Default true.
 * - `events`: handlers. Always the ones of the latest render are called.
 */
export type UseWebSocketOptions<C extends Contract> = {
  enabled?: boolean;
  events?: EventHandlers<C>;
} & (
  | (Omit<Options, "url"> & {
      /** `ws(s)`, `http(s)`, or relative to the page. What a function answers is not shared. */
      url: Target;
      client?: never;
    })
  | (Options & {
      /** A procedure of a client, as `client.chat.wsChat`, whose contract and options it has. */
      client: Procedure<C>;
    })
);

/** Settings of the hook for a socket that is there already. */
export interface UseSocketOptions {
  /** Whether the handlers are called. Default true. */
  enabled?: boolean;
}

/**
 * A connection for as long as components use it. There is one for each URL and its options, however
 * many components use it; it is closed when the last is gone. Functions among the options may be new
 * with each render: the latest ones are used, and it only counts whether there is one.
 *
 * ```tsx
 * const { socket, connected } = useWebSocket<Chat>({
 *   url: "/api/chat/wsChat",
 *   events: { newMessage: (message) => setMessages((messages) => [...messages, message]) },
 * });
 * ```
 */
export function useWebSocket<C extends Contract>(
  options: UseWebSocketOptions<C>,
): WebSocketState<C>;
/**
 * The state of a socket that is made elsewhere, and handlers for as long as the component is there.
 * Always the ones of the latest render are called.
 */
export function useWebSocket<C extends Contract>(
  socket: Socket<C> | null,
  events?: EventHandlers<C>,
  options?: UseSocketOptions,
): WebSocketState<C>;
export function useWebSocket<C extends Contract>(
  first: Socket<C> | UseWebSocketOptions<C> | null,
  events?: EventHandlers<C>,
  { enabled = true }: UseSocketOptions = {},
): WebSocketState<C> {
  // `first` is tested itself each time: without strictNullChecks, nothing else tells what it is.
  const given = first && "subscribe" in first ? first : null;
  const settings = first && !("subscribe" in first) ? first : undefined;
  const own = useOwnSocket(settings);
  const socket = settings ? own.socket : given;
  useHandlers(
    () => (settings ? own.current() : given),
    settings ? own.key : given,
    (settings ? settings.events : events) ?? {},
    settings ? own.key !== null : enabled,
  );

  const waiting = settings && own.key !== null ? "connecting" : "closed";
  const status = useSyncExternalStore(
    socket ? socket.subscribe : neverChanges,
    () => (socket ? socket.status : waiting),
    () => waiting,
  );
  return { socket, connected: status === "connected", status };
}

const neverChanges = () => () => {};

let components = 0;

/**
 * What no other component has. React's `useId` is the same in two roots that took over what a server
 * has rendered.
 */
const newId = () => `#${++components}`;

/** Holds the shared socket that the settings describe, from the first effect to the last. */
function useOwnSocket<C extends Contract>(settings: UseWebSocketOptions<C> | undefined) {
  const [id] = useState(newId);
  const { enabled = true, events: _, client, ...given } = settings ?? { enabled: false };
  const { url, ...rest } = given as Omit<Options, "url"> & { url?: Target };
  const target = client ? client.$url : (url as Target);
  // With a client, `url` is the option that rewrites its URL.
  const options = (client ? { ...client.$options, ...given } : rest) as Options;
  const key = enabled ? keyOf(typeof target === "string" ? target : id, options) : null;

  const latest = useRef({ target, options });
  const held = useRef<Held<C> | null>(null);
  const [shown, show] = useState<{ key: string; socket: Socket<C> } | null>(null);

  useInsertionEffect(() => {
    latest.current = { target, options };
    held.current?.use(target, options);
  });
  useEffect(() => {
    if (key === null) return undefined;
    const { target, options } = latest.current;
    const mine = hold<C>(key, target, options);
    held.current = mine;
    show({ key, socket: mine.socket });
    return () => {
      held.current = null;
      mine.release();
      // An `<Activity>` that is hidden renders on, and comes back with what it had.
      show(null);
    };
  }, [key]);

  return {
    key,
    /** The socket as of the last effect: before it is shown. */
    current: () => held.current && held.current.socket,
    // One of an earlier key is closed, or about to be.
    socket: shown && shown.key === key ? shown.socket : null,
  };
}

/**
 * What makes two connections the same: where to, and all settings; of functions, that there is one.
 * Else a component without `auth` would take it from those who have it.
 */
function keyOf(target: string, options: Options): string {
  const settings = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "function" || value}`);
  return [target, ...settings.sort()].join(" ");
}

/** Calls the latest of the handlers for the events of the socket, whenever `key` is another. */
function useHandlers<C extends Contract>(
  find: () => Socket<C> | null,
  key: unknown,
  events: EventHandlers<C>,
  enabled: boolean,
) {
  const latest = useRef(events);
  const names = Object.keys(events).sort() as EventName<C>[];
  useInsertionEffect(() => {
    latest.current = events;
  });
  useEffect(() => {
    const socket = enabled && find();
    if (!socket) return undefined;
    const offs = names.map((name) =>
      socket.on(name, (data: unknown) =>
        (latest.current[name] as ((data: unknown) => unknown) | undefined)?.(data),
      ),
    );
    return () => {
      for (const off of offs) off();
    };
  }, [key, enabled, names.join(" ")]);
}
