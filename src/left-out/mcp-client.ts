// Stands for `@modelcontextprotocol/client`, which the SDK imports for `Agent.addMcpServer` alone.

/** @throws Error when it is called or made: it says how to have what was left out. */
function leftOut(): never {
  throw new Error(
    'The MCP client was left out of this bundle. To have it, remove "@modelcontextprotocol/client…" from "alias" in wrangler.jsonc.',
  );
}

export {
  leftOut as Client,
  leftOut as SdkHttpError,
  leftOut as SSEClientTransport,
  leftOut as StreamableHTTPClientTransport,
  leftOut as validateClientMetadataUrl,
};

/** Made as the SDK loads, for the client; nothing else calls it. */
export const CfWorkerJsonSchemaValidator = Object;
