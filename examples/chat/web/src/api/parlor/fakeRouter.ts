// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Contract } from "./contract";
import { fakeServer } from "./fakeServer";
import type { FakeServerOptions } from "./fakeServerTypes";
import { byPath } from "./url";

/**
 * Returns options that connect with several servers, by the end of the path. An attempt with another
 * path is rejected with 4502.
 *
 * ```ts
 * const options = fakeRouter({ "chat/wsChat": fakeServer<Chat>(), auction: fakeServer<Auction>() });
 * const client = createClient<AppRouter>({ baseUrl: "/api", ...options });
 * ```
 */
export function fakeRouter(servers: {
  [path: string]: { readonly options: FakeServerOptions };
}): FakeServerOptions {
  const missing = fakeServer<Contract>();
  missing.onAttempt(() => ({ code: 4502, reason: "no procedure at this path" }));
  return {
    WebSocket: function (url: string, protocols?: string[]) {
      const { WebSocket } = (byPath(servers, url) ?? missing).options;
      return new WebSocket(url, protocols);
    } as unknown as FakeServerOptions["WebSocket"],
    wakeOn(wake) {
      const stops = Object.values(servers).map(({ options }) => options.wakeOn(wake));
      return () => stops.forEach((stop) => stop());
    },
  };
}
