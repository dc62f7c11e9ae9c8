// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The absolute URL of a WebSocket, with `ws` or `wss`: the form that all browsers accept. Absolute URLs
 * are not parsed, since React Native's `URL` cannot do it.
 *
 * @throws TypeError for a URL that no WebSocket can have. Its message has no secrets.
 */
export const webSocketUrl = (url: string): string => {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const absolute = /^[^/?]*:/.test(url) || !page ? url : new URL(url, page).href;
  const rest = /^(?:ws|http)(s?:\/\/[^#]+)$/i.exec(absolute)?.[1];
  if (rest) return `ws${rest}`;
  throw new TypeError(
    `not ws(s)://, http(s):// or a path, without a fragment: ${withoutQueries(url)}`,
  );
};

/** The text without the queries and fragments of its URLs: they may hold secrets, which must not be logged. */
export const withoutQueries = (text: string): string => text.replace(/[?#]\S*/g, "");

/** The value of `table` with the longest key that the URL's path ends with. */
export function byPath<T>(table: Record<string, T>, url: string): T | undefined {
  const path = `/${withoutQueries(url)}`;
  let longest = "";
  for (const key in table)
    if (key.length > longest.length && path.endsWith(`/${key}`)) longest = key;
  return table[longest];
}
