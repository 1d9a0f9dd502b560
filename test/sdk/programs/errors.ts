// Uses a client that was generated with `--error-mode result`: problems are values, and typed.
import { client, getDatasetInstance } from "./client.ts";

const [serverUrl = "", bearer = ""] = process.argv.slice(2);
client.configure({ serverUrl, auth: { bearer } });

const path = { catalog: "nobody", dataset: "cities", instanceId: "first" };
const { data, error } = await getDatasetInstance({ path });
if (error === undefined) throw new Error(`there is ${data.id}`);
// A code that is not in the table does not compile.
if (error.code === "agent_not_found") console.log(JSON.stringify({ refused: error.title }));
