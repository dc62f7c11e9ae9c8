import { useState } from "react";

import { createClient, type AppRouter } from "./api";
import { useWebSocket } from "./api/react";

const client = createClient<AppRouter>({ baseUrl: "/api" });

/** Asks the server for the user and the room of a connection, and shows the answer. */
function WhoAmI({ name, socket }: { name: string; socket: ReturnType<typeof useAccount>["socket"] }) {
  const [answer, setAnswer] = useState("");
  const ask = async () => {
    setAnswer("");
    try {
      const [user, room] = await socket!.call("whoAmI");
      setAnswer(`${user} in ${room || "no room"}`);
    } catch (error) {
      setAnswer(String(error));
    }
  };
  return (
    <>
      <button type="button" onClick={ask} disabled={!socket}>
        Ask {name}
      </button>
      <button type="button" onClick={() => socket!.emit("note", { text: `by ${name}` })} disabled={!socket}>
        Note {name}
      </button>
      <output>{answer}</output>
    </>
  );
}

const useAccount = (user: string, token = 1) =>
  useWebSocket({
    client: client.account,
    identity: user || null,
    auth: () => (user ? window.tokenOf(user, token) : null),
  });

function Panel({ name, user, token = 1 }: { name: string; user: string; token?: number }) {
  const { socket, status, lastClose } = useAccount(user, token);
  return (
    <section aria-label={name}>
      <p>{status}</p>
      <p>{lastClose ? `${lastClose.cause} ${lastClose.code} ${lastClose.reason}` : "open"}</p>
      <WhoAmI name={name} socket={socket} />
      <button type="button" onClick={() => socket!.emit("expire")}>
        Expire {name}
      </button>
      <button type="button" onClick={() => socket!.close()}>
        Close {name}
      </button>
    </section>
  );
}

/** Two users in two components, of which the first can log out and in. */
export function ByUser() {
  const [user, setUser] = useState("ann");
  return (
    <>
      {["ann", "eve", ""].map((name) => (
        <button key={name} type="button" onClick={() => setUser(name)}>
          {name ? `Log in as ${name}` : "Log out"}
        </button>
      ))}
      <Panel name="first" user={user} />
      <Panel name="second" user="bob" />
    </>
  );
}

function Room({ room }: { room: string }) {
  // A new function with each render.
  const { socket, status } = useWebSocket({
    client: client.account,
    url: (url: string) => `${url}?room=${room}`,
  });
  return (
    <section aria-label={room}>
      <p>{status}</p>
      <WhoAmI name={room} socket={socket} />
    </section>
  );
}

/** Two components that differ only in their functions. */
export function InRooms() {
  const [renders, setRenders] = useState(0);
  return (
    <>
      <button type="button" onClick={() => setRenders(renders + 1)}>
        Render again
      </button>
      <output aria-label="Renders">{renders}</output>
      <Room room="tea" />
      <Room room="coffee" />
    </>
  );
}

/** A component that mounts when another one's socket has been closed. */
export function Later() {
  const [shown, setShown] = useState(false);
  const [token, setToken] = useState(1);
  return (
    <>
      <button type="button" onClick={() => setToken(token + 1)}>
        New token
      </button>
      <button type="button" onClick={() => setShown(!shown)}>
        Second
      </button>
      <Panel name="first" user="ann" token={token} />
      {shown && <Panel name="second" user="ann" token={token} />}
    </>
  );
}
