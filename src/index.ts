import { catalog } from "./desk/agents";
import { createGateway } from "./gateway";

export { GatewayDirectory, WebhookEndpoint } from "./gateway";
export { Catalog, Dataset } from "./desk/catalog";
export { ClearHistoryWorkflow } from "./desk/clear-history";
export { ImportDatasetWorkflow } from "./desk/import-dataset";
export { PublishReleaseWorkflow } from "./desk/publish-release";

export default createGateway({
  agents: [catalog],
  // Another system that checks data sets, and says by signed callbacks whether they are loaded.
  callbacks: {
    senders: [{ name: "quality-check", secret: "QUALITY_CHECK_SECRET", agents: ["/agents/catalog/**"] }],
  },
  info: { title: "Data desk", license: { name: "MIT", identifier: "MIT" } },
});
