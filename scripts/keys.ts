// Makes, lists, rotates and revokes API keys of a gateway: npm run keys -- create | list | rotate | revoke
import { parseArgs } from "node:util";
import { z } from "zod";

const USAGE = `Usage, with SWITCHYARD_API_KEY set to a key that may manage keys:

  npm run keys -- create --name ci --scope instances:start --scope instances:read \\
                         --agents '/agents/catalog/acme/**' [--expires 2027-01-01T00:00:00Z]
  npm run keys -- list
  npm run keys -- rotate <id> [--grace <seconds>]     the secret before is good for a day, or so long
  npm run keys -- revoke <id>

SWITCHYARD_URL says where the gateway is; http://127.0.0.1:8787 unless set.`;

const DEFAULT_URL = "http://127.0.0.1:8787";

const Key = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  scopes: z.array(z.string()),
  agents: z.array(z.string()),
  key: z.string().optional(),
});
const KeyPage = z.object({ items: z.array(Key), nextCursor: z.string().nullable() });
const Problem = z.object({ title: z.string(), detail: z.string().optional() });

/** What the user is told, without where in this program it was found. */
class Refusal extends Error {}

async function send(method: string, path: string, body?: object): Promise<unknown> {
  const key = process.env["SWITCHYARD_API_KEY"];
  if (key === undefined || key === "") throw new Refusal(`SWITCHYARD_API_KEY is not set.\n\n${USAGE}`);
  const url = new URL(path, process.env["SWITCHYARD_URL"] ?? DEFAULT_URL);
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refusal(`No gateway answers at ${url.origin}. Set SWITCHYARD_URL, or start one: npm start`);
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { title, detail } = Problem.safeParse(answer).data ?? { title: response.statusText };
  throw new Refusal(`The gateway refused: ${title}${detail === undefined ? "" : `. ${detail}`}`);
}

/** Prints a key that is shown once. The key alone goes to the standard output, so that it can be piped to where it is kept. */
function show(answer: unknown): void {
  const { id, name, key } = Key.parse(answer);
  console.error(`${name} (${id}). It is shown only now:`);
  console.log(key);
}

async function list(): Promise<void> {
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof KeyPage> = KeyPage.parse(await send("GET", `/keys${query}`));
    for (const { id, name, status, scopes, agents } of page.items)
      console.log([id, status, name, scopes.join(","), agents.join(",")].join("\t"));
    cursor = page.nextCursor;
  } while (cursor !== null);
}

async function run([command, ...args]: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(args);
  const [id, ...others] = positionals;
  const fits = command === "rotate" || command === "revoke" ? id !== undefined : id === undefined;
  if (!fits || others.length > 0) throw new Refusal(USAGE);
  const path = `/keys/${encodeURIComponent(id ?? "")}`;
  switch (command) {
    case "create": {
      const { name, scope = [], agents = [], expires } = values;
      show(
        await send("POST", "/keys", {
          name,
          scopes: scope,
          agents,
          ...(expires === undefined ? {} : { expiresAt: expires }),
        }),
      );
      return;
    }
    case "list":
      return list();
    case "rotate": {
      const { grace } = values;
      show(await send("POST", `${path}/rotate`, grace === undefined ? {} : { graceSeconds: Number(grace) }));
      return;
    }
    case "revoke": {
      const { name } = Key.parse(await send("DELETE", path));
      console.error(`${name} (${id}) is revoked.`);
      return;
    }
    default:
      throw new Refusal(USAGE);
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        name: { type: "string" },
        scope: { type: "string", multiple: true },
        agents: { type: "string", multiple: true },
        expires: { type: "string" },
        grace: { type: "string" },
      },
      allowPositionals: true,
    });
  } catch {
    throw new Refusal(USAGE);
  }
}

try {
  await run(process.argv.slice(2));
} catch (failure) {
  console.error(failure instanceof Refusal ? failure.message : failure);
  process.exitCode = 1;
}
