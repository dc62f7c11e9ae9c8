import { load, tests } from "./support/bundle.js";
import { testFramework, type Framework } from "./support/frameworks.js";

/** The component. `props` declares its properties. */
const component = (props: string) => `
<script>
  import { onMount } from "svelte";
  import { useCall, useConnection, useEvent } from "../src/svelte.js";
  ${props}
  const connection = useConnection(socket);
  const joining = useCall(socket, "joinRoom");
  useEvent(socket, "newMessage", ({ text }) => received.push(text));
  onMount(opens);
  calls(joining);
</script>
<p>{$connection.status}{$connection.lastClose ? " " + $connection.lastClose.cause : ""}; {$joining.data ?? ""}
  {$joining.error?.code === "refused" ? $joining.error.details.error : ($joining.error?.code ?? "")}
  {$joining.pending}</p>
`;
const exported = "export let socket; export let received; export let calls; export let opens;";

const common = `
import { tick } from "svelte";
import { writable } from "svelte/store";
import Component from "./Component.svelte";
export const rendered = tick;
const inStore = ({ isFixed, socket, ...props }) => ({ ...props, socket: isFixed ? socket : writable(socket) });
`;

const browser = (mount: string) => `${common}
export function mount(target, given) {
  const props = inStore(given);
  ${mount}
  return { show: (socket) => props.socket.set(socket), unmount };
}`;

const svelte5 = {
  package: "svelte",
  browser: `import { mount as mountComponent, unmount as unmountComponent } from "svelte";
    ${browser(`const app = mountComponent(Component, { target, props });
    const unmount = () => unmountComponent(app);`)}`,
  server: `import { render } from "svelte/server";
    ${common} export const html = async (props) => render(Component, { props: inStore(props) }).body;`,
  generate: { browser: "client", server: "server" },
};

const versions = [
  {
    name: "Svelte 4",
    package: "svelte4",
    component: component(exported),
    browser: browser(`const app = new Component({ target, props });
      const unmount = () => app.$destroy();`),
    server: `${common} export const html = async (props) => Component.render(inStore(props)).html;`,
    generate: { browser: "dom", server: "ssr" },
  },
  { name: "Svelte 5", component: component(exported), ...svelte5 },
  {
    name: "Svelte 5 with runes",
    component: component("const { socket, received, calls, opens } = $props();"),
    ...svelte5,
  },
];

for (const version of versions)
  testFramework(version.name, async (server) => {
    const side = server ? "server" : "browser";
    const { compile } = (await import(`${version.package}/compiler`)) as {
      compile(source: string, options: object): { js: { code: string } };
    };
    return load<Framework>(version[side], {
      conditions: server ? [] : ["browser"],
      platform: server ? "node" : "browser",
      ...(version.package === "svelte4" && { alias: { svelte: "svelte4" } }),
      plugins: [
        {
          name: "svelte",
          setup(build) {
            build.onResolve({ filter: /Component\.svelte$/ }, ({ path }) => ({ path, namespace: "svelte" }));
            build.onLoad({ filter: /.*/, namespace: "svelte" }, () => ({
              contents: compile(version.component, { generate: version.generate[side], filename: "Component.svelte" }).js.code,
              resolveDir: tests,
              // An import of `.js` is resolved to `.ts` in TypeScript only.
              loader: "ts",
            }));
          },
        },
      ],
    });
  });
