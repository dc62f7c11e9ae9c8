// React Refresh, as Vite and Next.js use it. Must be imported before `react-dom`.
// @ts-expect-error the package has no types
import runtime from "react-refresh/runtime";

runtime.injectIntoGlobalHook(globalThis);

/** The part of React Refresh that these tools call. */
export const refresh = runtime as {
  register(component: unknown, name: string): void;
  createSignatureFunctionForTransform(): (component: unknown, key: string, forceReset: boolean) => void;
  performReactRefresh(): void;
};
