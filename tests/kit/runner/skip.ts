/** How a test says that it cannot run here. The runner counts it as skipped and shows the reason. */
export class SkippedTest extends Error {}

/** Ends the test that calls it: `if (!hasNginx) skip('nginx is not installed')`. */
export function skip(reason: string): never {
  throw new SkippedTest(reason)
}
