import type { Context } from '../../../core/context.ts'
import { AppError, conflict } from '../../../core/errors.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../append.ts'
import type { Row } from '../rules.ts'
import * as store from './fetch-store.ts'

/** A row, with the number under which somebody finds it where it comes from. */
export type FoundRow = { number: number; row: Row }

/** One look at the place of a source: what it has added, and the way to add more. */
export type Progress = {
  source: string
  /** Where a query goes on, as it was saved. */
  cursor: store.Cursor | null
  rows: number
  bad: number
  /** Another server began to read the same place: it goes on where this look ended. */
  lost: boolean
  /** Adds rows and says in the same transaction how far it got; rows that are refused are listed, and the others added. */
  /** A file is read from its beginning: what was said of its rows before is over. */
  forget(file: string): Promise<void>
  add(batch: { file: string; rows: readonly FoundRow[]; broken?: readonly BadRow[] }, save: Save): Promise<void>
}
type BadRow = { row: number; what: string }
/** Runs in the transaction of its rows; the cursor of a query, or null. */
type Save = (ctx: Context) => Promise<store.Cursor | null>

/** More are counted, and not listed. */
const mostBadRows = 1_000

/** Goes on where the last look ended; another place than before is read from its beginning. */
export async function openProgress(ctx: Context, source: string, place: string): Promise<Progress> {
  let { revision, cursor } = await transaction(ctx, async (ctx) => {
    const known = await store.findFetch(ctx, source)
    const { revision = 0, at = '' } = known ?? {}
    const next: store.FetchRecord = {
      source,
      revision: Number(revision) + 1,
      place,
      cursor: known?.place === place ? known.cursor : null,
      at,
      rows: 0,
      bad: Number(known?.bad ?? 0),
      problem: known?.problem ?? null,
    }
    await store.saveFetch(ctx, next)
    return next
  })
  const progress: Progress = {
    source,
    cursor,
    rows: 0,
    bad: 0,
    lost: false,
    async forget(file) {
      await transaction(ctx, async (ctx) => {
        const forgotten = await store.forgetBadRows(ctx, source, file)
        const known = forgotten === 0 ? undefined : await store.findFetch(ctx, source)
        if (known) await store.saveFetch(ctx, { ...known, bad: Math.max(0, Number(known.bad) - forgotten) })
      })
    },
    async add({ file, rows, broken = [] }, save) {
      const done = await transaction(ctx, async (ctx) => {
        const known = await store.findFetch(ctx, source)
        progress.lost = !known || Number(known.revision) !== revision
        if (!known || progress.lost)
          throw conflict(`"${source}" is fetched by another server at this moment.`, { name: source })
        const refused = await addRows(ctx, source, rows)
        const bad = [...broken, ...refused]
        const room = mostBadRows - (await store.countBadRows(ctx, source))
        const at = ctx.now().toISOString()
        await store.saveBadRows(
          ctx,
          bad.slice(0, Math.max(0, room)).map((one) => ({ source, file, ...one, at })),
        )
        const cursor = await save(ctx)
        await store.saveFetch(ctx, { ...known, revision: revision + 1, cursor, bad: Number(known.bad) + bad.length })
        return { added: rows.length - refused.length, bad: bad.length }
      })
      revision += 1
      progress.rows += done.added
      progress.bad += done.bad
    },
  }
  return progress
}

/** Adds all that are taken together, and finds by halves the ones that are not. */
async function addRows(ctx: Context, source: string, rows: readonly FoundRow[]): Promise<BadRow[]> {
  const [first] = rows
  if (!first) return []
  try {
    await append(ctx, { source, rows: rows.map(({ row }) => row) })
    return []
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_input') throw error
    if (rows.length === 1) return [{ row: first.number, what: whatOf(error) }]
  }
  const middle = Math.ceil(rows.length / 2)
  const found = await addRows(ctx, source, rows.slice(0, middle))
  return [...found, ...(await addRows(ctx, source, rows.slice(middle)))]
}

/** What is wrong with the only row that was looked at. */
function whatOf({ issues, message }: AppError): string {
  if (issues === undefined) return message.replace(/^Row 1: /, '').replace(/\.?( Nothing was stored\.)?$/, '')
  return issues.map(({ path, message }) => `"${path.replace(/^1\./, '')}": ${message}`).join('; ')
}
