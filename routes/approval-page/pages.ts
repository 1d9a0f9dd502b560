import { html } from "hono/html";
import type { Approval } from "../../src/gateway/contract/approval";
import type { LinkView } from "../../src/gateway/port";
import { decisionForm, type FieldError, type FormView } from "./decision-form";
import { details } from "./details";
import { facts, type Html, moment, NOTHING, page, written } from "./layout";

/** What went wrong, told above the question. */
export interface Notice {
  readonly title: string;
  readonly detail?: string | undefined;
}

/** The question, and the form by which it is answered. */
export function questionPage(
  { approval, holder, ...view }: LinkView,
  form: Omit<FormView, "decisions" | "shown">,
  notice?: Notice,
): Html {
  const { errors = [] } = form;
  return page(
    `${notice === undefined ? "" : "Problem: "}${titleOf(approval)}`,
    html`${noticeOf(notice, errors)}${question(approval, holder)}${decisionForm({ ...view, ...form })}`,
  );
}

/** What stands, where nothing is left to decide. */
export function standingPage(
  { approval, holder }: Pick<LinkView, "approval" | "holder">,
  notice?: Notice,
): Html {
  return page(
    `Closed: ${titleOf(approval)}`,
    html`${noticeOf(notice, [])}${question(approval, holder)}
      <h2>How it was decided</h2>
      ${outcome(approval)}`,
  );
}

/** What a decision did. */
export function decidedPage(approval: Approval): Html {
  const isClosed = approval.status !== "pending";
  const title = approval.status === "pending" ? "Your answer was counted" : WORDS[approval.status];
  return page(
    title,
    html`<h1 class="${approval.status === "rejected" ? "bad" : "good"}">${title}</h1>
      <p dir="auto">${titleOf(approval)}</p>
      ${isClosed ? outcome(approval) : html`<p>More answers are needed before it is decided.</p>`}
      <p class="hint">The link cannot be used again. You can close this page.</p>`,
  );
}

/** The same for every link that cannot be used, whyever that is. */
export function unusablePage(): Html {
  return page(
    "This link cannot be used",
    html`<h1>This link cannot be used</h1>
      <p>
        A link decides once, and for a limited time. This one may have been used or withdrawn, it may have
        expired, or its address is not complete.
      </p>
      <p>Ask whoever sent it to you for a new one.</p>`,
  );
}

/** A problem that leaves nothing to show. */
export function problemPage({ title, detail }: Notice): Html {
  return page(
    title,
    html`<h1>${title}</h1>
      ${detail === undefined ? NOTHING : html`<p>${detail}</p>`}`,
  );
}

const WORDS = {
  approved: "Approved",
  rejected: "Rejected",
  expired: "Expired: nobody decided in time",
  cancelled: "Cancelled: nobody waits for it any more",
} as const;

function titleOf({ summary, stepName }: Approval): string {
  return summary ?? `Approve “${stepName}”?`;
}

function question(approval: Approval, holder: string): Html {
  const { workflow, instanceId, agent, stepName, requestedAt, deadline, required, votes } = approval;
  const approvals = votes.filter(({ decision }) => decision === "approve").length;
  const asked = approval.details ?? null;
  return html`<h1 dir="auto">${titleOf(approval)}</h1>
    ${
      asked === null
        ? NOTHING
        : html`<h2>What it is about</h2>
            <div class="about">${details(asked)}</div>`
    }
    <h2>Who asks</h2>
    ${facts([
      ["Workflow", workflow],
      ["Step", written(stepName)],
      ["Instance", instanceId],
      ["Agent", agent],
      ["Asked", moment(requestedAt)],
      ["To be answered by", deadline === null ? null : moment(deadline)],
      ["Approvals", required === 1 ? null : `${approvals} of the ${required} that are needed`],
      ["This link is for", written(holder)],
    ])}`;
}

function outcome({ status, decidedBy, decidedAt, reason, metadata }: Approval): Html {
  const sentAlong = metadata ?? null;
  return facts([
    ["Result", status === "pending" ? "Open" : WORDS[status]],
    ["By", decidedBy === null ? null : written(decidedBy)],
    ["At", decidedAt === null ? null : moment(decidedAt)],
    ["Reason", reason === null ? null : written(reason)],
    ["With", sentAlong === null ? null : details(sentAlong)],
  ]);
}

function noticeOf(notice: Notice | undefined, errors: readonly FieldError[]): Html {
  if (notice === undefined) return NOTHING;
  const { title, detail } = notice;
  return html`<div class="notice" role="alert">
    <p><strong>${title}</strong></p>
    ${detail === undefined ? NOTHING : html`<p>${detail}</p>`}
    ${
      errors.length === 0
        ? NOTHING
        : html`<ul>
            ${errors.map(({ input, label, message }) => html`<li><a href="#${input}">${label}: ${message}</a></li>`)}
          </ul>`
    }
  </div>`;
}
