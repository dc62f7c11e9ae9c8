import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Chatter, URL, clientWith, macrotask, net, render, tokens, welcome } from "./support/render.js";
import { StrictMode, act } from "react";

import type { Socket } from "../src/client.js";
import { useCall, useWebSocket, type UseCall, type UseWebSocketOptions } from "../src/react.js";
import type { Chat } from "./support/contract.js";
import { fake, settle } from "./support/fakeWebSocket.js";

/** A component with these settings, which returns its socket through `seen`. */
function Member({ seen, ...settings }: UseWebSocketOptions<Chat> & { seen?: (socket: Socket<Chat> | null) => void }) {
  const { socket } = useWebSocket<Chat>(settings as UseWebSocketOptions<Chat>);
  seen?.(socket);
  return null;
}

const urls = () => net.made.map(({ url }) => url);
/** An identity with a token of its own. */
const user = (name: string | null) => ({ identity: () => name, auth: () => `token of ${name}` });
const names = (sent: unknown[][]) => sent.map(([name]) => name);

test("components with functions as url of one client have a connection each", async () => {
  const client = clientWith();
  await render(
    <>
      <Member client={client} url={(url) => `${url}?room=a`} />
      <Member client={client} url={(url) => `${url}?room=b`} />
    </>,
  );
  assert.deepEqual(urls(), [`${URL}?room=a`, `${URL}?room=b`]);
});

for (const kind of ["target", "option of a client"]) {
  test(`an inline function as url (${kind}) dials once, and later renders update it`, async (t) => {
    t.mock.method(Math, "random", () => 0.9999);
    const client = clientWith();
    const App = ({ room }: { room: string }) => (
      <StrictMode>
        {kind === "target" ? (
          <Member url={() => `${URL}?room=${room}`} WebSocket={net.WebSocket} />
        ) : (
          <Member client={client} url={(url) => `${url}?room=${room}`} />
        )}
      </StrictMode>
    );
    await render(<App room="a" />);
    await welcome();
    await render(<App room="b" />);
    await render(<App room="c" />);
    await act(macrotask);
    assert.deepEqual(urls(), [`${URL}?room=a`]);
    assert.equal(net.last.closed, undefined);
    await act(async () => {
      net.last.end(1012);
      await macrotask();
    });
    assert.equal(net.last.url, `${URL}?room=c`);
  });
}

test("components with functions as url share a connection if they have one key", async () => {
  const client = clientWith();
  await render(
    <>
      <Member client={client} url={(url) => `${url}?room=a`} />
      {["a", "a", "b"].map((name, index) => (
        <Keyed key={index} client={client} name={name} />
      ))}
    </>,
  );
  assert.equal(net.made.length, 3, "one without a key, one for each key");
});

/** A component with a key of its connection. React takes a prop `key` for itself. */
function Keyed({ client, name }: { client: ReturnType<typeof clientWith>; name: string }) {
  useWebSocket({ client, key: name, url: (url) => `${url}?room=${name}` });
  return null;
}

test("components with different WebSocket classes do not share a connection", async () => {
  const other = fake();
  await render(
    <>
      <Member url={URL} WebSocket={net.WebSocket} />
      <Member url={URL} WebSocket={other.WebSocket} />
    </>,
  );
  assert.equal(net.made.length, 1);
  assert.equal(other.made.length, 1);
});

test("values that look alike are different settings", async () => {
  await render(
    <>
      <Member url={URL} identity="ann jitter=1" WebSocket={net.WebSocket} />
      <Member url={URL} identity="ann" jitter={1} WebSocket={net.WebSocket} />
    </>,
  );
  assert.equal(net.made.length, 2);
});

test("clients with functions of their own do not share a connection", async () => {
  await render(
    <>
      <Member client={clientWith(user("ann"))} />
      <Member client={clientWith({ ...user("ann"), auth: () => "another token of ann" })} />
    </>,
  );
  assert.deepEqual(tokens(), ["token of ann", "another token of ann"]);
});

test("an option that is undefined counts as absent, and leaves the client's", async () => {
  const client = clientWith(user("ann"));
  await render(
    <>
      <Member client={client} />
      <Member client={client} {...({ auth: undefined, WebSocket: undefined, url: undefined } as object)} />
    </>,
  );
  assert.deepEqual(tokens(), ["token of ann"]);
});

test("components with different identities have a connection each", async () => {
  const client = clientWith();
  await render(
    <>
      <Member client={client} {...user("ann")} />
      <Member client={client} {...user("bob")} />
      <Member client={client} {...user("ann")} />
      <Member client={client} {...user(null)} />
      <Member client={client} />
    </>,
  );
  assert.deepEqual(tokens().sort(), ["token of ann", "token of bob", "token of null", undefined]);
});

