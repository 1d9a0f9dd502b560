import { measureColdStart } from "../cold-start.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { KEY, type System } from "../systems.ts";

async function measure({ builds }: Ground, system: System, path: string): Promise<Sample> {
  const { clockMs, processorMs } = await measureColdStart({
    config: `bench/workers/${system}.jsonc`,
    script: builds[system].script,
    path,
    key: KEY,
  });
  return { first: clockMs, processor: processorMs, size: builds[system].compressedBytes / 1_024 };
}

/** From nothing to the first answer. */
export const coldStart: Figure = {
  title: "Cold start",
  how: "One workerd with one Worker and nothing else, on fresh storage, from when the process is spawned until it has answered one request: plain text, or that an instance of an Agent is not there. What the floor takes is workerd itself.",
  columns: {
    first: { heading: "first answer, ms", digits: 0 },
    processor: { heading: "processor for that, ms", digits: 0 },
    size: { heading: "size, gzip, KiB", digits: 0 },
  },
  base: "by hand",
  contenders: {
    floor: (on) => measure(on, "floor", "/plain"),
    "by hand": (on) => measure(on, "by-hand", "/ada/jobs/none"),
    Switchyard: (on) => measure(on, "switchyard", "/agents/desk/ada/instances/none"),
  },
};
