// Uses what is written, for `tsc` to judge.
import { connect, createClient } from "./api";
import type { AppRouter, Chat, Shapes } from "./api";

const client = createClient<AppRouter>({ baseUrl: "http://localhost:3000/api" });
const socket = client.chat.wsChat.$ws();
client["support-chat"].$ws();
client.chat.$ws();

socket.emit("sendMessage", { room: "general", text: "Hello!" });
socket.emit("touch");
socket.call("joinRoom", { room: "general" }).then((here: string[]) => here.length);
socket.on("newMessage", (message: Chat.Message) => void message.replyTo?.userId);
socket.on("it's \"left\"\n", (left) => void left["user-id"].toFixed());
// @ts-expect-error a field is missing
socket.emit("sendMessage", { room: "general" });
// @ts-expect-error no event has this name
socket.on("newMessages", () => {});

const shapes = connect<Shapes>("/api/chat");
shapes.emit("absent");
shapes.emit("absent", { option: null, both: ["ab"] });
shapes.emit("whole", "text");
shapes.on("enums", ({ external, adjacent, kind, tree }) => {
  if (typeof external === "object" && "struct" in external) external.struct.other?.toFixed();
  if (adjacent.kind === "struct") adjacent.value.someField.toFixed();
  const kinds: "first" | "secondOne" | "third \"3\"" = kind;
  tree.children[0]?.children.length;
  return void kinds;
});
shapes.on("containers", ({ tuple, by_kind, map }) => {
  const [number, text]: [number, string | null] = tuple;
  by_kind["secondOne"]?.toFixed();
  map["a"]?.FIRST_NAME.length;
  void number, text;
});
shapes.on("others", ({ tagged }) => void ("kind" in tagged ? tagged.value : tagged.FIRST_NAME));
shapes.call("whole", "text").then(({ items: [item] }) => {
  // @ts-expect-error it may be left out
  item?.mayBeLeftOut.length;
  const left: number[] | undefined = item?.mayBeLeftOut;
  return [left, item?.["étéIndien"].toFixed()];
});
const error: Chat.Errors["joinRoom"] = { error: "noEntry", message: "no", retryAfter: null };
void error;
const everywhere: Shapes.EverywhereInput = {
  "it's \"quoted\"\\": "",
  type: "",
  duration: 1,
  mayNotBeAbsent: null,
  étéIndien: 1,
  FIRST_NAME: "Ada",
};
shapes.emit("send", { page: { items: [everywhere] }, all: { first: ["unit", { struct: { someField: 1 } }] } });
// @ts-expect-error the server always sends `mayBeAbsent`
const sent: Shapes.Everywhere = everywhere;
void sent;
