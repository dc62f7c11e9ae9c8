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
  const converted = absolute.replace(/^http/i, "ws");
  if (/^wss?:\/\/[^#]+$/i.test(converted)) return converted;
  throw new TypeError(`needs ws:// or http:// and no #: ${withoutSecrets(url)}`);
};

/** The text without what may be secret in its URLs: users with passwords, queries and fragments. */
export const withoutSecrets = (text: string): string => text.replace(/[^/]*@|[?#].*/gs, "");

/** The value of `table` with the longest key that the URL's path ends with. */
export function byPath<T>(table: Record<string, T>, url: string): T | undefined {
  const path = `/${withoutSecrets(url)}`;
  let longest = "";
  for (const key in table)
    if (key.length > longest.length && path.endsWith(`/${key}`)) longest = key;
  return table[longest];
}
