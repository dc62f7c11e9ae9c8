// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { useSyncExternalStore } from "react";

import type { ConnectionState } from "./connectionState";
import type { Contract, Socket, Status } from "./contract";

/** Subscribes to nothing. */
export const neverChanges = () => () => {};

/**
 * Returns the state of the socket, and renders again when it changes.
 *
 * ```tsx
 * const { connected, lastClose } = useConnection(socket);
 * if (lastClose?.cause === "rejected") return <Login reason={lastClose.reason} />;
 * ```
 */
export function useConnection<C extends Contract>(socket: Socket<C> | null): ConnectionState {
  return useConnectionState(socket, "closed");
}

/** As {@link useConnection}, with the status without a socket and in server rendering. */
export function useConnectionState<C extends Contract>(
  socket: Socket<C> | null,
  initial: Status,
): ConnectionState {
  const subscribe = socket ? socket.subscribe : neverChanges;
  const status = useSyncExternalStore(
    subscribe,
    () => (socket ? socket.status : initial),
    () => initial,
  );
  const lastClose = useSyncExternalStore(
    subscribe,
    () => (socket ? socket.lastClose : undefined),
    () => undefined,
  );
  return { status, connected: status === "connected", lastClose };
}
