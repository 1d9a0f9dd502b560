import type { Equal, Expect } from "./equal";

/** The helper itself refuses what is only nearly the same. */
export type Refused = [
  // @ts-expect-error a wider type is not the same
  Expect<Equal<string | number, string>>,
  // @ts-expect-error `any` is the same as nothing else
  // oxlint-disable-next-line typescript/no-explicit-any -- that `any` does not pass is what this line shows
  Expect<Equal<any, string>>,
  // @ts-expect-error an optional field is not one that may be undefined
  Expect<Equal<{ a?: string }, { a: string | undefined }>>,
  // @ts-expect-error a readonly field is not one that can be written
  Expect<Equal<{ readonly a: string }, { a: string }>>,
];
