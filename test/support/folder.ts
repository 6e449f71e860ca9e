import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder of the test's own, removed afterwards. */
export function temporaryFolder(test: TestContext, prefix = 'keel-test-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
