import { createCheck, type Rules } from "../../src/check.js";

const rules: Record<string, Rules> = {
  "chat/wsChat": {
    sendMessage: { text: [{ rule: "length", min: 1, max: 1000 }] },
    label: { "": [{ rule: "length", max: 3 }] },
  },
  wsChat: { joinRoom: { room: [{ rule: "length", min: 100 }] } },
};

export const checkRules = createCheck(rules);
export const paths = Object.keys(rules);
