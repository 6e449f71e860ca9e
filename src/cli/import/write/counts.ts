import { AppError } from '../../../core/errors.ts'
import type { Transfer } from './transfer.ts'

/** What was found at the source beside what is kept here now. */
export type Count = { what: string; source: number; here: number }

const idsPerCall = 1000

/** Of everything but registered models: what runs hold is counted by the server. */
export async function countsOf({ client, found, kept, runIds }: Transfer): Promise<Count[]> {
  const here = { runs: 0, params: 0, tags: 0, points: 0 }
  for (let at = 0; at < runIds.length; at += idsPerCall) {
    const some = await client.runs.countRuns({ runs: runIds.slice(at, at + idsPerCall) })
    for (const name of ['runs', 'params', 'tags', 'points'] as const) here[name] += some[name]
  }
  return [
    { what: 'experiments', source: found.experiments, here: kept.experiments },
    { what: 'runs', source: found.runs, here: here.runs },
    { what: 'params', source: found.params, here: here.params },
    { what: 'tags of runs', source: found.tags, here: here.tags },
    { what: 'metric values', source: found.points, here: here.points },
    { what: 'logged models', source: found.loggedModels, here: kept.loggedModels },
    { what: 'artifact files', source: found.files, here: kept.files },
    { what: 'artifact bytes', source: found.bytes, here: kept.bytes },
  ]
}

/** The counts that differ are a failure: somebody is about to switch the old server off. */
export function checkCounts(counts: Count[]): void {
  const wrong = counts.filter(({ source, here }) => source !== here)
  if (wrong.length === 0) return
  throw new AppError(
    'internal',
    `Not everything has arrived: ${wrong.map(({ what, source, here }) => `${what} ${here} of ${source}`).join(', ')}.`,
    { hint: 'Run the same command again: it goes on with what is missing.' },
  )
}
