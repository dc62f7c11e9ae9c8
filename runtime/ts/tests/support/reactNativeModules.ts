// Fakes of `AppState` of React Native and of `@react-native-community/netinfo`, which behave as their sources do.
import type { NetworkState } from "../../src/reactNative.js";

/** `AppState`: calls its listeners after each change only. */
export function fakeAppState() {
  const listeners = new Set<(state: string) => void>();
  return {
    addEventListener(type: "change", listener: (state: string) => void) {
      if (type !== "change") throw new Error(`Trying to subscribe to unknown event: ${type}`);
      // A listener that is added twice is called twice.
      const added = (state: string) => listener(state);
      listeners.add(added);
      return { remove: () => void listeners.delete(added) };
    },
    change(state: "active" | "background" | "inactive") {
      for (const listener of listeners) listener(state);
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/**
 * `NetInfo`: calls a new listener at once if it knows the state; if not, it fetches the state and calls the
 * listener then, even if the listener has had a state or was removed in the meantime.
 */
export function fakeNetInfo(latest?: NetworkState) {
  const listeners = new Set<(state: NetworkState) => void>();
  let fetching: Promise<void> = Promise.resolve();
  return {
    addEventListener(listener: (state: NetworkState) => void) {
      listeners.add(listener);
      if (latest) listener(latest);
      else
        fetching = fetching.then(() => {
          if (latest) listener(latest);
        });
      return () => void listeners.delete(listener);
    },
    change(state: NetworkState) {
      latest = state;
      for (const listener of listeners) listener(state);
    },
    /** Resolves after the state was fetched. */
    fetched: () => fetching,
    get listeners() {
      return listeners.size;
    },
  };
}
