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

import type { Procedure } from "./client.js";
import type { Contract, EventName, Handler, Socket, Status } from "./contract.js";
import type { Authentication, Options, SocketSettings, Target } from "./options.js";
import { acquireSocket, type SocketReference } from "./sharedSockets.js";

/** Handlers by event: the server's events, and the lifecycle events. */
export type EventHandlers<C extends Contract> = { [E in EventName<C>]?: Handler<C, E> };

/** The result of the hook. */
export interface WebSocketState<C extends Contract> {
  /** Null before the first effect, in server rendering, and while not `enabled`. */
  socket: Socket<C> | null;
  connected: boolean;
  status: Status;
}

/**
 * Settings of the hook: the URL or the client, the options of the socket, and:
 *
 * - `enabled`: whether to connect. Default true.
 * - `events`: handlers. The hook calls those of the latest render.
 */
export type UseWebSocketOptions<C extends Contract> = {
  enabled?: boolean;
  events?: EventHandlers<C>;
} & (
  | (Omit<SocketSettings, "url"> & Authentication & {
      /** `ws(s)`, `http(s)`, or relative to the page. With a function the connection is not shared. */
      url: Target;
      client?: never;
    })
  | (Options & {
      /** A procedure of a client, such as `client.chat.wsChat`: gives the contract and the options. */
      client: Procedure<C>;
    })
);

/** Settings of the hook for an existing socket. */
export interface UseSocketOptions {
  /** Whether to call the handlers. Default true. */
  enabled?: boolean;
}

/**
 * Connects while the component is mounted. Components with the same URL and options share one
 * connection, which is closed after the last of them unmounts. Functions among the options may change
 * with each render: the latest are used, and two functions count as the same option.
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
 * Returns the state of an existing socket, and registers handlers while the component is mounted. The
 * handlers of the latest render are called.
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
  // Both lines test `first` itself: without strictNullChecks, TypeScript narrows it by nothing else.
  const given = first && "subscribe" in first ? first : null;
  const settings = first && !("subscribe" in first) ? first : undefined;
  const own = useSharedSocket(settings);
  const socket = settings ? own.socket : given;
  useHandlers(
    () => (settings ? own.current() : given),
    settings ? own.key : given,
    (settings ? settings.events : events) ?? {},
    settings ? own.key !== null : enabled,
  );

  const initial = settings && own.key !== null ? "connecting" : "closed";
  const status = useSyncExternalStore(
    socket ? socket.subscribe : neverChanges,
    () => (socket ? socket.status : initial),
    () => initial,
  );
  return { socket, connected: status === "connected", status };
}

const neverChanges = () => () => {};

let lastId = 0;

/**
 * Returns a new id. React's `useId` is not unique: it repeats in two roots that hydrate the HTML of a
 * server.
 */
const newId = () => `#${++lastId}`;

/** Acquires the shared socket of the settings in an effect, and releases it in its cleanup. */
function useSharedSocket<C extends Contract>(settings: UseWebSocketOptions<C> | undefined) {
  const [id] = useState(newId);
  const { enabled = true, events: _, client, ...given } = settings ?? { enabled: false };
  const { url, ...rest } = given as Omit<Options, "url"> & { url?: Target };
  const target = client ? client.$url : (url as Target);
  // With a client, `url` is the option that rewrites its URL.
  const options = (client ? { ...client.$options, ...given } : rest) as Options;
  const key = enabled ? keyOf(typeof target === "string" ? target : id, options) : null;

  const latest = useRef({ target, options });
  const reference = useRef<SocketReference<C> | null>(null);
  const [shown, setShown] = useState<{ key: string; socket: Socket<C> } | null>(null);

  useInsertionEffect(() => {
    latest.current = { target, options };
    reference.current?.update(target, options);
  });
  useEffect(() => {
    if (key === null) return undefined;
    const { target, options } = latest.current;
    const acquired = acquireSocket<C>(key, target, options);
    reference.current = acquired;
    setShown({ key, socket: acquired.socket });
    return () => {
      reference.current = null;
      acquired.release();
      // A hidden `<Activity>` still renders, and keeps its state until it is visible again.
      setShown(null);
    };
  }, [key]);

  return {
    key,
    /** The socket of the last effect, which may not be rendered yet. */
    current: () => reference.current && reference.current.socket,
    // The socket of an earlier key is closed or will be.
    socket: shown && shown.key === key ? shown.socket : null,
  };
}

/**
 * The key of a shared connection: the target, and all settings. A function counts as `true`, so that a
 * component without `auth` does not share the connection of one with it.
 */
function keyOf(target: string, options: Options): string {
  const settings = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "function" || value}`);
  return [target, ...settings.sort()].join(" ");
}

/** Registers handlers with the socket that `find` returns, again when `key` changes. Calls the latest. */
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
