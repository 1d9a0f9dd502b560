/** What holds for every operation; the document and the reference page begin with it. */
export const INTRODUCTION = `
Agents are addressed by class and name, sub-agents below them: \`/agents/{class}/{name}/sub/{class}/{name}\`. Names have
1 to 128 of \`A-Z a-z 0-9 . _ ~ @ + -\`. Reading never brings an agent into being; starting a workflow does.

**Access.** Send an API key as \`Authorization: Bearer <key>\`. The scope that an operation needs stands at its security scheme.

**Instances.** A start answers \`202\` with the new instance and its address in \`Location\`. Send an \`id\` of your own to
make a start safe to repeat: the second one is told \`instance_exists\`.

**Approvals.** A waiting instance names its approval. It is decided once, by whoever comes first; everybody after that gets
\`409\` and the decision that stands.

**Events.** A stream of Server-Sent Events begins with what is kept and goes on live. Every event has an \`id\`: come back
with it in \`Last-Event-ID\` (or \`?after=\`) and nothing is lost or repeated. Tell them apart by \`type\`, and pass over types
that you do not know. \`stream.closing\` asks you to come back, \`stream.end\` says that nothing will follow. With
\`Accept: application/json\` the same events come in pages; \`Prefer: wait=N\` holds an empty one until there is an event.

\`\`\`
id: 4f1c2b7d-2
event: instance.started
data: {"id":"4f1c2b7d-2","type":"instance.started","instanceId":"my-import","attempt":1, …}
\`\`\`

**Lists** come in pages: send \`nextCursor\` of one as \`cursor\` for the next, with the same filters, until it is null. A page
may be shorter than \`limit\`, even empty, and still have a next one. Pages of events have \`nextCursor\` always, since more may
happen: send it as \`after\`, until \`ended\` says that nothing will.

**Repeats.** With an \`Idempotency-Key\` a request that changes something can be sent again: within a day the same request
with the same key is answered as the first time and does nothing more, another one is told \`idempotency_key_reused\`.

**Waiting.** \`Prefer: wait=N\` holds an answer that shows an instance until that has ended, N seconds at most.

**Errors** are \`application/problem+json\` (RFC 9457). Branch on \`code\`, never on texts; \`retryable\` says whether the same
request may succeed later. Each operation names the codes that it can answer with.
`.trim();
