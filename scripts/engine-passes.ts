import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type Pass = { title: string; engine: 'sqlite' | 'postgres'; files: string[] }

/**
 * Only stores speak SQL. These need a server, but ask nothing of its stores that the tests of the domains do not ask on both
 * engines: words of the command line, wire formats, runtimes of models, statistics, and rules over what was read. Of the
 * single files, each statement that they send is sent on PostgreSQL by other tests too.
 */
export const aboveTheStores = [
  'src/cli/commands/',
  'src/cli/transfer/',
  'src/core/egress/',
  'src/core/onnx/',
  'src/domains/delivery/requirements/evidence.test.ts',
  'src/domains/evaluation/answers/collect.test.ts',
  'src/domains/evaluation/answers/fault.test.ts',
  'src/domains/evaluation/comparison/',
  'src/domains/evaluation/gate/marked-answers.test.ts',
  'src/domains/evaluation/gate/rerun.test.ts',
  'src/domains/evaluation/production/',
  'src/domains/evaluation/scoring/',
  'src/domains/monitoring/windows/judged.test.ts',
  'src/domains/monitoring/windows/signals.test.ts',
  'src/domains/registry/runtimes/',
  'src/protocols/oip/',
  'src/protocols/openai/',
  'src/protocols/scoring/',
  'test/journeys/batch.test.ts',
  'test/journeys/chat-marks.test.ts',
  'test/journeys/delivery-events.test.ts',
  'test/journeys/flights-gates.test.ts',
  'test/journeys/monitor-only.test.ts',
  'test/journeys/same-row.test.ts',
]

/** What talks to the database runs on both engines; the rest once. */
export function passesOver(root: string, files: string[]): Pass[] {
  const passes: Pass[] = [{ title: 'SQLite', engine: 'sqlite', files }]
  const onDatabase = files.filter(
    (path) =>
      /^(src|test\/journeys|test\/attacks)\//.test(path) &&
      !aboveTheStores.some((part) => path.startsWith(part)) &&
      asksForEngine(join(root, path)),
  )
  if (process.env['TEST_PG']) passes.push({ title: 'PostgreSQL', engine: 'postgres', files: onDatabase })
  return passes.filter((pass) => pass.files.length > 0)
}

/** Whether a file, or one that it imports, asks which engine the pass runs on. */
function asksForEngine(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  if (text.includes('KEEL_TEST_ENGINE')) return true
  const imports = text.matchAll(/\bfrom '(\.[^']+)'/g)
  return [...imports].some(([, path = '']) => asksForEngine(join(dirname(file), path), seen))
}
