import { Agent, getAgentByName } from "agents";
import { AgentWorkflow } from "agents/workflows";

interface Env {
  readonly ROOM: DurableObjectNamespace<Room>;
}

/** A stock Agent, which lists the workflows that it started. */
export class Room extends Agent<Env & Cloudflare.Env> {
  override async onRequest(): Promise<Response> {
    return Response.json(this.getWorkflows());
  }
}

/** A stock workflow. */
export class Job extends AgentWorkflow<Room> {
  override async run(): Promise<number> {
    return 1;
  }
}

/** The least Worker with an Agent and a workflow, without the gateway. */
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/healthz") return Response.json({ status: "ok" });
    const room = await getAgentByName<Env & Cloudflare.Env, Room>(env.ROOM, "room");
    return room.fetch(request);
  },
} satisfies ExportedHandler<Env & Cloudflare.Env>;
