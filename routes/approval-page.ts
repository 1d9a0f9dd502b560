import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Decision, Reason } from "../src/gateway/contract/approval";
import { LIMITS } from "../src/gateway/contract/limits";
import type { AgentPath } from "../src/gateway/contract/names";
import { type ProblemCode, ProblemError, type ProblemPlace, PROBLEMS } from "../src/gateway/contract/problem";
import { servedPath } from "../src/gateway/operations/served-path";
import type { AgentPort, LinkView } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import { isCanonical } from "./address";
import type { FieldError } from "./approval-page/decision-form";
import { type Html, STYLE } from "./approval-page/layout";
import {
  inputName,
  type MetadataForm,
  metadataForm,
  METADATA_INPUT,
  readMetadata,
} from "./approval-page/metadata-fields";
import {
  decidedPage,
  type Notice,
  problemPage,
  questionPage,
  standingPage,
  unusablePage,
} from "./approval-page/pages";
import { clientOf } from "./client";
import type { GatewayEnv } from "./gateway-env";
import { problemResponse } from "./problem-response";
import { throttled } from "./rate-limit";

/** Largest form. */
const MAX_FORM_BYTES = LIMITS.formBytes.most;
const FORM = "application/x-www-form-urlencoded";

/** What is behind a good token. Nothing was contacted yet. */
interface Opened {
  readonly agent: AgentPort;
  readonly id: string;
  readonly approvalId: string;
}

/** Why a link leads to nothing: these are not told apart. */
const UNUSABLE: readonly ProblemCode[] = [
  "agent_not_found",
  "approval_not_found",
  "instance_not_found",
  "link_not_found",
];

/**
 * The page behind a link. It shows what is asked to whoever has the address, and decides when its form is sent: never when
 * it is only looked at.
 */
export function approvalPage(registry: Registry): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.use(strictHeaders, throttled, wellWritten);
  app.onError(showFailure);
  app.get("/:token", async (c) => show(c, await look(registry, await open(c, registry))));
  app.post("/:token", limitedForm, async (c) => {
    const opened = await open(c, registry);
    // A browser that fetches ahead asks for nothing to be done.
    return isPrefetch(c) ? show(c, await look(registry, opened)) : decide(c, registry, opened);
  });
  app.all("/:token", (c) => {
    c.header("allow", "GET, HEAD, POST");
    return problemResponse(c, "method_not_allowed");
  });
  app.all("*", () => {
    throw new ProblemError("link_not_found");
  });
  return app;
}

/** A link that is not written as it was given is none. */
const wellWritten: MiddlewareHandler<GatewayEnv> = async function requireOwnSpelling(c, next) {
  if (!isCanonical(new URL(c.req.raw.url).pathname)) throw new ProblemError("link_not_found");
  await next();
};

/** Everything that is known before an agent is asked. @throws ProblemError `link_not_found` */
async function open(c: Context<GatewayEnv>, registry: Registry): Promise<Opened> {
  const grant = await c.get("linkTokens").read(c.req.param("token") ?? "");
  const path = grant && servedPath(registry, grant.agent);
  if (grant === undefined || path === undefined) throw new ProblemError("link_not_found");
  const { id, approvalId } = grant;
  return { agent: agentOf(c, path), id, approvalId };
}

/** The agent puts the name of whoever the link is for in place of this one. */
function agentOf(c: Context<GatewayEnv>, path: AgentPath): AgentPort {
  return c.get("port").at(path, { name: "link", door: "link", scopes: [], ...clientOf(c) });
}

/** What is asked, and what a form asks for. */
interface Looked {
  readonly view: LinkView;
  readonly metadata: MetadataForm;
  /** Whether an approval may come without metadata. */
  readonly mayBeMissing: boolean;
}

async function look(registry: Registry, { agent, id, approvalId }: Opened): Promise<Looked> {
  const view = await agent.viewLink({ id, approvalId });
  const { workflow, metadataSchema } = view.approval;
  const contract = registry.workflows.get(workflow)?.approval;
  return {
    view,
    metadata: metadataForm(metadataSchema),
    mayBeMissing: contract === undefined || contract.safeParse(undefined).success,
  };
}

function show(c: Context<GatewayEnv>, { view, metadata }: Looked): Response | Promise<Response> {
  return c.html(view.approval.status === "pending" ? questionPage(view, { metadata }) : standingPage(view));
}

async function decide(c: Context<GatewayEnv>, registry: Registry, opened: Opened): Promise<Response> {
  const looked = await look(registry, opened);
  if (looked.view.approval.status !== "pending") return tooLate(c, looked);
  if (!isForm(c)) return again(c, looked, 415, undefined, { title: NO_FORM });
  const sent = new URLSearchParams(await c.req.text());
  const read = readForm(looked, sent);
  if (!read.ok) return again(c, looked, 400, sent, { title: INCOMPLETE }, read.errors);
  try {
    const { id, approvalId, agent } = opened;
    return await c.html(decidedPage(await agent.decideByLink({ id, approvalId, ...read.decision })));
  } catch (failure) {
    if (!(failure instanceof ProblemError) || UNUSABLE.includes(failure.code)) throw failure;
    return refused(c, registry, opened, sent, failure);
  }
}

const NO_FORM = "That was not the form of this page. Nothing was decided.";
const INCOMPLETE = "Some of it does not fit yet. Nothing was decided.";

type ReadForm =
  | {
      readonly ok: true;
      readonly decision: Pick<
        Parameters<AgentPort["decideByLink"]>[0],
        "decision" | "reason" | "metadata" | "shown"
      >;
    }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

