import {
  createMcpHandler,
  isLegacyRequest,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { ToolResult } from "./answer";
import { INSTRUCTIONS } from "./texts";
import type { Tool } from "./tools";

/** What a server of MCP serves to one caller. */
export interface Served {
  readonly info: { readonly title: string; readonly version: string };
  readonly offered: () => readonly Tool[];
  /** @returns undefined if there is no such tool. */
  readonly call: (name: string, input: unknown) => Promise<ToolResult> | undefined;
}

/** Answers one message of MCP, in whichever revision of the protocol it is. Nothing is kept from one to the next. */
export async function serveMessage(request: Request, message: object, served: Served): Promise<Response> {
  if (await isLegacyRequest(request, message)) return serveAsBefore(request, message, served);
  const { fetch } = createMcpHandler(() => createServer(served), {
    legacy: "reject",
    // What there is to hear of is in journals.
    maxSubscriptions: 0,
  });
  return fetch(request, { parsedBody: message });
}

/**
 * Answers a message of a revision before 2026. The SDK's own handler would begin its answer, as a stream of one event, before anybody
 * knows what it will be: here it is whole, so that the log can tell of it.
 */
async function serveAsBefore(request: Request, message: object, served: Served): Promise<Response> {
  const server = createServer(served);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    return await transport.handleRequest(request, { parsedBody: message });
  } finally {
    await server.close();
  }
}

/** The lower of the SDK's two servers: the other one would check inputs itself, and not tell of it as a problem. */
function createServer({ info, offered, call }: Served): Server {
  const server = new Server(
    { name: info.title, version: info.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler("tools/list", () => ({ tools: offered().map((tool) => tool.shown()) }));
  server.setRequestHandler("tools/call", async ({ params }) => {
    const result = await call(params.name, params.arguments);
    if (result === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${params.name}.`);
    return { ...result };
  });
  return server;
}
