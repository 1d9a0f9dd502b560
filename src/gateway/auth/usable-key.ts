/** Fewer characters than this can be guessed: such a key counts as none. */
const SHORTEST_KEY = 20;

/** The API key, unless it can be guessed. */
export function usableKey(key: string | undefined): string | undefined {
  return key === undefined || key.length < SHORTEST_KEY ? undefined : key;
}