function readForm({ metadata: form, mayBeMissing }: Looked, sent: URLSearchParams): ReadForm {
  const decision = Decision.safeParse(sent.get("decision"));
  const shown = sent.get("shown") ?? "";
  const reason = (sent.get("reason") ?? "").replaceAll("\r\n", "\n");
  const metadata = readMetadata(form, sent, mayBeMissing || decision.data === "reject");
  const errors: FieldError[] = [
    ...(decision.success ? [] : [{ input: "decision", label: "Decision", message: "approve or reject" }]),
    ...(shown === "" ? [{ input: "shown", label: "Form", message: "open the page and send its own" }] : []),
    ...(Reason.safeParse(reason).success
      ? []
      : [
          { input: "reason", label: "Reason", message: `at most ${LIMITS.reasonCharacters.most} characters` },
        ]),
    ...(metadata.ok ? [] : [{ input: METADATA_INPUT, label: "Answer", message: metadata.message }]),
  ];
  if (!decision.success || !metadata.ok || errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    decision: {
      decision: decision.data,
      reason: reason === "" ? undefined : reason,
      metadata: metadata.metadata,
      shown,
    },
  };
}

/** What was refused is shown as it is now, with the form as it was filled in. */
async function refused(
  c: Context<GatewayEnv>,
  registry: Registry,
  opened: Opened,
  sent: URLSearchParams,
  { code, extras }: ProblemError,
): Promise<Response> {
  const { title, status } = PROBLEMS[code];
  const looked = await look(registry, opened);
  if (looked.view.approval.status !== "pending") return tooLate(c, looked);
  const places = extras.errors ?? [];
  if (code === "invalid_request" && places.length > 0) {
    const errors = places.map((place) => errorAt(looked.metadata, place));
    return again(c, looked, 400, sent, { title: INCOMPLETE }, errors);
  }
  // Read anew, it is answered anew.
  const kept = code === "approval_changed" ? undefined : sent;
  return again(c, looked, status, kept, { title: `${title}. Nothing was decided.`, detail: extras.detail });
}

function tooLate(c: Context<GatewayEnv>, { view }: Looked): Response | Promise<Response> {
  const { title, status } = PROBLEMS.approval_closed;
  return c.html(standingPage(view, { title: `${title}. Your answer came too late.` }), status);
}

/** Finds the input that something is wrong in: of the JSON Pointer `/metadata/note` that of the note. */
function errorAt(form: MetadataForm, { pointer, message }: ProblemPlace): FieldError {
  const [, , key] = pointer.split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const field = form.kind === "fields" ? form.fields.find((one) => one.key === key) : undefined;
  return field === undefined
    ? { input: METADATA_INPUT, label: "Answer", message }
    : { input: inputName(field.key), label: field.label, message };
}

function again(
  c: Context<GatewayEnv>,
  { view, metadata }: Looked,
  status: (typeof PROBLEMS)[ProblemCode]["status"],
  sent: URLSearchParams | undefined,
  notice: Notice,
  errors: readonly FieldError[] = [],
): Response | Promise<Response> {
  return c.html(questionPage(view, { metadata, sent, errors }, notice), status);
}

function isForm(c: Context<GatewayEnv>): boolean {
  const [type = ""] = (c.req.header("content-type") ?? "").split(";");
  return type.trim().toLowerCase() === FORM;
}

function isPrefetch(c: Context<GatewayEnv>): boolean {
  const purposes = ["sec-purpose", "purpose", "x-purpose", "x-moz"].map((name) => c.req.header(name) ?? "");
  return purposes.some((purpose) => /prefetch|prerender|preview/i.test(purpose));
}

const limitedForm: MiddlewareHandler<GatewayEnv> = bodyLimit({
  maxSize: MAX_FORM_BYTES,
  onError: () => {
    throw new ProblemError("payload_too_large", { detail: `A form may have ${MAX_FORM_BYTES} bytes.` });
  },
});

/** What is thrown, as a page: people read it. */
function showFailure(failure: Error, c: Context<GatewayEnv>): Response | Promise<Response> {
  const html = (content: Html, code: ProblemCode) => {
    c.set("problem", code);
    return c.html(content, PROBLEMS[code].status);
  };
  if (!(failure instanceof ProblemError)) {
    console.error("switchyard: a page failed", c.get("requestId"), failure);
    return html(problemPage({ title: PROBLEMS.internal_error.title }), "internal_error");
  }
  if (UNUSABLE.includes(failure.code)) return html(unusablePage(), "link_not_found");
  return html(
    problemPage({ title: PROBLEMS[failure.code].title, detail: failure.extras.detail }),
    failure.code,
  );
}

/** Made at the first request: before, nothing can be hashed. */
let policy: string | undefined;

/** Nothing is loaded, and nothing runs: one style sheet, known by its hash, and a form that is sent to its own page. */
async function contentPolicy(): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE)));
  const hash = btoa(String.fromCharCode(...digest));
  return (
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; ` +
    "base-uri 'none'"
  );
}

/** The address is a capability: it is not kept, passed on, framed or found. */
const strictHeaders: MiddlewareHandler<GatewayEnv> = async function setStrictHeaders(c, next) {
  await next();
  policy ??= await contentPolicy();
  const { headers } = c.res;
  headers.set("content-security-policy", policy);
  headers.set("cache-control", "no-store");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-robots-tag", "noindex, nofollow");
  headers.set("x-frame-options", "DENY");
  headers.set("x-content-type-options", "nosniff");
};
