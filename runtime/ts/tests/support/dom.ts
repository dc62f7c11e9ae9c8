import { Window } from "happy-dom";

/** Only what frameworks read. `pageEvents.test.ts` tests the client's use of a page. */
const names = [
  ...["window", "document", "navigator"],
  ...["Node", "Element", "Text", "Comment", "DocumentFragment", "HTMLElement", "SVGElement", "Event"],
] as const;

/** A page that a framework can render into. */
export const page = {
  open() {
    const window = new Window();
    for (const name of names)
      Object.defineProperty(globalThis, name, {
        value: name === "window" ? window : window[name as keyof Window],
        configurable: true,
      });
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  },
  async close() {
    await (globalThis as unknown as { window: Window }).window.happyDOM.close();
    for (const name of names) Reflect.deleteProperty(globalThis, name);
  },
};
