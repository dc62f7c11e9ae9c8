import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { connect, type CallResult, type Socket } from "../../src/client.js";
import type { Chat } from "./contract.js";
import { page } from "./dom.js";
import { fake, settle } from "./fakeWebSocket.js";

/** What a component gets: it shows the state of the socket and of the calls, and records messages. */
export interface Props {
  socket: Socket<Chat> | null;
  /** Whether the component gets the socket itself, and not a ref or store of it. */
  isFixed: boolean;
  received: string[];
  /** Is called where the docs open a socket. */
  opens: () => void;
  /** Is called with the functions of the call. */
  calls: (calls: Calls) => void;
}

interface Calls {
  call(payload: { room: string }): Promise<CallResult<string[], Chat.JoinError>>;
  cancel(): void;
}

/** A framework with a component that shows `status cause; data code pending`. */
export interface Framework {
  /** Renders the component. `show` renders it with another socket. */
  mount(target: HTMLElement, props: Props): { show(socket: Socket<Chat> | null): unknown; unmount(): unknown };
  /** Waits until all changes are rendered. */
  rendered(): Promise<unknown>;
  /** Renders the component to HTML, as a server does. */
  html(props: Props): Promise<string>;
}

/** The text with single spaces. */
const normal = (text: string) => text.replace(/\s+/g, " ").replace(" ;", ";").trim();

/** Tests the hooks, composables or stores of a framework. They have the same behaviour in each. */
export function testFramework(name: string, load: (server: boolean) => Promise<Framework>) {
  describe(name, () => {
    let framework: Framework;
    let server: Framework;
    before(async () => {
      server = await load(true);
      page.open();
      framework = await load(false);
    });
    after(() => page.close());

    /** Renders the component. */
    async function mount({ connected = true, isFixed = false, user = { name: "ann" } } = {}) {
      const net = fake();
      const open = async () => {
        const socket = connect<Chat>("ws://server/api/other", {
          WebSocket: net.WebSocket,
          identity: () => user.name,
        });
        await settle();
        return socket;
      };
      const socket = await open();
      const received: string[] = [];
      let calls: Calls | undefined;
      let opened = false;
      const target = document.createElement("div");
      document.body.append(target);
      const app = framework.mount(target, {
        socket: isFixed ? socket : null,
        isFixed,
        received,
        opens: () => {
          opened = true;
        },
        calls: (given) => (calls = given),
      });
      const rendered = async () => {
        await settle();
        await framework.rendered();
      };
      const show = async (socket: Socket<Chat> | null) => {
        app.show(socket);
        await rendered();
      };
      await rendered();
      assert.ok(opened);
      if (!isFixed) await show(socket);
      if (connected) net.last.welcome();
      await rendered();
      return {
        ...{ net, socket, received, open, show, rendered },
        text: () => normal(target.textContent ?? ""),
        call: async (room: string) => {
          const result = (calls as Calls).call({ room });
          await rendered();
          return [result] as const;
        },
        cancel: () => calls?.cancel(),
        unmount: async () => {
          app.unmount();
          await rendered();
        },
        sent: () => net.last.sent.filter(([, , id]) => id).map(([, payload]) => (payload as { room: string }).room),
      };
    }

    test("the state of the connection is shown, and that of no socket is closed", async () => {
      const { net, socket, show, text, rendered, unmount } = await mount({ connected: false });
      assert.equal(text(), "connecting; false");
      net.last.welcome();
      await rendered();
      assert.equal(text(), "connected; false");
      net.last.end(4501, "token expired");
      await rendered();
      assert.equal(text(), "closed rejected; false");
      await show(null);
      assert.equal(text(), "closed; false");
      await unmount();
      socket.close();
    });

    test("messages reach the handler once, of the present socket only, until the component unmounts", async () => {
      const { net, socket, received, open, show, unmount } = await mount();
      const first = net.last;
      first.frame("newMessage", { text: "1" });
      const second = await open();
      net.last.welcome();
      await show(second);
      first.frame("newMessage", { text: "of the first" });
      net.last.frame("newMessage", { text: "2" });
      await unmount();
      net.last.frame("newMessage", { text: "3" });
      assert.deepEqual(received, ["1", "2"]);
      socket.close();
      second.close();
    });

    test("a call is pending, and then has data or a typed error", async () => {
      const { net, socket, text, rendered, call, unmount } = await mount();
      const [result] = await call("a");
      assert.equal(text(), "connected; true");
      net.last.frame("$ok", ["ann"], 1);
      await rendered();
      assert.equal(text(), "connected; ann false");
      assert.deepEqual(await result, { ok: true, value: ["ann"] });
      await call("b");
      net.last.frame("$err", { code: "refused", message: "no", details: { error: "noEntry", message: "full" } }, 2);
      await rendered();
      assert.equal(text(), "connected; ann noEntry false");
      await unmount();
      socket.close();
    });

    test("the newest call sets the state, and a cancelled one does not", async () => {
      const { net, socket, text, rendered, call, cancel, unmount } = await mount();
      await call("a");
      await call("b");
      net.last.frame("$ok", ["newest"], 2);
      net.last.frame("$ok", ["late"], 1);
      await rendered();
      assert.equal(text(), "connected; newest false");
      await call("c");
      cancel();
      net.last.frame("$ok", ["cancelled"], 3);
      await rendered();
      assert.equal(text(), "connected; newest false");
      await unmount();
      socket.close();
    });

    test("a socket that is neither in a ref nor in a store is used, too", async () => {
      const { net, socket, received, text, rendered, call, unmount } = await mount({ isFixed: true });
      assert.equal(text(), "connected; false");
      net.last.frame("newMessage", { text: "1" });
      assert.deepEqual(received, ["1"]);
      await call("a");
      net.last.frame("$ok", ["ann"], 1);
      await rendered();
      assert.equal(text(), "connected; ann false");
      const [result] = await call("b");
      await unmount();
      assert.equal((await result).ok, false);
      socket.close();
    });

    test("another socket starts without data", async () => {
      const { net, socket, text, rendered, call, open, show, unmount } = await mount();
      await call("a");
      net.last.frame("$ok", ["of ann"], 1);
      await rendered();
      const other = await open();
      await show(other);
      assert.equal(text(), "connecting; false");
      await unmount();
      socket.close();
      other.close();
    });

    test("another identity of the same socket starts without data and error", async () => {
      const user = { name: "ann" };
      const { net, socket, text, rendered, call, unmount } = await mount({ user });
      await call("a");
      net.last.frame("$ok", ["of ann"], 1);
      await rendered();
      await call("b");
      net.last.frame("$err", { code: "refused", message: "no", details: { error: "of ann", message: "" } }, 2);
      await rendered();
      assert.equal(text(), "connected; of ann of ann false");
      user.name = "bob";
      socket.connect();
      await rendered();
      assert.equal(text(), "reconnecting identity; false");
      await unmount();
      socket.close();
    });

    test("unmounting cancels the calls and removes all registrations", async () => {
      const { net, socket, call, unmount, sent } = await mount({ connected: false });
      const [result] = await call("a");
      await unmount();
      const ended = await result;
      assert.equal(ended.ok === false && ended.error.code, "aborted");
      net.last.welcome();
      assert.deepEqual(sent(), []);
      socket.close();
    });

    test("server rendering shows no connection, and dials nothing", async () => {
      const props = { socket: null, isFixed: false, received: [], calls: () => {}, opens: () => assert.fail("it dials") };
      assert.equal(normal((await server.html(props)).replace(/<[^>]*>/g, "")), "closed; false");
    });
  });
}
