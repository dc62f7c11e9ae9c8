import type { AccountPage } from "./fixture";

/** Presses a button of the page. */
export const press = ({ page }: AccountPage, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

/** Waits until the panel of a component shows the text. */
export const shows = ({ page }: AccountPage, panel: string, text: string): Promise<void> =>
  page.getByRole("region", { name: panel }).getByText(text, { exact: true }).waitFor();

/** Asks the server, through the panel, who calls, and waits for the answer. */
export async function answer(visitor: AccountPage, panel: string, expected: string): Promise<void> {
  await press(visitor, `Ask ${panel}`);
  await shows(visitor, panel, expected);
}
