import type { SourceLoggedModel } from '../source.ts'
import { marksOf, readMark, writeMark } from './marks.ts'
import { copyFiles, count, type Transfer } from './transfer.ts'

/** Sends logged models to an experiment of ours, with their files. */
export async function importLoggedModels(
  transfer: Transfer,
  experiment: string,
  models: SourceLoggedModel[],
): Promise<void> {
  const { source, client } = transfer
  const marks = await marksOf(
    client,
    models.map(({ id }) => id),
  )
  for (const model of models) {
    const { location, ...given } = model
    const files = await source.files(location)
    const { items } = await client.runs.importLoggedModels({
      experiment,
      models: [files === undefined ? { ...given, location } : given],
    })
    const to = items[0]?.location ?? ''
    transfer.places.set(model.id, { from: location, to })
    transfer.found.loggedModels += 1
    transfer.kept.loggedModels += items.length
    const mark = `${model.status} ${model.updatedAt}`
    const known = readMark(marks.get(model.id))
    if (known?.mark === mark) {
      count(transfer, known)
      continue
    }
    const copied = await copyFiles(transfer, files, to)
    count(transfer, copied)
    await client.runs.markImported({ items: [{ id: model.id, mark: writeMark({ mark, points: 0, ...copied }) }] })
  }
}
