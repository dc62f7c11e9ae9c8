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
    `not ws(s)://, http(s):// or a path, without a fragment: ${withoutSecrets(url)}`,
  );
};

/** The text without what may hold secrets, which must not be logged: the queries, fragments and user names of its URLs. */
export const withoutSecrets = (text: string): string =>
  text.replace(/[?#]\S*/g, "").replace(/\/\/[^/\s]*@/g, "//");

/** The value of `table` with the longest key that the URL's path ends with. */
export function byPath<T>(table: Record<string, T>, url: string): T | undefined {
  const path = `/${withoutSecrets(url)}`;
  let longest = "";
  for (const key in table)
    if (key.length > longest.length && path.endsWith(`/${key}`)) longest = key;
  return table[longest];
}
