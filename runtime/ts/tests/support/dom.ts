import { Window } from "happy-dom";

// React looks for these when it is first loaded, not for all that a page has: what the client does
// with a page's events has tests of its own.
const names = ["window", "document", "navigator"] as const;

/** A page for React to render into. */
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
