import { catalog } from "./desk/agents";
import { createGateway } from "./gateway";

export { Catalog } from "./desk/catalog";
export { Dataset } from "./desk/dataset";
export { ImportDatasetWorkflow } from "./desk/import-dataset";
export { PublishReleaseWorkflow } from "./desk/publish-release";

export default createGateway({
  agents: [catalog],
  info: { title: "Data desk", license: { name: "MIT", identifier: "MIT" } },
});
