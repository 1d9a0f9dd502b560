// The two modules of Node that the Worker uses through `nodejs_compat`. The types of all of Node clash with the Worker's.
declare module "node:async_hooks" {
  export class AsyncLocalStorage<Store> {
    run<Result>(store: Store, work: () => Result): Result;
    getStore(): Store | undefined;
  }
}
declare module "node:crypto" {
  export function createHmac(
    algorithm: "sha256",
    key: string,
  ): {
    update(data: string): { digest(encoding: "base64url"): string };
  };
  export function createHash(algorithm: "sha256"): {
    update(data: string): { digest(encoding: "base64url"): string; digest(): Uint8Array };
  };
  export function timingSafeEqual(one: Uint8Array, other: Uint8Array): boolean;
}
