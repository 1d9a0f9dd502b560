import { afterAll, afterEach } from "vitest";
import { takeLeaks } from "./received.ts";

function refuseLeaks(): void {
  const leaks = takeLeaks();
  if (leaks.length > 0) throw new Error(`What came back shows what is internal:\n${leaks.join("\n")}`);
}

afterEach(refuseLeaks);
afterAll(refuseLeaks);
