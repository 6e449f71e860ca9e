import { dirname, join } from 'node:path'
import type { MlflowSource, Point, SourceRun } from '../source.ts'
import { openDatabase } from './database.ts'
import { describedModels } from './described-models.ts'
import { localFiles } from './local-files.ts'
import { loggedModelsOf } from './logged-models.ts'
import { modelsOf } from './models.ts'
import { groups, pairs, text } from './rows.ts'
import { runsOf } from './runs.ts'

const pointsPerPage = 20_000

/** `artifacts` is the folder that the server of the database kept artifacts in. */
export function openSqliteSource(path: string, artifacts: string | undefined): MlflowSource {
  const database = openDatabase(path)
  const folder = dirname(path)

  async function* experiments() {
    const tags = groups(database.from('experiment_tags', ''), 'experiment_id')
    for (const row of database.all('select * from experiments order by experiment_id')) {
      yield {
        id: text(row['experiment_id']),
        name: text(row['name']),
        tags: pairs(tags.get(text(row['experiment_id']))),
        createdAt: Number(row['creation_time'] ?? 0),
        updatedAt: Number(row['last_update_time'] ?? 0),
        deleted: row['lifecycle_stage'] === 'deleted',
      }
    }
  }

  async function* points({ id }: SourceRun) {
    let page: Point[] = []
    const select = 'select key, step, timestamp, value, is_nan from metrics where run_uuid = ?'
    for (const row of database.iterate(select, id)) {
      const value = row['is_nan'] === 1 ? null : Number(row['value'])
      page.push([text(row['key']), Number(row['step']), Number(row['timestamp']), value])
      if (page.length === pointsPerPage) {
        yield page
        page = []
      }
    }
    if (page.length > 0) yield page
  }

  const files = (location: string) => localFiles(location, folder, artifacts ?? join(folder, 'mlartifacts'))

  return {
    name: path,
    experiments,
    runs: (experiment) => runsOf(database, experiment),
    points,
    loggedModels: (experiment) => loggedModelsOf(database, experiment),
    models: () => modelsOf(database),
    files,
    ...describedModels(database, files),
    countRuns: async () => Number(database.all('select count(*) as n from runs')[0]?.['n'] ?? 0),
    close: () => database.close(),
  }
}
