import type { Context } from '../../core/context.ts'
import { notFound } from '../../core/errors.ts'
import * as store from './store.ts'

export async function requireSource(ctx: Context, name: string): Promise<store.SourceRecord> {
  const row = await store.findSource(ctx, name)
  if (!row)
    throw notFound('Source', name, 'Declare it in sources/ and run "keel apply"; list them with "keel data list".')
  return row
}
