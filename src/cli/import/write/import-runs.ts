import type { Point, SourceRun } from '../source.ts'
import { marksOf, readMark, writeMark } from './marks.ts'
import { copyFiles, count, type Transfer } from './transfer.ts'

const pointsPerCall = 20_000

/** Sends a page of runs to an experiment of ours, with their metrics and files. */
export async function importRuns(transfer: Transfer, experiment: string, page: SourceRun[]): Promise<void> {
  const marks = await marksOf(
    transfer.client,
    page.map(({ id }) => id),
  )
  for (const run of page) {
    const params = Object.keys(run.params).length
    const tags = Object.keys(run.tags).length
    const mark = `${run.status} ${run.endedAt} ${run.deleted} ${params} ${tags}`
    const known = readMark(marks.get(run.id))
    transfer.found.runs += 1
    transfer.found.params += params
    transfer.found.tags += tags
    transfer.runIds.push(run.id)
    if (known?.mark === mark && run.status !== 'running') {
      transfer.found.points += known.points
      count(transfer, known)
      transfer.places.set(run.id, { from: run.location, to: known.to })
      transfer.skipped += 1
    } else await wholeRun(transfer, { experiment, run, mark })
    transfer.onProgress(transfer.found.runs, run.name)
  }
}

type WholeRun = { experiment: string; run: SourceRun; mark: string }

async function wholeRun(transfer: Transfer, { experiment, run, mark }: WholeRun): Promise<void> {
  const { source, client } = transfer
  const { location, ...given } = run
  const files = await source.files(location)
  let to = ''
  let points = 0
  const send = async (metrics: Point[]) => {
    const { items } = await client.runs.importRuns({
      experiment,
      runs: [{ ...given, metrics, ...(files === undefined ? { location } : {}) }],
    })
    to = items[0]?.location ?? ''
  }
  for await (const some of source.points(run)) {
    for (let at = 0; at < some.length; at += pointsPerCall) await send(some.slice(at, at + pointsPerCall))
    points += some.length
  }
  if (points === 0) await send([])
  transfer.found.points += points
  transfer.places.set(run.id, { from: location, to })
  const copied = await copyFiles(transfer, files, to)
  count(transfer, copied)
  await client.runs.markImported({ items: [{ id: run.id, mark: writeMark({ mark, points, ...copied, to }) }] })
}
