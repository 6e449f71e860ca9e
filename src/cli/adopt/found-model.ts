import { parse } from 'yaml'
import { readMlmodel } from '../../domains/registry/registry.ts'
import type { DescribedRun, ModelSource, SourceModel } from '../import/import.ts'

type Version = SourceModel['versions'][number]
type Described = Awaited<ReturnType<typeof readMlmodel>>

/** The version whose facts a spec is written from, and why this one. */
type Chosen = { version: Version; because: 'alias' | 'stage' | 'newest'; alias?: string }

/** What an MLflow knows of one registered model. */
export type FoundModel = {
  name: string
  description: string
  versions: number
  /** Undefined where nothing was registered under the name yet. */
  chosen: Chosen | undefined
  mlmodel: Described | undefined
  /** The type of its answers as its signature has it, such as `double`. */
  answers: string | undefined
  run: DescribedRun | undefined
}

/** Aliases that teams give to what production answers with, the clearest first. */
const liveNames = ['live', 'production', 'prod', 'champion']

export async function describeModel(source: ModelSource, model: SourceModel): Promise<FoundModel> {
  const chosen = choose(model)
  const text = chosen && (await source.mlmodel(model.name, chosen.version))
  const mlmodel = text === undefined ? undefined : await readMlmodel(new TextEncoder().encode(text))
  const id = chosen?.version.run ?? mlmodel?.run
  return {
    name: model.name,
    description: model.description,
    versions: model.versions.length,
    chosen,
    mlmodel,
    answers: text === undefined ? undefined : answersOf(text),
    run: id === undefined ? undefined : await source.run(id),
  }
}

function choose({ versions, aliases }: SourceModel): Chosen | undefined {
  const named = Object.keys(aliases)
  for (const alias of liveNames.flatMap((live) => named.filter((name) => name.toLowerCase() === live))) {
    const version = versions.find(({ version }) => version === aliases[alias])
    if (version) return { version, because: 'alias', alias }
  }
  const newestFirst = versions.toSorted((a, b) => b.version - a.version)
  const staged = newestFirst.find(({ stage }) => stage === 'Production')
  if (staged) return { version: staged, because: 'stage' }
  const [version] = newestFirst
  return version && { version, because: 'newest' }
}

/** Columns say `type`, tensors `dtype`; MLflow writes them as JSON in YAML. */
function answersOf(mlmodel: string): string | undefined {
  try {
    const { signature } = parse(mlmodel) as { signature?: { outputs?: string } }
    const [first] = JSON.parse(signature?.outputs ?? '[]') as { type?: string; 'tensor-spec'?: { dtype?: string } }[]
    return first?.type === 'tensor' ? first['tensor-spec']?.dtype : first?.type
  } catch {
    // Whoever wrote it: then nothing is known of its answers, which the spec says.
    return undefined
  }
}
