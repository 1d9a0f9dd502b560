import { z } from "zod";
import { Migrated } from "../contract/instance";
import { operation, type WorkflowSubject } from "./operation";
import { pascal, words } from "./words";

const MigrateBindingRequest = z
  .strictObject({
    from: z
      .string()
      .regex(/^[A-Za-z_$][\w$]{0,99}$/, "must be the name of a binding")
      .describe("What the binding was called"),
  })
  .meta({ id: "MigrateBindingRequest", description: "Whose instances take the present name" });

export const migrateBinding = operation<WorkflowSubject>()({
  id: ({ workflow }) => `migrate${pascal(workflow.name)}Binding`,
  summary: ({ workflow }) =>
    `Let instances of ${words(workflow.name)} go on that were started under a former binding`,
  description:
    "For a binding that was renamed and is not named in `formerBindings`: instances that have the former name, in the ledger or still in the SDK's own table, take the present one.",
  scope: "instances:control",
  rest: {
    method: "post",
    path: ({ workflow }) => `/workflows/${workflow.name}/migrate-binding`,
    status: 200,
  },
  schemas: () => ({ body: MigrateBindingRequest, output: Migrated }),
  problems: [],
  answer: ({ body, once }, { agent }, { workflow }) =>
    agent.migrateBinding({ workflow: workflow.name, from: body.from, once }),
});
