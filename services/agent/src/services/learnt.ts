// Texts by text, as many as fit into a number of characters: what is learnt can be learnt again. Pure.

export class Learnt {
  readonly #texts = new Map<string, string>();
  readonly #most: number;
  #size = 0;

  /** `most` characters, of keys and texts together; what nft says is ASCII, a byte each. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  /** Notes texts. When there would be too many, all others go; these stay, however large: who learnt them is about to ask. */
  add(texts: ReadonlyMap<string, string>): void {
    const sizeOf = (key: string, text: string | undefined) => (text === undefined ? 0 : key.length + text.length);
    let more = 0;
    for (const [key, text] of texts) more += sizeOf(key, text) - sizeOf(key, this.#texts.get(key));
    if (this.#size + more > this.#most) {
      this.#texts.clear();
      this.#size = 0;
    }
    for (const [key, text] of texts) {
      this.#size += sizeOf(key, text) - sizeOf(key, this.#texts.get(key));
      this.#texts.set(key, text);
    }
  }
}
