// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { CallError, createClient, events, type AppRouter, type Chat } from "../../../examples/chat/web/src/api";

const client = createClient<AppRouter>({ baseUrl: "/api" });
const socket = client.chat.wsChat.$ws();

// @ts-expect-error no such procedure
client.chat.chat.$ws();
// @ts-expect-error no such event
socket.emit("say", { room: "general" });
// @ts-expect-error an outgoing event
socket.emit("newMessage", { room: "general", text: "", userId: "", timestamp: 0 });
// @ts-expect-error an incoming event
socket.on("sendMessage", () => {});
// @ts-expect-error a field is missing
socket.emit("sendMessage", { room: "general" });
// @ts-expect-error a field too many
socket.emit("joinRoom", { room: "general", name: "ada" });
// @ts-expect-error a field of another type
socket.emit("joinRoom", { room: 1 });
// @ts-expect-error null where there must be a string
socket.emit("joinRoom", { room: null });
// @ts-expect-error the payload is missing
socket.emit("joinRoom");
// @ts-expect-error `sendMessage` has no answer
socket.call("sendMessage", { room: "general", text: "" });

export async function answers(): Promise<void> {
  const people: string[] = await socket.call("joinRoom", { room: "general" });
  // @ts-expect-error the answer is a list
  const one: string = await socket.call("joinRoom", { room: "general" });
  // @ts-expect-error its elements are strings
  const lengths: number[] = await socket.call("joinRoom", { room: "general" });
  void [people, one, lengths];
}

export function refusals(error: unknown): string {
  if (!(error instanceof CallError)) return "";
  const refusal = error.details as Chat.Errors["joinRoom"];
  // @ts-expect-error no such refusal
  if (refusal.error === "closed") return "";
  // @ts-expect-error the refusal's message is a string
  const message: number = refusal.message;
  void message;
  return refusal.error === "noEntry" ? refusal.message : "";
}

socket.on("newMessage", ({ timestamp, userId }) => {
  timestamp.toFixed();
  // @ts-expect-error a number
  timestamp.toUpperCase();
  // @ts-expect-error no number
  userId.toFixed();
});
// @ts-expect-error no such field
socket.on("newMessage", ({ name }) => void name);
// @ts-expect-error the payload of another event
socket.on("userLeft", ({ text }: Chat.Outgoing["newMessage"]) => void text);

socket.on("connect", ({ recovered, reason }) => {
  // @ts-expect-error a boolean
  recovered.toFixed();
  // @ts-expect-error no such reason
  if (reason === "late") return;
  if (reason === "expired") return;
});
socket.on("disconnect", ({ code, reason, willReconnect }) => {
  const all: [number, string, boolean] = [code, reason, willReconnect];
  // @ts-expect-error a number
  code.toUpperCase();
  void all;
});
// @ts-expect-error `reconnecting` has no `attempts`
socket.on("reconnecting", ({ attempts }) => void attempts);
// @ts-expect-error `connect` has no `code`
socket.once("connect", ({ code }) => void code);
// @ts-expect-error a lifecycle event is not sent
socket.emit("connect", { recovered: true });

export async function loop(): Promise<void> {
  for await (const { event, data } of events(socket)) {
    switch (event) {
      case "newMessage":
        data.text.trim();
        break;
      case "userJoined":
        // @ts-expect-error a field of `newMessage`
        data.text.trim();
        break;
      // @ts-expect-error no such event
      case "userGone":
        break;
    }
  }
}
