import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { hasCode, invalidInput, notFound } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { specsHere } from '../adopt/existing.ts'
import { describeModel } from '../adopt/found-model.ts'
import { namesHere } from '../adopt/names.ts'
import { guessOutput } from '../adopt/output.ts'
import { type Origin, specText } from '../adopt/spec-text.ts'
import { projectFile } from '../files/template.ts'
import {
  type ModelSource,
  openApiSource,
  openFolderSource,
  openSqliteSource,
  type SourceModel,
} from '../import/import.ts'
import {
  answers,
  argument,
  defineCommand,
  flag,
  type Outcome,
  type Session,
  table,
  text,
  texts,
  type Values,
} from '../kit/kit.ts'

const options = {
  model: texts("only these, by MLflow's name or the one here (default: all)", 'name'),
  owner: text('who answers for them', 'person'),
  backup: text('who does when the owner is away; somebody else', 'person'),
  dryRun: flag('show what would be written'),
}
type Options = Values<typeof options>

type Adopted = {
  mlflow: string
  model: string
  file: string
  state: 'written' | 'would be written' | 'is here'
  versions: number
  version: number | null
  output: string
  text: string
}

export const command = defineCommand({
  summary: 'Write a spec for each registered model of an MLflow, with every default explained; nothing is overwritten',
  args: { place: argument('url-or-folder') },
  options,
  examples: [
    'keel adopt http://127.0.0.1:5000',
    'keel adopt http://127.0.0.1:5000 --model churn --dry-run',
    'keel adopt mlflow.db',
    'keel adopt ./mlruns',
  ],
  anywhere: true,
  async run(session, { args: { place }, options }) {
    const source = openPlace(session, place)
    try {
      const { models, prompts } = await listed(source)
      if (models.length === 0) return nothing(source.name, prompts)
      const origin = { place: source.name, importFrom: await importable(source.name) }
      const names = namesHere(models.map(({ name }) => name))
      const adopted: Adopted[] = []
      const here = specsHere(session.root)
      const progress = session.progress('models')
      const chosen = choose(models, names, options.model)
      for (const model of chosen) {
        progress.update(adopted.length, chosen.length, model.name)
        adopted.push(await adopt(source, model, { name: names.get(model.name) ?? model.name, here, origin, options }))
      }
      progress.end()
      return finish(session, adopted, origin, prompts, options.dryRun)
    } finally {
      source.close()
    }
  },
})

