/**
 * The composables of the client for Vue. Vue 3.3 or later.
 *
 * @module
 */

import {
  computed,
  getCurrentInstance,
  onMounted,
  shallowRef,
  toValue,
  watch,
  type ComputedRef,
  type MaybeRefOrGetter,
} from "vue";

import { createCallStore, type CallActions, type CallName, type StateOf } from "./callStore.js";
import { connectionState, type ConnectionState } from "./connectionState.js";
import type { Contract, EventName, Handler, Socket } from "./contract.js";

/**
 * A socket, or a ref or getter of one; null while there is none. Use `shallowRef`: the members of a socket
 * need no proxies.
 */
export type SocketSource<C extends Contract> = MaybeRefOrGetter<Socket<C> | null>;

/** A ref for each member. */
export type Refs<T> = { readonly [K in keyof T]: ComputedRef<T[K]> };

/** The result of {@link useCall}. */
export type UseCall<C extends Contract, E extends CallName<C>> = Refs<StateOf<C, E>> & CallActions<C, E>;

/**
 * Calls `handler` for each `event` while the component is mounted.
 *
 * ```ts
 * useEvent(socket, "newMessage", (message) => messages.value.push(message));
 * ```
 */
export function useEvent<C extends Contract, E extends EventName<C>>(
  socket: SocketSource<C>,
  event: E,
  handler: Handler<C, E>,
): void {
  watchSocket(socket, (current) => current?.on(event, handler));
}

/**
 * Returns the state of the socket, as refs.
 *
 * ```ts
 * const { connected, lastClose } = useConnection(socket);
 * ```
 */
export function useConnection<C extends Contract>(socket: SocketSource<C>): Refs<ConnectionState> {
  const state = shallowRef(connectionState(toValue(socket)));
  watchSocket(socket, (current) => {
    const update = () => {
      state.value = connectionState(current);
    };
    update();
    return current?.subscribe(update);
  });
  return {
    status: computed(() => state.value.status),
    connected: computed(() => state.value.connected),
    lastClose: computed(() => state.value.lastClose),
  };
}

/**
 * Returns a function that calls `event`, and the state of the newest call as refs. Nothing is called before
 * `call`. Unmounting cancels the calls without an answer. Another socket, and another identity of the same,
 * start without `data` and `error`.
 *
 * ```ts
 * const { data: members, error, pending, call } = useCall(socket, "joinRoom");
 * watchEffect(() => connected.value && call({ room: props.room }));
 * ```
 */
export function useCall<C extends Contract, E extends CallName<C>>(
  socket: SocketSource<C>,
  event: E,
): UseCall<C, E> {
  let store = createCallStore(toValue(socket), event);
  const state = shallowRef(store.state());
  watchSocket(socket, (current) => {
    if (store.socket !== current) store = createCallStore(current, event);
    const update = () => {
      state.value = store.state();
    };
    update();
    const off = store.subscribe(update);
    return () => {
      store.cancel();
      off();
    };
  });
  return {
    data: computed(() => state.value.data),
    error: computed(() => state.value.error),
    pending: computed(() => state.value.pending),
    call: (...args) => store.call(...args),
    cancel: () => store.cancel(),
  };
}

/**
 * Calls `start` with the socket when the component is mounted and when the socket changes, and what it has
 * returned before the next call and when the component is unmounted. In server rendering nothing is mounted.
 */
function watchSocket<C extends Contract>(
  source: SocketSource<C>,
  start: (socket: Socket<C> | null) => (() => void) | undefined,
): void {
  const run = () => {
    watch(
      () => toValue(source),
      (socket, _, onCleanup) => {
        const stop = start(socket);
        if (stop) onCleanup(stop);
      },
      // At once, so that no event is missed.
      { immediate: true, flush: "sync" },
    );
  };
  // Outside of a component, as in a store, it ends with the scope.
  if (getCurrentInstance()) onMounted(run);
  else run();
}
