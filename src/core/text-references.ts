import { sql } from 'kysely'
import type { Context } from './context.ts'

/**
 * What only remembers: the audit log and logs of what was done or sent name things without holding on to them.
 * Every other table, of this version or a later one, holds what it names.
 */
const remembering = new Set(['events', 'webhook_deliveries', 'kysely_migration', 'migrations'])

type Search = {
  pattern: RegExp
  /** What a text that may match contains, so that the database leaves out the others. */
  containing: string
  /** Tables that do not count, beside those that only remember. */
  except: readonly string[]
}

/**
 * Every text that matches `pattern` anywhere in the database. Whoever removes what nobody names asks here: a table that
 * is added later is looked at without anybody remembering to say so.
 */
export async function mentions(ctx: Context, { pattern, containing, except }: Search): Promise<Set<string>> {
  const found = new Set<string>()
  const global = new RegExp(pattern.source, 'g')
  for (const { table, columns } of await textColumns(ctx)) {
    if (remembering.has(table) || except.includes(table)) continue
    const chosen = sql.join(columns.map((column) => sql.ref(column)))
    const like = sql.join(
      columns.map((column) => sql`${sql.ref(column)} like ${`%${containing}%`}`),
      sql` or `,
    )
    const alive = table === 'jobs' ? sql` and finished_at is null` : sql``
    const { rows } = await sql<Record<string, string | null>>`
      select ${chosen} from ${sql.table(table)} where (${like})${alive}`.execute(ctx.db)
    for (const row of rows)
      for (const text of Object.values(row)) for (const match of (text ?? '').matchAll(global)) found.add(match[0])
  }
  return found
}

async function textColumns(ctx: Context): Promise<{ table: string; columns: string[] }[]> {
  const query = sql.raw<{ table_name: string; column_name: string }>(ctx.engine.textColumns)
  const columns = new Map<string, string[]>()
  for (const { table_name, column_name } of (await query.execute(ctx.db)).rows)
    columns.set(table_name, [...(columns.get(table_name) ?? []), column_name])
  return [...columns].map(([table, names]) => ({ table, columns: names }))
}
