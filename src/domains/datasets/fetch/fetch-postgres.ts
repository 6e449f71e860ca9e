import { createHash } from 'node:crypto'
import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'
import { readPostgres } from '../../../core/database/database.ts'
import { AppError, conflict } from '../../../core/errors.ts'
import { exactJson } from '../../../core/json/json.ts'
import type { Definition } from '../rules.ts'
import type { Progress } from './progress.ts'

type Query = Extract<NonNullable<Definition['from']>, { postgres: string }>

const batchRows = 2_000
const mostAtOneValue = 100_000

/** Takes the rows whose cursor is as great as the greatest so far, or greater, but for those that were taken already. */
export async function fetchPostgres(
  ctx: Context,
  { postgres, query, cursor: column }: Query,
  progress: Progress,
): Promise<string | null> {
  const url = readEnvironment()[postgres]
  if (url === undefined || !/^postgres(ql)?:\/\//.test(url))
    throw new AppError('not_found', `The environment of the server has no ${postgres} with postgres://….`, {
      name: postgres,
      hint: `Start it with ${postgres}=postgres://… .`,
    })
  let value = progress.cursor?.value
  let seen = new Set(progress.cursor?.seen)
  let number = 0
  ctx.log.debug({ source: progress.source, from: value }, 'rows are fetched')
  for await (const batch of readPostgres({ url, query, cursor: column, from: value, batch: batchRows })) {
    const broken: { row: number; what: string }[] = []
    const fresh = batch.flatMap((one) => {
      number += 1
      if (one.cursor === null) {
        broken.push({ row: number, what: `"${column}" is missing, by which rows are found` })
        return []
      }
      if (one.cursor !== value) {
        value = one.cursor
        seen = new Set()
      }
      const digest = createHash('sha256').update(exactJson(one.row)).digest('base64url').slice(0, 16)
      if (seen.has(digest)) return []
      seen.add(digest)
      return [{ number, row: one.row }]
    })
    if (seen.size > mostAtOneValue)
      throw conflict(`More than ${mostAtOneValue} rows have the same "${column}" (${value}).`, {
        name: column,
        hint: 'Name a column that tells them apart, such as a time with milliseconds or a counted number.',
      })
    const cursor = value === undefined ? null : { value, seen: [...seen] }
    await progress.add({ file: 'query', rows: fresh, broken }, async () => cursor)
  }
  return null
}
