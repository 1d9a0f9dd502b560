// Stands for `capnweb`, by which clients of the SDK may speak to an Agent over a WebSocket. The gateway lets none through.

/** @throws Error that says how to have what was left out. */
export function newWebSocketRpcSession(): never {
  throw new Error(
    'Cap\'n Web was left out of this bundle. To have it, remove "capnweb" from "alias" in wrangler.jsonc.',
  );
}
