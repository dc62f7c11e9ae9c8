/** The events of a browser's page, without a browser. */
export interface FakePage {
  /** Dispatches an event of the page; `visibilitychange` on the document, from which it bubbles. */
  fire(type: string, properties?: object): void;
  document: EventTarget & { visibilityState: string };
  /** The number of listeners on the page and its document. */
  listeners(): number;
}

const names = ["addEventListener", "removeEventListener", "document"];

/** Makes a page of the global object. */
export function openPage(): FakePage {
  let listeners = 0;
  class CountingTarget extends EventTarget {
    override addEventListener(...args: Parameters<EventTarget["addEventListener"]>) {
      listeners++;
      super.addEventListener(...args);
    }
    override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>) {
      listeners--;
      super.removeEventListener(...args);
    }
  }
  const page = new CountingTarget();
  const document = Object.assign(new CountingTarget(), { visibilityState: "visible" });
  Object.assign(globalThis, {
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    document,
  });
  return {
    fire(type, properties = {}) {
      const targets = type === "visibilitychange" ? [document, page] : [page];
      for (const target of targets) target.dispatchEvent(Object.assign(new Event(type), properties));
    },
    document,
    listeners: () => listeners,
  };
}

/** Removes the page from the global object. */
export function closePage() {
  for (const name of names) Reflect.deleteProperty(globalThis, name);
}

/** Runs a test in a page. */
export async function withPage(run: (page: FakePage) => Promise<void>) {
  try {
    await run(openPage());
  } finally {
    closePage();
  }
}
