/**
 * React Native: reconnects when the app becomes active, or when the network changes.
 *
 * @module
 */

/** The part of `AppState` of `react-native` that is used. */
export interface AppStateModule {
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

/** The part of a `NetInfoState` that is used. */
export interface NetworkState {
  /** `wifi` or `cellular`, for example. */
  type: string;
  /** Whether there is a network; null if that is not known. */
  isConnected: boolean | null;
  isInternetReachable?: boolean | null | undefined;
}

/** The part of `NetInfo` of `@react-native-community/netinfo` that is used. */
export interface NetInfoModule {
  addEventListener(listener: (state: NetworkState) => void): () => void;
}

/** The modules of the app. */
export interface ReactNativeModules {
  AppState: AppStateModule;
  /** Without it, only the app's state is watched. */
  NetInfo?: NetInfoModule | undefined;
}

/**
 * Returns the options for an app of React Native, which has no events of a page. A socket that waits to
 * reconnect does so at once when the app becomes active, and when a network is there, is another one, or
 * reaches the internet; a connected socket pings the server.
 *
 * ```ts
 * import NetInfo from "@react-native-community/netinfo";
 * import { AppState } from "react-native";
 *
 * const client = createClient<AppRouter>({ baseUrl, ...reactNative({ AppState, NetInfo }) });
 * ```
 */
export function reactNative({ AppState, NetInfo }: ReactNativeModules): {
  wakeOn: (wake: () => void) => () => void;
} {
  return {
    wakeOn(wake) {
      const appState = AppState.addEventListener("change", (state) => {
        if (state === "active") wake();
      });
      let previous: string | undefined;
      const removeNetInfo = NetInfo?.addEventListener(({ type, isConnected, isInternetReachable }) => {
        // The first state is that of now. Later ones may differ in details only, such as the strength of the signal.
        const network = [type, isConnected, isInternetReachable].join();
        const changed = previous !== undefined && previous !== network;
        previous = network;
        if (changed && isConnected) wake();
      });
      return () => {
        appState.remove();
        removeNetInfo?.();
      };
    },
  };
}
