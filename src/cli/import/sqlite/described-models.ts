import { text as readAll } from 'node:stream/consumers'
import { type DescribedModels, isMlmodel, type MlflowSource } from '../source.ts'
import type { MlflowDatabase } from './database.ts'
import { text } from './rows.ts'
import { findRun } from './runs.ts'

/** What a database and the folder of its artifacts know of a version. */
export function describedModels(database: MlflowDatabase, files: MlflowSource['files']): DescribedModels {
  const { from, all } = database
  const placeOf = (uri: string, run = ''): string => {
    const logged = /^models:\/(m-[0-9a-f]{32})/.exec(uri)?.[1]
    if (logged !== undefined) return text(from('logged_models', 'where model_id = ?', logged)[0]?.['artifact_location'])
    const inRun = /^runs:\/[^/]+\/(.*)$/.exec(uri)?.[1]
    return inRun === undefined ? uri : `${text(from('runs', 'where run_uuid = ?', run)[0]?.['artifact_uri'])}/${inRun}`
  }
  return {
    async mlmodel(_, { uri, run }) {
      const place = placeOf(uri, run)
      const file = (place === '' ? [] : await files(place))?.find(({ path }) => path === 'MLmodel')
      if (!file) return undefined
      const body = await readAll(await file.open())
      return isMlmodel(body) ? body : undefined
    },
    async run(id) {
      const run = findRun(database, id)
      const rows = all('select distinct key from metrics where run_uuid = ? order by key', id)
      return run && { ...run, measured: rows.map(({ key }) => text(key)) }
    },
  }
}
