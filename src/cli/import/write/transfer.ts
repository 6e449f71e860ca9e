import type { Client } from '../../../client/client.ts'
import type { Api } from '../../../contract.ts'
import type { MlflowSource, SourceFile } from '../source.ts'

export type ImportOptions = {
  source: MlflowSource
  client: Client<Api>
  /** Sends the bytes of one file to a path in our tree of artifacts. */
  putFile(path: string, file: SourceFile): Promise<void>
  onProgress(done: number, note: string): void
}

/** Of a run or a logged model: where its files were at the source, and where they are here. */
export type Places = Map<string, { from: string; to: string }>

/** An import on its way: what was found at the source so far, and what of it is kept here. */
export type Transfer = ImportOptions & {
  found: {
    experiments: number
    runs: number
    params: number
    tags: number
    points: number
    loggedModels: number
  } & FileTotals
  kept: { experiments: number; loggedModels: number } & FileTotals
  places: Places
  runIds: string[]
  /** Runs that were complete from an earlier try. */
  skipped: number
  /** Places of files that this program cannot read. */
  elsewhere: number
}

type FileTotals = { files: number; bytes: number }

export function startTransfer(options: ImportOptions): Transfer {
  return {
    ...options,
    found: { experiments: 0, runs: 0, params: 0, tags: 0, points: 0, loggedModels: 0, files: 0, bytes: 0 },
    kept: { experiments: 0, loggedModels: 0, files: 0, bytes: 0 },
    places: new Map(),
    runIds: [],
    skipped: 0,
    elsewhere: 0,
  }
}

export async function copyFiles(transfer: Transfer, files: SourceFile[] | undefined, to: string): Promise<FileTotals> {
  if (files === undefined) transfer.elsewhere += 1
  const folder = to.replace(/^mlflow-artifacts:\/*/, '')
  let bytes = 0
  for (const file of files ?? []) {
    await transfer.putFile(`${folder}/${file.path}`, file)
    bytes += file.size
  }
  return { files: files?.length ?? 0, bytes }
}

export function count({ found, kept }: Transfer, copied: FileTotals): void {
  for (const total of [found, kept]) {
    total.files += copied.files
    total.bytes += copied.bytes
  }
}
