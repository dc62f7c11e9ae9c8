// Extracts the component of the README and the tests of docs/testing.md into tests/docs, where `tsc`
// checks them and the tests run. A block with a comment as its first line is a file of that name.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "docs");
const page = (path) => readFileSync(join(here, "../../..", path), "utf8").replaceAll("\r\n", "\n");
const write = (name, text) =>
  writeFileSync(
    join(folder, name),
    text.replace(/"\.\/api(\/\w+)?"/g, (_, file) => (file ? `"../../src${file}.js"` : '"../support/api.js"')),
  );

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
write("Room.tsx", /```tsx\n([^]*?)```/.exec(page("README.md"))[1]);
for (const [, first, text] of page("docs/testing.md").matchAll(/```tsx?\n(.*)\n([^]*?)```/g)) {
  const [, name] = /^\/\/ ([\w.]+\.tsx?)$/.exec(first) ?? [];
  if (!name) throw new Error(`docs/testing.md: a block begins with ${first}, not with the name of its file`);
  write(name, text);
}
