import { z } from "zod";
import { ApiKey, CreateKeyRequest, IssuedKey, KeyId, RotateKeyRequest } from "../contract/key";
import { Limit, pageOf } from "../contract/page";
import { ProblemError } from "../contract/problem";
import { operation } from "./operation";

const KeyPage = pageOf(ApiKey, "KeyPage");
const KeyParams = z.object({ keyId: KeyId.describe("Id of the key") });

const visible = "Keys that may do more than the caller are not there for it.";

export const listKeys = operation<undefined>()({
  id: () => "listKeys",
  summary: () => "List the API keys, newest first",
  description: `${visible} A page may be short, or empty, and still have a \`nextCursor\`.`,
  scope: "keys:manage",
  rest: { method: "get", path: () => "/keys", status: 200 },
  schemas: () => ({
    query: z.strictObject({
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: KeyPage,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query: { limit, cursor } }, { directory, holder }) =>
    directory.listKeys({ holder, limit, cursor }),
});

export const getKey = operation<undefined>()({
  id: () => "getKey",
  summary: () => "Read one API key",
  description: visible,
  scope: "keys:manage",
  rest: { method: "get", path: () => "/keys/{keyId}", status: 200 },
  schemas: () => ({ params: KeyParams, output: ApiKey }),
  problems: ["key_not_found"],
  answer: ({ params }, { directory, holder }) => directory.getKey({ id: params.keyId, holder }),
});

export const createKey = operation<undefined>()({
  id: () => "createKey",
  summary: () => "Make an API key",
  description:
    "The answer shows the key, once. It may be given no scope and no agent that the caller does not hold itself.",
  scope: "keys:manage",
  rest: {
    method: "post",
    path: () => "/keys",
    status: 201,
    location: (answer) => (answer as IssuedKey).links.self,
  },
  // The answer cannot be given twice: it is kept nowhere.
  once: false,
  schemas: () => ({ body: CreateKeyRequest, output: IssuedKey }),
  problems: ["key_exists"],
  answer: async ({ body }, { directory, holder, mintKey, senderNames }): Promise<IssuedKey> => {
    const { name, scopes, agents, expiresAt } = body;
    if (senderNames.includes(name))
      throw new ProblemError("invalid_request", {
        errors: [{ in: "body", pointer: "/name", message: "is the name of a sender of callbacks" }],
      });
    const { id, digest, key } = await mintKey();
    const ends = expiresAt === undefined ? null : Date.parse(expiresAt);
    const made = await directory.createKey({ id, digest, holder, name, scopes, agents, expiresAt: ends });
    return { ...made, key };
  },
});

export const rotateKey = operation<undefined>()({
  id: () => "rotateKey",
  summary: () => "Give an API key a new secret",
  description:
    "The answer shows the key, once. The secret before is good for a day, or as `graceSeconds` says; of several the newest five. Who lost the answer rotates again.",
  scope: "keys:manage",
  rest: { method: "post", path: () => "/keys/{keyId}/rotate", status: 200 },
  once: false,
  schemas: () => ({ params: KeyParams, body: RotateKeyRequest, output: IssuedKey }),
  problems: ["key_not_found", "key_ended"],
  answer: async ({ params, body }, { directory, holder, mintKey }): Promise<IssuedKey> => {
    const { id, digest, key } = await mintKey(params.keyId);
    const graceMs = body.graceSeconds * 1000;
    return { ...(await directory.rotateKey({ id, digest, holder, graceMs })), key };
  },
});

export const revokeKey = operation<undefined>()({
  id: () => "revokeKey",
  summary: () => "Revoke an API key",
  description:
    "The next request with it is refused. Streams that it opened end at their greatest age, and stream tokens that it made as they say. Revoking it again does nothing.",
  scope: "keys:manage",
  rest: { method: "delete", path: () => "/keys/{keyId}", status: 200 },
  once: false,
  schemas: () => ({ params: KeyParams, output: ApiKey }),
  problems: ["key_not_found"],
  answer: ({ params }, { directory, holder }) => directory.revokeKey({ id: params.keyId, holder }),
});
