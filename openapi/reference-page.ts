import { Scalar } from "@scalar/hono-api-reference";
import type { Handler } from "hono";

/** Where the script of the page is served from: the gateway itself, so that the page needs no internet. */
const SCRIPT = "/docs/scalar.js";

/** The reference page: renders the document in the browser. */
export function referencePage(title: string): Handler {
  return Scalar({
    url: "/openapi.json",
    cdn: SCRIPT,
    pageTitle: title,
    withDefaultFonts: false,
    telemetry: false,
  });
}