test("components with auth but without an identity do not share a connection", async () => {
  const client = clientWith();
  const auth = (token: string) => ({ auth: () => token }) as object;
  await render(
    <>
      <Member client={client} {...auth("a")} />
      <Member client={client} {...auth("b")} />
    </>,
  );
  assert.deepEqual(tokens(), ["a", "b"]);
});

for (const asFunction of [false, true]) {
  test(`after logout and login (identity: ${asFunction ? "function" : "value"}) nothing is sent as the other user`, async () => {
    mock.method(console, "error", () => {});
    mock.method(console, "warn", () => {});
    const client = clientWith();
    let current = "ann";
    let socket: Socket<Chat> | null = null;
    const App = () => {
      const name = current;
      return (
        <Member
          client={client}
          {...user(name)}
          auth={() => `token of ${current}`}
          identity={asFunction ? () => current : name}
          seen={(now) => (socket = now)}
        />
      );
    };
    await render(<App />);
    await welcome();
    const anns = net.last;
    await act(async () => anns.end(1012));
    const outcome = socket!.call("joinRoom", { room: "of ann" }).catch((error: { code: string }) => error.code);
    socket!.emit("sendMessage", { room: "a", text: "of ann" });

    current = "bob";
    await render(<App />);
    await act(macrotask);
    assert.match(String(await outcome), /^(closed|identity)$/);
    assert.match(socket!.status, /connecting$/);
    assert.equal(tokens().at(-1), "token of bob");
    assert.equal(net.unclosed.length, 1, "the old connection is closed");
    await act(async () => net.last.welcome());
    socket!.emit("sendMessage", { room: "a", text: "of bob" });
    assert.deepEqual(net.last.sent, [["sendMessage", { room: "a", text: "of bob" }]]);
    assert.ok(!names(anns.sent).includes("sendMessage"));
    mock.restoreAll();
  });
}

test("a component whose identity changes between renders gets a connection of its own, and the other keeps its token", async (t) => {
  t.mock.method(Math, "random", () => 0.9999);
  const client = clientWith();
  let current = "ann";
  await render(
    <>
      <Member client={client} {...user("ann")} />
      <Member client={client} auth={() => `token of ${current}`} identity={() => current} />
    </>,
  );
  await welcome();
  assert.deepEqual(tokens(), ["token of ann"]);
  current = "bob";
  await act(async () => {
    net.last.end(1012);
    await macrotask();
  });
  assert.deepEqual(tokens().sort(), ["token of ann", "token of ann", "token of bob"]);
});

test("an identity that changes between renders is noticed at the next emit, which is sent as the new user", async () => {
  let current = "ann";
  const client = clientWith({ identity: () => current, auth: () => `token of ${current}` });
  const joined: (string[] | undefined)[] = [];
  const App = () => {
    const { socket } = useWebSocket({ client });
    const { data, call } = useCall(socket, "joinRoom");
    joined.push(data);
    latest = { socket, call };
    return null;
  };
  let latest: { socket: Socket<Chat> | null; call: UseCall<Chat, "joinRoom">["call"] } | undefined;
  await render(<App />);
  await welcome();
  const anns = net.last;
  await act(async () => void latest!.call({ room: "a" }));
  await act(async () => anns.frame("$ok", ["of ann"], 1));
  assert.deepEqual(joined.at(-1), ["of ann"]);
  current = "bob";
  await act(async () => latest!.socket!.emit("sendMessage", { room: "a", text: "of bob" }));
  await act(macrotask);
  assert.deepEqual(tokens(), ["token of ann", "token of bob"]);
  assert.ok(anns.closed);
  assert.equal(joined.at(-1), undefined, "the data of ann is gone");
  await welcome();
  assert.deepEqual(names(anns.sent), ["joinRoom"]);
  assert.deepEqual(net.last.sent, [["sendMessage", { room: "a", text: "of bob" }]]);
});

for (const change of ["the identity", "the identity and the url", "the identity and enabled"])
  test(`a change of ${change} reports what the last user has not sent, and closes the connection at once`, async () => {
    const errors: string[] = [];
    let socket: Socket<Chat> | null = null;
    const App = ({ name, enabled = true }: { name: string | null; enabled?: boolean }) => (
      <Member
        url={change.endsWith("url") ? `${URL}?name=${name}` : URL}
        WebSocket={net.WebSocket}
        enabled={enabled}
        identity={name}
        auth={() => `token of ${name}`}
        events={{ error: ({ code, event }) => errors.push(`${code} ${event}`) }}
        seen={(now) => (socket = now)}
      />
    );
    await render(<App name="ann" />);
    socket!.emit("sendMessage", { room: "a", text: "of ann" });
    const outcome = socket!.call("joinRoom", { room: "of ann" }).catch(({ code }: { code: string }) => code);
    await render(<App name="bob" enabled={!change.endsWith("enabled")} />);
    assert.deepEqual(errors, ["identity sendMessage"]);
    assert.equal(await outcome, "identity");
    assert.ok(net.made[0]!.closed);
    assert.deepEqual(tokens().slice(1), change.endsWith("enabled") ? [] : ["token of bob"]);
  });

