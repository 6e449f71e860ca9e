import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { parse } from '../../core/validate.ts'
import { Signature } from '../../domains/registry/contract.ts'
import {
  argument,
  type Command,
  defineCommand,
  facts,
  flag,
  listing,
  listOptions,
  modelVersion,
  moment,
  type Outcome,
  optionalArgument,
  required,
  type Session,
  table,
  text,
  texts,
  type Values,
} from '../kit/kit.ts'
import { compareRuns, type Run } from '../tracking/run-comparison.ts'
import { putArtifact } from '../transfer/artifact-files.ts'
import { changeAlias, exportVersion } from '../transfer/registry-actions.ts'

/** A table of rows that a model was trained on, which was joined somewhere else. */
const referenceOptions = {
  label: text('the column with the outcome', 'column'),
  time: text('the column with the moment of an example ("time", where it has one)', 'column'),
  rowsFrom: text('the declared source that the rows come from', 'source'),
}

const registerOptions = {
  file: required(text('the model, or the folder that MLflow’s client saved', 'model.onnx')),
  signature: text('names and types of its inputs; a folder of MLflow says them itself', 'signature.json'),
  reference: text('the rows that it was trained on: .parquet, .csv or .jsonl', 'file'),
  ...referenceOptions,
  service: text('feature service that it reads', 'service'),
  trainingSet: text('what it was trained on', 'id'),
  run: text('the run that made it (in a pipeline step it is known)', 'run'),
  description: text('what is new'),
  source: texts('further sources it is grounded in', 'source'),
}

export const command: Command = {
  summary: 'Registered models and their versions',
  commands: {
    list: defineCommand({
      summary: 'Models',
      options: listOptions,
      async run(session, input) {
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.registry.listModels({ kind: 'model', ...paging }),
          headers: ['model', 'versions', 'aliases', 'owner'],
          row: (model) => [model.name, model.latestVersion, aliasLine(model.aliases), model.spec?.owner],
        })
      },
    }),
    versions: defineCommand({
      summary: 'Versions of a model, newest first',
      args: { model: argument() },
      options: listOptions,
      async run(session, input) {
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.registry.listVersions({ model: input.args.model, ...paging }),
          headers: ['version', 'aliases', 'service', 'description', 'tainted by', 'created'],
          row: (row) => [
            `v${row.version}`,
            row.aliases.join(', '),
            row.service,
            row.description,
            row.tainted.join(', '),
            moment(row.createdAt),
          ],
        })
      },
    }),
    diff: defineCommand({
      summary: 'What changed from one version to another: where it comes from, its params and metrics',
      args: { from: argument(), to: argument() },
      examples: ['keel models diff flight-delay@1 flight-delay@2'],
      run: (session, { args: { from, to } }) => diff(session, from, to),
    }),
    alias: defineCommand({
      summary: 'Point an alias at a version, or remove it',
      args: { given: argument('model@version'), alias: argument() },
      options: { remove: flag('remove the alias (of any version of the model)') },
      run: (session, { args: { given, alias }, options: { remove } }) => changeAlias(session, given, alias, remove),
    }),
    aliases: defineCommand({
      summary: 'Where the aliases of a model pointed, and who moved them',
      args: { model: argument(), alias: optionalArgument() },
      async run(session, { args: { model, alias } }) {
        const client = await session.client()
        const { items } = await client.registry.aliasHistory({ model, alias })
        return {
          data: items,
          text: table(
            ['alias', 'version', 'since', 'by', 'through'],
            items.map((row) => [row.alias, row.version, moment(row.at), row.by, row.cause]),
          ),
        }
      },
    }),
    export: defineCommand({
      summary: 'The files of a version and what is known about it, in a folder',
      args: { given: argument('model@version') },
      options: { to: text('the folder (default: the name and the number)', 'folder') },
      run: (session, { args: { given }, options: { to } }) => exportVersion(session, given, to),
    }),
    show: defineCommand({
      summary: 'One version with its lineage',
      args: { given: argument('model@version') },
      async run(session, { args: { given } }) {
        const client = await session.client()
        const key = modelVersion(given)
        const [version, lineage] = [await client.registry.getVersion(key), await client.registry.lineage(key)]
        return {
          data: { version, lineage },
          text: [
            facts([
              ['version', `${version.model}@${version.version}`],
              ['what', version.description],
              ['artifact', version.artifact],
              ['inputs', inputLine(version.signature)],
              ['tainted by', version.tainted.length === 0 ? 'nothing' : version.tainted.join(', ')],
              ['scan', version.scan?.state ?? 'nothing to scan'],
            ]),
            ...(version.scan && version.scan.findings.length > 0
              ? [
                  table(
                    ['scan', 'found', 'file', 'what'],
                    version.scan.findings.map(({ severity, kind, file, detail }) => [severity, kind, file, detail]),
                  ),
                ]
              : []),
            table(
              ['made from', 'name', 'detail'],
              lineage.nodes.map((node) => [node.kind, node.name, node.detail]),
            ),
          ].join('\n\n'),
          next: [`keel gate ${given}`],
        }
      },
    }),
    reference: defineCommand({
      summary: 'Say which rows a version was trained on: for its baseline, drift, skew and leakage',
      args: { given: argument('model@version'), file: argument('train.parquet') },
      options: referenceOptions,
      examples: ['keel models reference churn@1 train.parquet --label churned --time signed_up'],
      async run(session, { args: { given, file }, options }) {
        const client = await session.client()
        const set = await putReference(session, file, options)
        const version = await client.registry.setTrainingSet({ ...modelVersion(given), trainingSet: set.id })
        return {
          data: { version, trainingSet: set },
          text: [`${given} was trained on ${set.id}: ${describeReference(set)}.`, ...(version.warnings ?? [])].join(
            '\n',
          ),
          next: [`keel gate ${given}`],
        }
      },
    }),
    register: defineCommand({
      summary: 'Register a version: a model file with its signature and where it comes from',
      args: { model: argument() },
      options: registerOptions,
      run: (session, { args: { model }, options }) => register(session, model, options),
    }),
  },
}

