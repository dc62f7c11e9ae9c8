// Written by Parlor from the procedures of the server; do not edit.
import type { Rules } from "./check";

export const rules: Record<string, Rules> = {
  "chat/wsChat": {
    sendMessage: { text: [{ rule: "length", min: 1, max: 1000 }] },
  },
};
