import { type Count, countsOf } from './counts.ts'
import { importLoggedModels } from './import-logged-models.ts'
import { importModels } from './import-models.ts'
import { importRuns } from './import-runs.ts'
import { type ImportOptions, startTransfer } from './transfer.ts'

export type Summary = { counts: Count[]; skipped: number; elsewhere: number }

/** Everything in an order in which each thing finds what it points at. What is complete from an earlier try is passed over. */
export async function importMlflow(options: ImportOptions): Promise<Summary> {
  const { source, client } = options
  const transfer = startTransfer(options)
  for await (const { id, ...experiment } of source.experiments()) {
    const { id: ours } = await client.runs.importExperiment(experiment)
    transfer.found.experiments += 1
    transfer.kept.experiments += 1
    for await (const page of source.loggedModels(id)) await importLoggedModels(transfer, ours, page)
    for await (const page of source.runs(id)) await importRuns(transfer, ours, page)
  }
  const registry = await importModels(transfer)
  const counts = [...(await countsOf(transfer)), ...registry]
  return { counts, skipped: transfer.skipped, elsewhere: transfer.elsewhere }
}
