import type { Chat, SocketError, Violation } from "./api";

/** The message for the user of a failed call or an `error` event. */
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

/** The message for the user of a close. Without the server's wait, since the page shows its own. */
export function reasonOfClose(code: number, reason: string): string {
  return reason.replace(/; retry in \d+ ms$/, "") || String(code);
}
