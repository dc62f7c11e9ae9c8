// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

"use client";

/**
 * The React hooks of the client. React 18 or later.
 *
 * @module
 */

import type { Procedure } from "./client";
import type { ConnectionState } from "./connectionState";
import type { Contract, Socket } from "./contract";
import type { Authentication, Options, SocketSettings, Target } from "./options";
import { useConnectionState } from "./useConnection";
import { useEvents, type EventHandlers } from "./useEvent";
import { useSharedSocket } from "./useSharedSocket";

export type { ConnectionState } from "./connectionState";
export { useCall, type UseCall } from "./useCall";
export { useConnection } from "./useConnection";
export { useEvent, type EventHandlers } from "./useEvent";

/** The result of the hook. */
export interface WebSocketState<C extends Contract> extends ConnectionState {
  /** Null before the first effect, in server rendering, and while not `enabled`. */
  socket: Socket<C> | null;
}

/**
 * Settings of the hook: the URL or the client, the options of the socket, and:
 *
 * - `enabled`: whether to connect. Default true.
 * - `events`: handlers. The hook calls those of the latest render.
 * - `key`: makes the functions of components equal that have the same key, so that they share one
 *   connection.
 */
export type UseWebSocketOptions<C extends Contract> = {
  enabled?: boolean | undefined;
  events?: EventHandlers<C> | undefined;
  key?: string | undefined;
} & (
  | (Omit<SocketSettings, "url"> & Authentication & {
      /** `ws(s)`, `http(s)`, or relative to the page. With a function and no `key` the connection is not shared. */
      url: Target;
      client?: undefined;
    })
  | (Options & {
      /** A procedure of a client, such as `client.chat.wsChat`: gives the contract and the options. */
      client: Procedure<C>;
    })
);

/** Settings of the hook for an existing socket. */
export interface UseSocketOptions {
  /** Whether to call the handlers. Default true. */
  enabled?: boolean | undefined;
}

/**
 * Connects while the component is mounted. Components with equal settings share one connection, which is
 * closed after the last of them unmounts. What is queued then, without a connection, is not sent.
 *
 * Equal are: the URL, all options that are values, the `identity`, the WebSocket class, and the functions of
 * the client. An `identity` that is a function never equals one that is a value. Two `auth` functions with the
 * same identity are equal. Another function among the settings, such as `url`, is equal only with the same `key`;
 * without one the component has a connection of its own. Functions may be new in each render: the socket calls
 * the latest, and does not connect again.
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
  events: EventHandlers<C> = {},
  { enabled = true }: UseSocketOptions = {},
): WebSocketState<C> {
  // Both lines test `first` itself: without strictNullChecks, TypeScript narrows it by nothing else.
  const given = first && "subscribe" in first ? first : null;
  const settings = first && !("subscribe" in first) ? splitSettings(first) : undefined;
  const own = useSharedSocket(settings);
  const socket = settings ? own.socket : given;
  useEvents(
    () => (settings ? own.current() : enabled ? given : null),
    settings ? own.id : enabled && given,
    settings ? settings.events : events,
  );
  return { socket, ...useConnectionState(socket, settings?.enabled ? "connecting" : "closed") };
}

/** Splits the settings of the hook from the options of the socket. */
function splitSettings<C extends Contract>(settings: UseWebSocketOptions<C>) {
  const { enabled = true, events = {}, key, client, ...options } = settings;
  if (client) return { enabled, events, key, client, target: undefined, options: options as Options };
  const { url, ...rest } = options as { url: Target };
  return { enabled, events, key, client, target: url, options: rest as Options };
}
