const KEY = "parlor.name";

/** The server takes ASCII letters and digits from the URL, and gives whoever has another name a number. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9]{1,32}$/.test(name);
}

export function keptName(): string | null {
  try {
    const name = localStorage.getItem(KEY);
    return name !== null && isName(name) ? name : null;
  } catch {
    return null; // storage may be forbidden: then the name is asked for each time
  }
}

export function keepName(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // see above
  }
}
