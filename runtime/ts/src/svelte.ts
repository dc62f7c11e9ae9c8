/**
 * The stores of the client for Svelte. Svelte 4 or later. Call the functions while a component is initialised.
 *
 * @module
 */

import { onDestroy, onMount } from "svelte";
import { readable, writable, type Readable } from "svelte/store";

import { createCallStore, type CallActions, type CallName, type StateOf } from "./callStore.js";
import { connectionState, type ConnectionState } from "./connectionState.js";
import type { Contract, EventName, Handler, Socket } from "./contract.js";

/** A socket, or a store of one; null while there is none. */
export type SocketSource<C extends Contract> = Socket<C> | null | Readable<Socket<C> | null>;

/** The result of {@link useCall}. */
export type UseCall<C extends Contract, E extends CallName<C>> = Readable<StateOf<C, E>> & CallActions<C, E>;

/**
 * Calls `handler` for each `event` while the component is mounted.
 *
 * ```ts
 * useEvent(socket, "newMessage", (message) => (messages = [...messages, message]));
 * ```
 */
export function useEvent<C extends Contract, E extends EventName<C>>(
  socket: SocketSource<C>,
  event: E,
  handler: Handler<C, E>,
): void {
  onMount(() => follow(socket, (current) => current?.on(event, handler)));
}

/**
 * Returns a store of the state of the socket.
 *
 * ```svelte
 * const connection = useConnection(socket);
 * {#if $connection.connected} .. {/if}
 * ```
 */
export function useConnection<C extends Contract>(socket: SocketSource<C>): Readable<ConnectionState> {
  return readable(connectionState(null), (set) =>
    follow(socket, (current) => {
      const update = () => set(connectionState(current));
      update();
      return current?.subscribe(update);
    }),
  );
}

/**
 * Returns a store of the state of the newest call of `event`, with the function that calls it. Nothing is
 * called before `call`. Destroying the component cancels the calls without an answer. Another socket, and
 * another identity of the same, start without `data` and `error`.
 *
 * ```svelte
 * const joinRoom = useCall(socket, "joinRoom");
 * <button on:click={() => joinRoom.call({ room })} disabled={$joinRoom.pending}>Join</button>
 * ```
 */
export function useCall<C extends Contract, E extends CallName<C>>(
  socket: SocketSource<C>,
  event: E,
): UseCall<C, E> {
  let store = createCallStore<C, E>(null, event);
  const { subscribe, set } = writable(store.state());
  const stop = follow(socket, (current) => {
    store = createCallStore(current, event);
    const update = () => set(store.state());
    update();
    const off = store.subscribe(update);
    return () => {
      store.cancel();
      off();
    };
  });
  onDestroy(stop);
  return {
    subscribe,
    call: (...args) => store.call(...args),
    cancel: () => store.cancel(),
  };
}

/**
 * Calls `start` with the socket now and when it changes, and what it has returned before the next call and
 * when the returned function is called.
 */
function follow<C extends Contract>(
  source: SocketSource<C>,
  start: (socket: Socket<C> | null) => (() => void) | undefined,
): () => void {
  const nothing = () => {};
  if (!source) return start(null) ?? nothing;
  // A socket has a method `subscribe`, too.
  if ("emit" in source) return start(source) ?? nothing;
  let last: Socket<C> | null | undefined;
  let stop: (() => void) | undefined;
  const off = source.subscribe((socket) => {
    // A store of an object calls this also if it is set to the same one.
    if (socket === last) return;
    stop?.();
    last = socket;
    stop = start(socket);
  });
  return () => {
    off();
    stop?.();
  };
}