function openPlace({ io }: Session, place: string): ModelSource {
  if (/^https?:\/\//i.test(place)) return openApiSource(place, io.environment)
  const path = resolve(io.cwd, place.replace(/^sqlite:\/\/\//, '').replace(/^file:\/\//, ''))
  if (!existsSync(path)) {
    const isAddress = /^[a-z0-9.-]+:\d+(?:\/|$)/i.test(place)
    throw invalidInput(`There is no folder or file "${place}".`, {
      name: place,
      hint: isAddress
        ? `For a server write "keel adopt http://${place}".`
        : 'Give the address of an MLflow server, its mlflow.db, or a folder with MLmodel files.',
    })
  }
  if (!statSync(path).isDirectory()) return openSqliteSource(path, undefined)
  const database = join(path, 'mlflow.db')
  return existsSync(database) ? openSqliteSource(database, undefined) : openFolderSource(path)
}

/** Prompts need no spec of a model: "keel import mlflow" takes them over. */
async function listed(source: ModelSource): Promise<{ models: SourceModel[]; prompts: number }> {
  const found = new Map<string, SourceModel>()
  for await (const model of source.models()) found.set(model.name, model)
  const models = [...found.values()].filter(({ kind }) => kind === 'model')
  return { models: models.sort((a, b) => (a.name < b.name ? -1 : 1)), prompts: found.size - models.length }
}

function choose(models: SourceModel[], names: Map<string, string>, wanted: string[]): SourceModel[] {
  if (wanted.length === 0) return models
  const chosen = wanted.map((name) => {
    const exact = models.find((model) => model.name === name)
    const found = exact ?? models.find((model) => names.get(model.name) === name)
    if (found) return found
    const known = models.map((model) => model.name)
    const hint =
      didYouMean(name, known) ?? `There are ${known.slice(0, 10).join(', ')}${known.length > 10 ? ' …' : ''}.`
    throw notFound('Registered model', name, hint)
  })
  return [...new Set(chosen)]
}

async function adopt(
  source: ModelSource,
  model: SourceModel,
  { name, here, origin, options }: { name: string; here: Map<string, string>; origin: Origin; options: Options },
): Promise<Adopted> {
  const found = await describeModel(source, model)
  const existing = here.get(name)
  return {
    mlflow: model.name,
    model: name,
    file: existing ?? `models/${name}.yaml`,
    state: existing === undefined ? 'would be written' : 'is here',
    versions: found.versions,
    version: found.chosen?.version.version ?? null,
    output: guessOutput(found).output,
    text: specText(name, found, origin, options),
  }
}

function finish(session: Session, found: Adopted[], origin: Origin, prompts: number, dryRun: boolean): Outcome {
  const adopted = dryRun ? found : found.map((one) => write(session.root, one))
  const files = adopted.filter(({ state }) => state !== 'is here')
  if (!dryRun && files.length > 0) writeProject(session.root)
  const rows = adopted.map(({ mlflow, model, versions, version, output, file, state }) => [
    mlflow === model ? model : `${model} (there: ${mlflow})`,
    versions,
    version,
    output,
    `${file} ${state}`,
  ])
  const shown = dryRun && files.length <= 3 ? files.map(({ file, text }) => `\n${file}\n\n${text}`) : []
  const notes =
    prompts === 0
      ? []
      : [`${counted(prompts)} no spec; "keel import mlflow" takes ${prompts === 1 ? 'it' : 'them'} over.`]
  return {
    data: { from: origin.place, prompts, models: adopted.map(({ text, ...one }) => (dryRun ? { ...one, text } : one)) },
    text: [table(['model', 'versions', 'looked at', 'answers', 'spec'], rows), ...notes, ...shown].join('\n'),
    next: dryRun
      ? [`keel adopt ${origin.place}`]
      : ['keel plan', ...(origin.importFrom === undefined ? [] : [`keel import mlflow --from ${origin.importFrom}`])],
  }
}

/** A file that came into being meanwhile is somebody's, too. */
function write(root: string, adopted: Adopted): Adopted {
  if (adopted.state === 'is here') return adopted
  mkdirSync(join(root, 'models'), { recursive: true })
  try {
    writeFileSync(join(root, adopted.file), adopted.text, { flag: 'wx' })
    return { ...adopted, state: 'written' }
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return { ...adopted, state: 'is here' }
    throw error
  }
}

/** Without a project "keel plan" would read nothing. */
function writeProject(root: string): void {
  if (existsSync(join(root, 'keel.yaml'))) return
  writeFileSync(join(root, 'keel.yaml'), projectFile(basename(root)), { flag: 'wx' })
}

function nothing(place: string, prompts: number): Outcome {
  const also = prompts === 0 ? '' : ` ${counted(prompts)} no spec.`
  return {
    data: { from: place, prompts, models: [] },
    text: `"${place}" has no registered model.${also} mlflow.register_model, or registered_model_name= of log_model, registers one.`,
  }
}

const counted = (prompts: number) => (prompts === 1 ? '1 prompt needs' : `${prompts} prompts need`)

/** Where versions can be imported from: what Evenkeel itself has is here, and a folder has no importer. */
async function importable(place: string): Promise<string | undefined> {
  if (/^https?:\/\//i.test(place)) return (await answers(place)) ? undefined : place
  return statSync(place).isDirectory() ? undefined : place
}
