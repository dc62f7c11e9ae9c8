import { connect, type Options, type SocketError } from "../../src/client.js";
import type { Chat } from "./contract.js";
import { advance, fake, lifecycle, recorder, secret, settle } from "./fakeWebSocket.js";

/** Returns a connected socket with a resume secret. */
export async function connected(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, "newMessage", ...lifecycle);
  await settle();
  net.last.welcome({ resume: secret() });
  log.entries.length = 0;
  return { net, socket, log, first: net.last };
}

export type Connected = Awaited<ReturnType<typeof connected>>;

/** Ends the connection, and starts the next attempt. */
export async function cut({ net }: Connected, code = 1006, reason = "") {
  net.last.end(code, reason);
  await advance(1000);
}

/** The resume request of the newest attempt. */
export const offered = ({ net }: Connected) =>
  net.last.protocols?.find((protocol) => protocol.startsWith("parlor.resume."));
/** The resume request for the secret with this number. */
export const resumeOf = (n: number, received: number) => `parlor.resume.${secret(n)}.${received}`;

/** The codes of the errors, with their events. */
export const errors = ({ log }: Connected) =>
  (log.of("error") as SocketError[]).map(({ code, event }) => (event ? `${code} ${event}` : code));

export const sendText = (all: Connected, text: string) => all.socket.emit("sendMessage", { room: "a", text });
/** The texts of the frames; name and payload of a frame without one. */
export const texts = (sent: unknown[][]) =>
  sent.map(([name, data]) => (data as { text?: string } | null)?.text ?? `${name} ${JSON.stringify(data)}`);
