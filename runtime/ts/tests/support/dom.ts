import { Window } from "happy-dom";

// Only what React reads when it is loaded. `pageEvents.test.ts` tests the client's use of a page.
const names = ["window", "document", "navigator"] as const;

/** A page that React can render into. */
export const page = {
  open() {
    const window = new Window();
    for (const name of names)
      Object.defineProperty(globalThis, name, {
        value: name === "window" ? window : window[name],
        configurable: true,
      });
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  },
  async close() {
    await (globalThis as unknown as { window: Window }).window.happyDOM.close();
    for (const name of names) Reflect.deleteProperty(globalThis, name);
  },
};
