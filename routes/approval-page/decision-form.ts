import { html } from "hono/html";
import type { Decision } from "../../src/gateway/contract/approval";
import { LIMITS } from "../../src/gateway/contract/limits";
import { type Html, NOTHING } from "./layout";
import { inputName, METADATA_INPUT, type MetadataField, type MetadataForm } from "./metadata-fields";

/** What an input is called, and what is wrong with it. */
export interface FieldError {
  /** Name of the input. */
  readonly input: string;
  /** What a person knows it by. */
  readonly label: string;
  readonly message: string;
}

/** The form by which somebody decides. */
export interface FormView {
  readonly decisions: readonly Decision[];
  readonly metadata: MetadataForm;
  /** SHA-256 of what is asked. */
  readonly shown: string;
  /** What was sent before and is to be sent again. */
  readonly sent?: URLSearchParams | undefined;
  readonly errors?: readonly FieldError[];
}

const NAMES: Readonly<Record<Decision, string>> = { approve: "Approve", reject: "Reject" };

/**
 * It is sent to its own address, which is the link. Enter in a field presses the first button, which does nothing; and what a
 * browser remembers of a form is not put into this one, so that its digest is of what is shown.
 */
export function decisionForm({ decisions, metadata, shown, sent, errors = [] }: FormView): Html {
  return html`<form method="post" accept-charset="utf-8" autocomplete="off">
    <button type="submit" disabled hidden></button>
    <input type="hidden" name="shown" value="${shown}" />
    ${metadataInputs(metadata, sent, errors)}
    <fieldset>
      <legend>Your decision</legend>
      <label for="reason">Reason</label>
      <p class="hint" id="reason-hint">Optional. It is shown to whoever asked.</p>
      <textarea
        id="reason"
        name="reason"
        rows="3"
        maxlength="${LIMITS.reasonCharacters.most}"
        dir="auto"
        ${described("reason", true, errors)}
      >
${sent?.get("reason") ?? ""}</textarea>
      ${errorOf("reason", errors)}
      <div class="actions">
        ${decisions.map(
          (decision) =>
            html`<button
              type="submit"
              name="decision"
              value="${decision}"
              ${decision === "reject" ? html`formnovalidate` : NOTHING}
            >
              ${NAMES[decision]}
            </button>`,
        )}
      </div>
    </fieldset>
  </form>`;
}

function metadataInputs(
  form: MetadataForm,
  sent: URLSearchParams | undefined,
  errors: readonly FieldError[],
): Html {
  if (form.kind === "none" || (form.kind === "fields" && form.fields.length === 0)) return NOTHING;
  const inputs =
    form.kind === "json"
      ? jsonInput(sent?.get(METADATA_INPUT) ?? "", errors)
      : form.fields.map((field) => fieldInput(field, sent, errors));
  return html`<fieldset>
    <legend>To be filled in</legend>
    ${inputs}
  </fieldset>`;
}

function jsonInput(text: string, errors: readonly FieldError[]): Html {
  return html`<label for="${METADATA_INPUT}">Answer, as JSON</label>
    <p class="hint" id="${METADATA_INPUT}-hint">As the workflow's approval contract says.</p>
    <textarea
      id="${METADATA_INPUT}"
      name="${METADATA_INPUT}"
      rows="5"
      spellcheck="false"
      ${described(METADATA_INPUT, true, errors)}
    >
${text}</textarea>
    ${errorOf(METADATA_INPUT, errors)}`;
}

function fieldInput(
  field: MetadataField,
  sent: URLSearchParams | undefined,
  errors: readonly FieldError[],
): Html {
  const { key, label, hint, required, input } = field;
  const name = inputName(key);
  const hintLine =
    hint === undefined ? NOTHING : html`<p class="hint" id="${name}-hint" dir="auto">${hint}</p>`;
  const mark = required && input.kind !== "checkbox" ? html` <span class="hint">(required)</span>` : NOTHING;
  const control = controlOf(field, sent, described(name, hint !== undefined, errors));
  return input.kind === "checkbox"
    ? html`<label for="${name}">${control} <span dir="auto">${label}</span></label
        >${hintLine}${errorOf(name, errors)}`
    : html`<label for="${name}"><span dir="auto">${label}</span>${mark}</label
        >${hintLine}${control}${errorOf(name, errors)}`;
}

function controlOf(
  { key, input, required, initial }: MetadataField,
  sent: URLSearchParams | undefined,
  attributes: Html,
): Html {
  const name = inputName(key);
  const value = sent === undefined ? initial : (sent.get(name) ?? "");
  const needed = required ? html`required` : NOTHING;
  switch (input.kind) {
    case "text":
      return html`<input
        id="${name}"
        name="${name}"
        type="${input.type}"
        value="${value}"
        dir="auto"
        ${input.maxLength === undefined ? NOTHING : html`maxlength="${input.maxLength}"`}
        ${needed}
        ${attributes}
      />`;
    case "number":
      return html`<input
        id="${name}"
        name="${name}"
        type="number"
        step="${input.step}"
        value="${value}"
        ${input.min === undefined ? NOTHING : html`min="${input.min}"`}
        ${input.max === undefined ? NOTHING : html`max="${input.max}"`}
        ${needed}
        ${attributes}
      />`;
    case "checkbox":
      return html`<input
        id="${name}"
        name="${name}"
        type="checkbox"
        value="true"
        ${value === "true" ? html`checked` : NOTHING}
        ${attributes}
      />`;
    case "select":
      return html`<select id="${name}" name="${name}" ${needed} ${attributes}>
        <option value="">${required ? "Choose one" : "No answer"}</option>
        ${input.options.map(
          ([option, shown]) =>
            html`<option value="${option}" ${option === value ? html`selected` : NOTHING}>${shown}</option>`,
        )}
      </select>`;
  }
}

function described(input: string, hasHint: boolean, errors: readonly FieldError[]): Html {
  const isWrong = errors.some((error) => error.input === input);
  const ids = [...(hasHint ? [`${input}-hint`] : []), ...(isWrong ? [`${input}-error`] : [])];
  const wrong = isWrong ? html`aria-invalid="true"` : NOTHING;
  return ids.length === 0 ? wrong : html`aria-describedby="${ids.join(" ")}" ${wrong}`;
}

function errorOf(input: string, errors: readonly FieldError[]): Html {
  const messages = errors.filter((error) => error.input === input).map(({ message }) => message);
  return messages.length === 0
    ? NOTHING
    : html`<p class="error" id="${input}-error">${messages.join("; ")}</p>`;
}
