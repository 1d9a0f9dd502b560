import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const SAMPLES = 9;
const SAMPLE_EVERY_MS = 200;

/** The processes named workerd that a process started, or that those it started did. */
export function workerdProcesses(ancestor = process.pid): number[] {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync("/proc")) {
    const stat = /^\d+$/.test(entry) ? readProc(`/proc/${entry}/stat`) : undefined;
    const [, name = "", parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat ?? "") ?? [];
    if (parent !== undefined) parents.set(Number(entry), { parent: Number(parent), name });
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid)?.parent;
    return parent !== undefined && (parent === ancestor || isOurs(parent));
  };
  return [...parents].filter(([pid, { name }]) => name === "workerd" && isOurs(pid)).map(([pid]) => pid);
}

/** Resident memory of processes together, in KiB: the median of some samples, since garbage comes and goes. */
export async function residentKiB(pids: readonly number[]): Promise<number> {
  const samples: number[] = [];
  for (let n = 0; n < SAMPLES; n += 1) {
    samples.push(sum(pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(proc(pid, "status"))?.[1]))));
    await delay(SAMPLE_EVERY_MS);
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(SAMPLES / 2)] ?? 0;
}

/** Processor time that the threads of processes have used since they began, in milliseconds. */
export function processorMs(pids: readonly number[]): number {
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`),
  );
  // Nanoseconds, where /proc/<pid>/stat has hundredths of a second.
  return sum(threads.map((thread) => Number(readProc(`${thread}/schedstat`)?.split(" ")[0] ?? 0))) / 1e6;
}

function proc(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

/** @returns undefined for a process that has just ended. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
