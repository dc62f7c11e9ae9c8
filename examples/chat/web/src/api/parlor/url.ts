// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** The URL in the form that all browsers accept for a WebSocket: absolute, with `ws` or `wss`. */
export const webSocketUrl = (url: string): string =>
  new URL(url, (globalThis as { location?: { href: string } }).location?.href).href.replace(
    /^http/,
    "ws",
  );

/** The URL without its query, which may hold secrets that must not be logged. */
export const withoutQuery = (url: string): string => url.replace(/[?#].*/, "");

/** The value of `table` with the longest key that the URL's path ends with. */
export function byPath<T>(table: Record<string, T>, url: string): T | undefined {
  const path = `/${withoutQuery(url)}`;
  let longest = "";
  for (const key in table)
    if (key.length > longest.length && path.endsWith(`/${key}`)) longest = key;
  return table[longest];
}
