// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Rules } from "./check";

/** The rules of each procedure, by its path. */
export const rules: Record<string, Rules> = {
  "chat/wsChat": {
    sendMessage: {
      text: [{ rule: "length", min: 1, max: 1000 }],
    },
  },
};
