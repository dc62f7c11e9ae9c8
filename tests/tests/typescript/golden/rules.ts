// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { createCheck } from "./check";

/** Checks messages by the rules of each procedure, by its path. */
export const checkRules = createCheck({
  "chat": {
    numbers: {
      real: [{ rule: "range", min: -0.5, max: 5000000000 }],
    },
    absent: {
      both: [{ rule: "length", max: 10 }, { rule: "inner", rules: [{ rule: "length", min: 2, max: 2 }] }],
    },
    strings: {
      email: [{ rule: "email" }],
      url: [{ rule: "url" }],
      slug: [{ rule: "pattern", pattern: "^[0-9a-z]+(?:\\x2d[0-9a-z]+)*$" }],
      set: [{ rule: "length", min: 1 }],
    },
    whole: {
      "": [{ rule: "length", min: 1 }],
    },
  },
  "chat/wsChat": {
    sendMessage: {
      text: [{ rule: "length", min: 1, max: 1000 }],
    },
  },
  "support-chat": {
    sendMessage: {
      text: [{ rule: "length", min: 1, max: 1000 }],
    },
  },
});

/** The paths of the procedures. */
export const paths: readonly string[] = ["chat", "chat/wsChat", "support-chat"];
