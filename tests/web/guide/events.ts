import type { Chat, Socket } from "./api";

/** Waits for the next event whose data matches. */
export const next = <E extends keyof Chat.Outgoing>(
  socket: Socket<Chat>,
  event: E,
  matches: (data: Chat.Outgoing[E]) => boolean = () => true,
): Promise<Chat.Outgoing[E]> =>
  new Promise((resolve) => {
    const off = socket.on(event, ((data: Chat.Outgoing[E]) => {
      if (!matches(data)) return;
      off();
      resolve(data);
    }) as never);
  });

/** Joins a room, and waits until the server has confirmed it. Returns the user's id. */
export async function join(socket: Socket<Chat>, room: string): Promise<string> {
  const joined = next(socket, "userJoined", (data) => data.room === room);
  socket.emit("joinRoom", { room });
  return (await joined).userId;
}
