import type { Locator } from "playwright-core";

/**
 * Replaces the text of a field as typing does. Playwright's own `fill` sets the value by script in Firefox, and
 * React ignores the `input` event after that.
 */
export async function fill(field: Locator, text: string): Promise<void> {
  await field.waitFor();
  await field.evaluate((element, text) => {
    (element as HTMLInputElement).select();
    document.execCommand(text ? "insertText" : "delete", false, text);
  }, text);
}
