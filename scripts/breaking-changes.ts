import { redocly } from "./redocly.ts";

/** A change of a document, as `redocly diff` reports it, as far as it is read here. */
interface Change {
  /** JSON Pointer, with references followed: so it says whether the change is in a request or a response. */
  readonly path: string;
  readonly verdicts: readonly {
    readonly ruleId: string;
    readonly impact: string;
    readonly message: string;
  }[];
}

interface Report {
  readonly infoVersions: { readonly base: string; readonly revision: string };
  readonly changes: readonly Change[];
}

/** What the gateway sends: answers, and the requests of its webhooks. */
const SENT = /^#\/paths\/.*\/responses\/|^#\/webhooks\/.*\/requestBody\//;
/** A choice that came to be, and a shape that did. (Where they go, in requests, the same rule tells of it.) */
const TOLERATED: readonly string[] = ["enum-values-added", "schema-combinator-changed"];

/** What clients of one document cannot do with another. */
export interface Breaking {
  /** Where, and what, one line each. */
  readonly changes: readonly string[];
  /** Whether the version of the other document says that it may break clients: the next major, below 1.0 the next minor. */
  readonly announced: boolean;
}

/**
 * Compares two documents. Clients have to bear values and shapes that they do not know in what the gateway sends: what comes
 * to be there breaks nothing.
 *
 * @param base file of the document that clients were made from.
 * @param revision file of the document that is to take its place.
 */
export async function breakingChanges(base: string, revision: string): Promise<Breaking> {
  const run = await redocly("diff", base, revision, "--format", "json", "--fail-on", "none");
  if (run.failed) throw new Error(`redocly diff failed:\n${run.stderr}`);
  const { infoVersions, changes } = JSON.parse(run.stdout) as Report;
  return {
    changes: changes.flatMap((change) => breaksOf(change).map((what) => `${change.path}: ${what}`)),
    announced: announces(infoVersions.base, infoVersions.revision),
  };
}

function breaksOf({ path, verdicts }: Change): string[] {
  const tolerated = SENT.test(path) ? TOLERATED : [];
  return verdicts
    .filter(({ ruleId, impact }) => impact === "major" && !tolerated.includes(ruleId))
    .map(({ message }) => message);
}

function announces(base: string, revision: string): boolean {
  const [major = 0, minor = 0] = base.split(".").map(Number);
  const [nextMajor = 0, nextMinor = 0] = revision.split(".").map(Number);
  return nextMajor > major || (major === 0 && nextMajor === 0 && nextMinor > minor);
}
