import type { Chat, SocketError, Violation } from "./api";

/** Why something was refused, for people. A call's error and the `error` event have the same parts. */
export function reasonOf({ code, message, details }: Pick<SocketError, "code" | "message" | "details">): string {
  switch (code) {
    case "refused":
      return (details as Chat.JoinError).message;
    case "invalid": {
      const { rule, min = 0, max } = details as Violation;
      return rule === "length" && max !== undefined ? `it must have from ${min} to ${max} characters` : message;
    }
    default:
      return message;
  }
}

/** Why the connection is gone. The page itself says when it tries again. */
export function reasonOfClose(code: number, reason: string): string {
  return reason.replace(/; retry in \d+ ms$/, "") || String(code);
}