function inputLine(signature: Signature | null): string {
  if (signature === null) return 'not known'
  const { inputs, inferred } = signature
  const from =
    inferred &&
    { training_set: 'inferred from its training rows', predictions: 'inferred from its predictions' }[inferred]
  return `${inputs.map(({ name }) => name).join(', ')}${from === undefined ? '' : ` (${from})`}`
}

async function diff(session: Session, from: string, to: string): Promise<Outcome> {
  const client = await session.client()
  const before = await client.registry.getVersion(modelVersion(from))
  const after = await client.registry.getVersion(modelVersion(to))
  const facts = (version: typeof before) => ({
    artifact: version.artifact,
    flavor: version.flavor,
    service: version.service,
    'training set': version.trainingSet,
    code: version.code,
    uri: version.uri,
    stage: version.stage,
    description: version.description,
    signature: version.signature === null ? null : JSON.stringify(version.signature),
    aliases: version.aliases.join(', '),
    'tainted by': version.tainted.join(', '),
  })
  const [old, now] = [facts(before), facts(after)]
  const changes = Object.entries(now)
    .map(([what, value]) => ({ what, from: old[what as keyof typeof old], to: value }))
    .filter(({ from, to }) => from !== to)
  const runs: Run[] = []
  for (const { run } of [before, after]) if (run !== null) runs.push(await client.runs.get({ run }))
  const logged = runs.length === 2 ? compareRuns(runs, false) : []
  const all = [
    ...changes,
    ...logged.map(({ kind, key, values: [from = null, to = null] }) => ({
      what: `${kind.slice(0, -1)} ${key}`,
      from,
      to,
    })),
  ]
  return {
    data: all,
    text: table(
      ['', from, to],
      all.map(({ what, from, to }) => [what, from, to]),
    ),
  }
}

function aliasLine(aliases: Record<string, number>): string {
  return Object.entries(aliases)
    .map(([alias, version]) => `${alias}=v${version}`)
    .join(' ')
}

async function register(session: Session, model: string, options: Values<typeof registerOptions>): Promise<Outcome> {
  const client = await session.client()
  const { file, service, description } = options
  const signature = options.signature === undefined ? undefined : readSignature(session, options.signature)
  const reference =
    options.reference === undefined ? undefined : await putReference(session, options.reference, options)
  const trainingSet = options.trainingSet ?? reference?.id
  const { digest: artifact, files } = await putArtifact(session, { place: resolve(session.io.cwd, file), shown: file })
  const flavor = files.some(({ path }) => path === 'MLmodel') ? 'mlflow' : 'onnx'
  const { environment } = session.io
  const run = options.run ?? environment['KEEL_RUN']
  const code = environment['KEEL_CODE']
  const version = await client.registry.registerVersion({
    model,
    flavor,
    artifact,
    signature,
    service,
    trainingSet,
    run,
    code,
    description,
    sources: options.source,
  })
  return {
    data: version,
    text: [
      `${model}@${version.version} registered (${artifact}).`,
      ...(version.warnings ?? []).map((warning) => `Warning: ${warning}`),
    ].join('\n'),
    next: [`keel gate ${model}@${version.version}`],
  }
}

async function putReference(
  session: Session,
  file: string,
  { label, time, rowsFrom }: Values<typeof referenceOptions>,
) {
  const client = await session.client()
  const { digest: artifact } = await putArtifact(session, { place: resolve(session.io.cwd, file), shown: file })
  return client.features.importTrainingSet({ artifact, label, time, source: rowsFrom })
}

type TrainingSet = Awaited<ReturnType<typeof putReference>>

function describeReference({ rows, columns, from, to, label }: TrainingSet): string {
  const period = from === null || to === null ? 'of no known time' : `from ${moment(from)} to ${moment(to)}`
  return `${rows} rows ${period}, ${columns.length} columns${label === null ? ', no label' : `, label "${label}"`}`
}

function readSignature(session: Session, path: string) {
  const full = resolve(session.io.cwd, path)
  try {
    return parse(Signature, JSON.parse(readFileSync(full, 'utf8')), { code: 'invalid_file', what: path })
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('invalid_file', `The signature "${path}" cannot be read.`, { name: path, cause })
  }
}
