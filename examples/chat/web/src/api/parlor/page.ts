// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** A page, as far as it matters here. Other places have some of it or nothing. */
type Page = Partial<Pick<Window, "addEventListener" | "removeEventListener" | "navigator">> & {
  document?: Document;
};

/** Whether the browser is sure that there is no network. */
export const isOffline = (): boolean => (globalThis as Page).navigator?.onLine === false;

/**
 * Says when there is reason to doubt the connection: `back` if it is worth to connect now,
 * `restored` if the page was brought back from the back/forward cache, which cuts sockets.
 *
 * @returns a function that ends it
 */
export function watchPage(doubt: (back: boolean, restored: boolean) => void): () => void {
  const page: Page = globalThis;
  const { document } = page;
  const listener = ({ type, persisted = false }: Event & { persisted?: boolean }) => {
    if (type !== "visibilitychange" || document?.visibilityState === "visible")
      doubt(type !== "offline", persisted);
  };
  const each = (method: "addEventListener" | "removeEventListener") => {
    for (const type of ["online", "offline", "pageshow"]) page[method]?.(type, listener);
    document?.[method]("visibilitychange", listener);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
