const KEY = "parlor.name";

/** The server accepts names of ASCII letters and digits. It replaces any other name with a number. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9]{1,32}$/.test(name);
}

export function storedName(): string | null {
  try {
    const name = localStorage.getItem(KEY);
    return name !== null && isName(name) ? name : null;
  } catch {
    return null; // storage may be forbidden: the user enters the name each time
  }
}

export function storeName(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // see above
  }
}
