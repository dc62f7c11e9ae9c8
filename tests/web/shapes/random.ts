/** Random values, determined by the seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number in [0, 1), by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer; the bounds and numbers near `min` are frequent. */
  integer(min: number, max: number): number {
    const kind = this.next();
    if (kind < 0.15) return min;
    if (kind < 0.3) return max;
    if (kind < 0.4 && min <= 0 && max >= 0) return 0;
    // `+ 0` turns -0 into 0, since JSON has no -0.
    const span = (max - min) * this.next();
    return Math.min(max, Math.max(min, Math.round(min + (kind < 0.7 ? Math.min(span, 100) : span)))) + 0;
  }

  /** A finite double of any size. */
  double(): number {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, this.next() * 2 ** 32);
    bits.setUint32(4, this.next() * 2 ** 32);
    const value = bits.getFloat64(0);
    return Number.isFinite(value) && value !== 0 ? value : this.double();
  }

  boolean(): boolean {
    return this.next() < 0.5;
  }

  /** A Unicode scalar value, of a few bytes or many. */
  character(): string {
    const bound = this.of([0x20, 0x80, 0x800, 0x1_0000, 0x11_0000]);
    const code = Math.floor(this.next() * bound);
    return code >= 0xd800 && code < 0xe000 ? this.character() : String.fromCodePoint(code);
  }

  string(longest = 12): string {
    return this.list(() => this.character(), longest).join("");
  }

  list<T>(make: () => T, longest = 4): T[] {
    return Array.from({ length: this.integer(0, longest) }, make);
  }

  maybe<T>(make: () => T): T | null {
    return this.boolean() ? make() : null;
  }

  of<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)] as T;
  }
}
