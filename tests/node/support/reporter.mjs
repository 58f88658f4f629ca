// Says what failed and why, and closes with one line that counts.

export default async function* reporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    if (data.details?.type === "suite") continue;
    if (type === "test:pass") {
      const skipped = data.skip !== undefined;
      counts[skipped ? "skipped" : "passed"] += 1;
      if (skipped) yield `skipped: ${data.name}: ${data.skip}\n`;
    }
    // A file or a group fails with the tests in it; those are told by themselves.
    if (type === "test:fail" && data.details.error.failureType !== "subtestsFailed") {
      counts.failed += 1;
      const cause = data.details.error.cause ?? data.details.error;
      yield `FAILED: ${data.name} (${data.file})\n${cause?.stack ?? cause}\n`;
    }
  }
  yield `node: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}