test("what is queued when the last component unmounts is neither sent nor an error event", async () => {
  const errors: string[] = [];
  let socket: Socket<Chat> | null = null;
  const events = { error: ({ code }: { code: string }) => void errors.push(code) };
  await render(<Member url={URL} WebSocket={net.WebSocket} events={events} seen={(now) => (socket = now)} />);
  assert.equal(socket!.emit("sendMessage", { room: "a", text: "draft" }), true);
  socket!.on("error", events.error);
  const outcome = socket!.call("joinRoom", { room: "a" }).catch(({ code }: { code: string }) => code);
  await render(null);
  await macrotask();
  assert.equal(await outcome, "closed");
  assert.deepEqual(errors, []);
  net.last.welcome();
  assert.deepEqual(net.last.sent, []);
});

test("a component that mounts after close() connects the shared socket again", async () => {
  let socket: Socket<Chat> | null = null;
  const App = ({ two }: { two: boolean }) => (
    <>
      <Chatter seen={(state) => (socket = state.socket)} />
      {two && <Chatter />}
    </>
  );
  await render(<App two={false} />);
  await welcome();
  await act(async () => socket!.close());
  await render(<App two={false} />);
  assert.equal(net.made.length, 1, "a render is not a new user");
  await render(<App two />);
  assert.equal(net.made.length, 2);
  await welcome();
  assert.equal(socket!.status, "connected");
});

test("after 4501 a new component connects the shared socket once auth gives another token", async () => {
  const client = clientWith();
  let token = "expired";
  let socket: Socket<Chat> | null = null;
  const settings = { client, identity: "ann", auth: () => token };
  const App = ({ count }: { count: number }) =>
    Array.from({ length: count }, (_, index) => (
      <Member key={`${index}`} {...settings} seen={(now) => (socket = now)} />
    ));
  await render(<App count={1} />);
  await welcome();
  await act(async () => net.last.end(4501, "token expired"));
  assert.equal(socket!.status, "closed");
  await render(<App count={2} />);
  assert.deepEqual(tokens(), ["expired"], "the refused token is not tried again");
  token = "fresh";
  await render(<App count={3} />);
  assert.deepEqual(tokens(), ["expired", "fresh"]);
  await welcome();
  assert.equal(socket!.status, "connected");
});

test("after 4501 a new component connects the shared socket if auth gives nothing within connectTimeout", async (t) => {
  const client = clientWith({ connectTimeout: 1000 });
  let token: string | Promise<string> = "expired";
  const settings = { client, identity: "ann", auth: () => token };
  await render(<Member {...settings} />);
  await welcome();
  await act(async () => net.last.end(4501, "token expired"));
  token = new Promise(() => {});
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await render([<Member key="1" {...settings} />, <Member key="2" {...settings} />]);
  token = "fresh";
  await act(async () => t.mock.timers.tick(999));
  assert.deepEqual(tokens(), ["expired"]);
  await act(async () => t.mock.timers.tick(1));
  await act(settle);
  assert.deepEqual(tokens(), ["expired", "fresh"]);
  t.mock.timers.reset();
});

test("a shared socket that is released while auth gives another token stays closed", async () => {
  const client = clientWith();
  let gives: (token: string) => void = () => {};
  const settings = { client, identity: "ann", auth: () => "expired" as string | Promise<string> };
  await render(<Member {...settings} />);
  await welcome();
  await act(async () => net.last.end(4501, "token expired"));
  const slow = { ...settings, auth: () => new Promise<string>((done) => (gives = done)) };
  await render(
    <>
      <Member {...settings} />
      <Member {...slow} />
    </>,
  );
  await render(null);
  await macrotask();
  gives("fresh");
  await settle();
  assert.deepEqual(tokens(), ["expired"]);
});

test("a component that mounts after the attempts were used up connects the shared socket again", async (t) => {
  t.mock.method(Math, "random", () => 0);
  mock.method(console, "error", () => {});
  mock.method(console, "warn", () => {});
  const settings = { url: URL, WebSocket: net.WebSocket, maxReconnectAttempts: 0 };
  let socket: Socket<Chat> | null = null;
  await render(<Member {...settings} seen={(now) => (socket = now)} />);
  await welcome();
  await act(async () => net.last.end(1012));
  assert.equal(socket!.status, "closed");
  await render(
    <>
      <Member {...settings} seen={(now) => (socket = now)} />
      <Member {...settings} />
    </>,
  );
  await settle();
  await welcome();
  assert.equal(socket!.status, "connected");
  mock.restoreAll();
});
