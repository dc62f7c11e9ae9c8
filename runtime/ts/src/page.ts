/** Something that can be listened to, like the page and its document. */
interface Listenable {
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  removeEventListener(type: string, listener: (event: PageEvent) => void): void;
}

/** What an event of a page says; `persisted` is of `pageshow` and `pagehide`. */
interface PageEvent {
  type: string;
  persisted?: boolean;
}

/**
 * A page, as far as it matters here. Other places have some of it or nothing, and their programs are
 * compiled without the types of the DOM.
 */
type Page = Partial<Listenable> & {
  navigator?: { onLine?: boolean };
  document?: Listenable & { visibilityState: string };
};

/** Whether the browser is sure that there is no network. */
export const isOffline = (): boolean => (globalThis as Page).navigator?.onLine === false;

/**
 * Says when there is reason to doubt the connection: `back` if it is worth to connect now,
 * `restored` if the page was brought back from the back/forward cache, which cuts sockets.
 *
 * @param leave called when the page goes for good: a session that nobody comes back to is not kept
 * @returns a function that ends it
 */
export function watchPage(
  doubt: (back: boolean, restored: boolean) => void,
  leave: () => void,
): () => void {
  const page: Page = globalThis as Page;
  const { document } = page;
  const listener = ({ type, persisted = false }: PageEvent) => {
    if (type === "pagehide") {
      if (!persisted) leave();
    } else if (type !== "visibilitychange" || document?.visibilityState === "visible")
      doubt(type !== "offline", persisted);
  };
  const each = (method: keyof Listenable) => {
    for (const type of ["online", "offline", "pageshow", "pagehide"]) page[method]?.(type, listener);
    document?.[method]("visibilitychange", listener);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
