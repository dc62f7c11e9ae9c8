// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { useEffect, useState, useSyncExternalStore } from "react";

import {
  createCallStore,
  type CallActions,
  type CallName,
  type StateOf,
} from "./callStore";
import type { Contract, Socket } from "./contract";

/** The result of {@link useCall}. */
export type UseCall<C extends Contract, E extends CallName<C>> = StateOf<C, E> & CallActions<C, E>;

/**
 * Returns a function that calls `event`, and the state of the newest call. Nothing is called before `call`.
 * Unmounting cancels the calls without an answer. Another socket, and another identity of the same, start
 * without `data` and `error`.
 *
 * ```tsx
 * const { data: members, error, pending, call } = useCall(socket, "joinRoom");
 * useEffect(() => {
 *   if (connected) void call({ room });
 * }, [call, connected, room]);
 * ```
 *
 * `call` and `cancel` change only with the socket and the event.
 */
export function useCall<C extends Contract, E extends CallName<C>>(
  socket: Socket<C> | null,
  event: E,
): UseCall<C, E> {
  const [last, setStore] = useState(() => createCallStore(socket, event));
  let store = last;
  if (last.socket !== socket || last.event !== event) {
    store = createCallStore(socket, event);
    // React renders again at once.
    setStore(store);
  }
  const state = useSyncExternalStore(store.subscribe, store.state, store.state);
  useEffect(() => store.cancel, [store]);
  return { ...state, call: store.call, cancel: store.cancel };
}
