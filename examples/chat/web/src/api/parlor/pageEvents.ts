// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Options } from "./options";

/** An event target, such as the window. */
interface Listenable {
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  removeEventListener(type: string, listener: (event: PageEvent) => void): void;
}

/** An event of the page. Only `pageshow` and `pagehide` have `persisted`. */
interface PageEvent {
  type: string;
  persisted?: boolean;
}

/**
 * What is used of a page. Workers, React Native and Node have less or none of it, and programs
 * for them are compiled without the types of the DOM.
 */
type Page = Partial<Listenable> & {
  document?: { visibilityState?: string };
};

/**
 * Watches for events of the page that concern the connection.
 *
 * @param verify called when the connection may have failed. `mayConnect`: an attempt to connect may
 * succeed now; `restored`: the page comes from the back/forward cache, which cuts WebSockets
 * @param unload called when the page ends and will not be restored
 * @param wakeOn the option of this name
 * @returns a function that stops watching
 */
export function watchPage(
  verify: (mayConnect: boolean, restored?: boolean) => void,
  unload: () => void,
  wakeOn: Options["wakeOn"],
): () => void {
  const page: Page = globalThis as Page;
  const listener = ({ type, persisted }: PageEvent) => {
    if (type === "pagehide") {
      if (!persisted) unload();
    } else if (type !== "visibilitychange" || page.document?.visibilityState === "visible")
      verify(type !== "offline", persisted);
  };
  // `visibilitychange` bubbles from the document.
  const each = (method: keyof Listenable) => {
    for (const type of ["online", "offline", "visibilitychange", "pageshow", "pagehide"])
      page[method]?.(type, listener);
  };
  each("addEventListener");
  const stopWaking = wakeOn?.(() => verify(true));
  return () => {
    each("removeEventListener");
    stopWaking?.();
  };
}
