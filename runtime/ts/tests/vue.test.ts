import { load } from "./support/bundle.js";
import { testFramework, type Framework } from "./support/frameworks.js";

const program = `
import { createApp, createSSRApp, defineComponent, h, nextTick, onMounted, shallowRef } from "vue";
import { renderToString } from "vue/server-renderer";
import { useCall, useConnection, useEvent } from "../src/vue.js";

const component = (socket, { received, calls, opens }) => defineComponent(() => {
  const { status, lastClose } = useConnection(socket);
  const { data, error, pending, call, cancel } = useCall(socket, "joinRoom");
  useEvent(socket, "newMessage", ({ text }) => received.push(text));
  onMounted(opens);
  calls({ call, cancel });
  return () => h("p", [
    status.value, " ", lastClose.value?.cause ?? "", "; ", data.value?.join() ?? "", " ",
    error.value?.code === "refused" ? error.value.details.error : (error.value?.code ?? ""), " ",
    pending.value,
  ].join("").replaceAll(" ;", ";"));
});

export function mount(target, props) {
  const socket = props.isFixed ? props.socket : shallowRef(props.socket);
  const app = createApp(component(socket, props));
  app.mount(target);
  return {
    show: (next) => void (socket.value = next),
    unmount: () => app.unmount(),
  };
}
export const rendered = nextTick;
export const html = (props) => renderToString(createSSRApp(component(shallowRef(props.socket), props)));
`;

testFramework("Vue", (server) =>
  load<Framework>(
    program,
    server
      ? { external: ["vue"], platform: "node" }
      : {
          platform: "browser",
          define: {
            "process.env.NODE_ENV": '"development"',
            __VUE_OPTIONS_API__: "true",
            __VUE_PROD_DEVTOOLS__: "false",
            __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
          },
        },
  ),
);
