import { SourceFile } from '../../src/domains/datasets/contract.ts'
import { GoldenFile } from '../../src/domains/evaluation/contract.ts'
import { FeaturesFile } from '../../src/domains/features/contract.ts'
import { PipelineFile } from '../../src/domains/pipelines/contract.ts'
import { ProjectFile } from '../../src/domains/project/contract.ts'
import { SpecFile } from '../../src/domains/registry/spec/short-spec.ts'
import { fieldTable } from './markdown.ts'
import { fieldsOf } from './schemas.ts'

/** Every file that a project may write down; `schema` is published under the name of its folder. */
export const files = [
  { name: 'keel.yaml', about: 'The project.', schema: ProjectFile },
  { name: 'sources/*.yaml', about: 'Where data come from, and what may be expected of them.', schema: SourceFile },
  { name: 'features/*.yaml', about: 'Entities, views and services of features.', schema: FeaturesFile },
  { name: 'pipelines/*.yaml', about: 'Steps that make one another’s inputs.', schema: PipelineFile },
  {
    name: 'golden',
    about: 'One entry of the list `golden` in `keel.yaml`; its items are a CSV or JSONL file.',
    schema: GoldenFile,
  },
  { name: 'models/*.yaml', about: 'What a model is for, and what it takes to ship it.', schema: SpecFile },
]

/** Everything that a project may write down. */
export function filesPage(): string {
  const described = files.map(({ name, about, schema }) => [`## ${name}`, about, fieldTable(fieldsOf(schema))])
  return [
    '# Files',
    '`keel plan` reads them, says what is wrong with file, line and the nearest known name, and what would change.',
    ...described.flat(),
  ].join('\n\n')
}
