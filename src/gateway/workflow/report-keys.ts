import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";

/** Where in a run a report is made: the run itself, or one occurrence of one step. */
interface Place {
  readonly name: string;
  readonly said: Map<string, number>;
}

/**
 * Keys of reports, the same each time the engine replays a run.
 *
 * A report that says the same again at the same place is the same report: the key is made of the place (the step and its
 * occurrence, or the run outside of steps), of what is said, and of how often the place has said it before. So neither a
 * replay, where finished steps stay silent, nor a step that is tried again, nor branches that run side by side can
 * mistake one report for another.
 */
export class ReportKeys {
  readonly #here = new AsyncLocalStorage<Place>();
  readonly #run: Place = { name: "run", said: new Map() };
  readonly #occurrences = new Map<string, number>();

  /** Counts the uses of a name in this run, from 1. Engine and author count the same way on each replay. */
  occurrenceOf(name: string): number {
    const occurrence = (this.#occurrences.get(name) ?? 0) + 1;
    this.#occurrences.set(name, occurrence);
    return occurrence;
  }

  /** Makes a place of a step: call it where the step is declared, and what it returns around each try of the step. */
  place(step: string): <Result>(work: () => Result) => Result {
    const name = `step:${step}:${this.occurrenceOf(`step:${step}`)}`;
    return (work) => this.#here.run({ name, said: new Map() }, work);
  }

  /** The key of a report that is made now. */
  keyOf(kind: string, content: unknown): string {
    const place = this.#here.getStore() ?? this.#run;
    const digest = createHash("sha256")
      .update(JSON.stringify(content) ?? "")
      .digest("base64url")
      .slice(0, 22);
    const words = `${kind}:${digest}`;
    const times = (place.said.get(words) ?? 0) + 1;
    place.said.set(words, times);
    return `${place.name}:${words}:${times}`;
  }
}
