import { isPrompt, promptText, type SourceModel, toIso, toStage } from '../source.ts'
import type { MlflowDatabase } from './database.ts'
import { pairs, type Row, text, textOrNull } from './rows.ts'

/** Registered models, prompts among them, with all their versions. */
export async function* modelsOf(database: MlflowDatabase): AsyncGenerator<SourceModel> {
  const { from } = database
  for (const row of from('registered_models', 'order by name')) {
    const name = text(row['name'])
    const tags = pairs(from('registered_model_tags', 'where name = ?', name))
    const aliases = from('registered_model_aliases', 'where name = ?', name)
    const versions = from('model_versions', 'where name = ? order by version', name).filter(
      (version) => version['current_stage'] !== 'Deleted_Internal',
    )
    yield {
      name,
      kind: isPrompt(tags) ? ('prompt' as const) : ('model' as const),
      description: text(row['description']),
      tags,
      aliases: Object.fromEntries(aliases.map(({ alias, version }) => [text(alias), Number(version)])),
      createdAt: toIso(row['creation_time']),
      updatedAt: toIso(row['last_updated_time']),
      versions: versions.map((version) => versionOf(database, name, version)),
    }
  }
}

function versionOf({ from }: MlflowDatabase, name: string, row: Row): SourceModel['versions'][number] {
  const tags = pairs(from('model_version_tags', 'where name = ? and version = ?', name, Number(row['version'])))
  const run = text(row['run_id'])
  return {
    version: Number(row['version']),
    uri: text(row['source']),
    ...(tags[promptText] === undefined ? {} : { prompt: tags[promptText] }),
    ...(run === '' ? {} : { run }),
    user: text(row['user_id']),
    stage: toStage(textOrNull(row['current_stage'])),
    description: text(row['description']),
    tags,
    createdAt: toIso(row['creation_time']),
    updatedAt: toIso(row['last_updated_time']),
  }
}
