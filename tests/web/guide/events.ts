import type { Chat, Socket } from "./api";

/** The next event that is as wanted. */
export const next = <E extends keyof Chat.Outgoing>(
  socket: Socket<Chat>,
  event: E,
  wanted: (data: Chat.Outgoing[E]) => boolean = () => true,
): Promise<Chat.Outgoing[E]> =>
  new Promise((resolve) => {
    const off = socket.on(event, ((data: Chat.Outgoing[E]) => {
      if (!wanted(data)) return;
      off();
      resolve(data);
    }) as never);
  });

/** Enters a room, and waits until it is there. */
export async function join(socket: Socket<Chat>, room: string): Promise<string> {
  const joined = next(socket, "userJoined", (data) => data.room === room);
  socket.emit("joinRoom", { room });
  return (await joined).userId;
}
