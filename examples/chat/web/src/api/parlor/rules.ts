// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { createCheck } from "./check";

/** Checks messages by the rules of each procedure, by its path. */
export const checkRules = createCheck({
  "chat/wsChat": {
    sendMessage: {
      text: [{ rule: "length", min: 1, max: 1000 }],
    },
  },
});

/** The paths of the procedures. */
export const paths: readonly string[] = ["chat/wsChat"];
