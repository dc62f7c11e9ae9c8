import { connect, type Options, type SocketError } from "../../src/client.js";
import type { Chat } from "./contract.js";
import { advance, fake, lifecycle, recorder, secret, settle } from "./fakeWebSocket.js";

/** A socket with a session. */
export async function connected(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, "newMessage", ...lifecycle);
  await settle();
  net.last.welcome({ resume: secret() });
  log.heard.length = 0;
  return { net, socket, log, first: net.last };
}

export type Connected = Awaited<ReturnType<typeof connected>>;

/** The connection is lost, and an attempt follows. */
export async function cut({ net }: Connected, code = 1006, reason = "") {
  net.last.end(code, reason);
  await advance(1000);
}

/** What the newest attempt asks for. */
export const offered = ({ net }: Connected) =>
  net.last.protocols?.find((protocol) => protocol.startsWith("parlor.resume."));
/** That for the secret of this number. */
export const resumeOf = (n: number, received: number) => `parlor.resume.${secret(n)}.${received}`;

/** The codes of the errors, with their events. */
export const errors = ({ log }: Connected) =>
  (log.of("error") as SocketError[]).map(({ code, event }) => (event ? `${code} ${event}` : code));

export const say = (all: Connected, text: string) => all.socket.emit("sendMessage", { room: "a", text });
/** What was said, or the name and payload of what is something else. */
export const texts = (sent: unknown[][]) =>
  sent.map(([name, data]) => (data as { text?: string } | null)?.text ?? `${name} ${JSON.stringify(data)}`);
