/** What holds for every operation; the document and the reference page begin with it. */
export const INTRODUCTION = `
Agents are addressed by class and name, sub-agents below them: \`/agents/{class}/{name}/sub/{class}/{name}\`. Names have
1 to 128 of \`A-Z a-z 0-9 . _ ~ @ + -\`. Reading never brings an agent into being; starting a workflow does.

**Access.** Send an API key, or a JWT, as \`Authorization: Bearer\`. It has scopes and patterns of agents. The scope that an operation needs
stands at its security scheme: who lacks it is told \`forbidden\`. What a caller does not reach is answered as what is not there.

**Instances.** A start answers \`202\` with the new instance and its address in \`Location\`. Send an \`id\` of your own to
make a start safe to repeat: the second one is told \`instance_exists\`.

**Approvals.** A waiting instance names its approval. It is decided once, by whoever comes first; everybody after that gets
\`409\` and the decision that stands. Where several must approve, each approval is a vote: it stays \`pending\` until enough have approved,
and one rejection closes it. \`approvers\` and \`selfApproval\` say who may decide.

**Links.** An approval can be given to somebody without a key: make a link, and send them its \`url\`. It leads to a page,
\`GET /approvals/{token}\`, that says what is asked; the form on it decides, once. Looking at it never does. Another system
decides by a callback that it signs (\`POST /webhooks/approvals\`).

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

**Limits** are listed at \`/limits\`, and at the end of this text. Where requests are counted, \`RateLimit-Policy\` says how, and \`429\` when to come back.

**Addresses** are written in one way, each part as \`encodeURIComponent\` writes it. A \`traceparent\` is gone on with.

**Errors** are \`application/problem+json\` (RFC 9457). Branch on \`code\`, never on texts; \`retryable\` says whether the same
request may succeed later. Each operation names the codes that it can answer with.
`.trim();
