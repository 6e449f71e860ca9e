import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Static, TSchema } from 'typebox'
import type { Input } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import type { TableOptions } from '../../core/tables/tables.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import { SourceFile } from '../../domains/datasets/contract.ts'
import { FeaturesFile } from '../../domains/features/contract.ts'
import { PipelineFile } from '../../domains/pipelines/contract.ts'
import { ProjectFile, type project } from '../../domains/project/contract.ts'
import { completeSpec, SpecFile, toldDefaults } from '../../domains/registry/spec/spec.ts'
import { type Inputs, readGoldenItems } from './golden-file.ts'
import type { Say } from './rows.ts'
import { readYaml } from './yaml-file.ts'

/** Everything that the files of a project say, read and checked before anything is sent. */
export async function readDefinitions(
  root: string,
  say: Say = () => undefined,
  dialect: TableOptions = {},
  inputsOf?: (model: string) => Promise<Inputs>,
): Promise<Input<(typeof project)['plan']>> {
  if (!existsSync(join(root, 'keel.yaml'))) {
    throw new AppError('invalid_file', 'There is no "keel.yaml" here.', {
      name: 'keel.yaml',
      hint: 'Run "keel init" to write one.',
    })
  }
  const file = readYaml(join(root, 'keel.yaml'), ProjectFile, 'keel.yaml')
  const features = readFolder(root, 'features', FeaturesFile)
  const written = readFolder(root, 'models', SpecFile)
  for (const file of written) for (const line of toldDefaults(file)) say(line)
  const models = written.map(completeSpec)
  const neighbours = { features, models, inputsOf }
  return {
    project: file.project,
    sources: readFolder(root, 'sources', SourceFile),
    features,
    golden: await Promise.all(
      (file.golden ?? []).map(async (definition) => ({
        definition,
        items: await readGoldenItems(definition, { ...dialect, path: join(root, definition.file), neighbours, say }),
      })),
    ),
    ...withoutUndefined({ prices: file.prices, alerts: file.alerts }),
    models,
    pipelines: readFolder(root, 'pipelines', PipelineFile),
  }
}

function readFolder<Schema extends TSchema>(root: string, folder: string, schema: Schema): Static<Schema>[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path)
    .filter((name) => name.endsWith('.yaml') || name.endsWith('.yml'))
    .sort()
    .map((name) => readYaml(join(path, name), schema, `${folder}/${name}`))
}
