import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { parse } from '../../core/validate.ts'
import { Signature } from '../../domains/registry/contract.ts'
import {
  type Command,
  type CommandInput,
  facts,
  list,
  listing,
  listOptions,
  modelVersion,
  moment,
  type Outcome,
  type Session,
  string,
  table,
} from '../kit/kit.ts'
import { compareRuns, type Run } from '../tracking/run-comparison.ts'
import { putArtifact } from '../transfer/artifact-files.ts'
import { changeAlias, exportVersion } from '../transfer/registry-actions.ts'

export const command: Command = {
  summary: 'Registered models and their versions',
  commands: {
    list: {
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
    },
    versions: {
      summary: 'Versions of a model, newest first',
      arguments: '<model>',
      options: listOptions,
      async run(session, input) {
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.registry.listVersions({ model: input.args[0] ?? '', ...paging }),
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
    },
    diff: {
      summary: 'What changed from one version to another: where it comes from, its params and metrics',
      arguments: '<from> <to>',
      examples: ['keel models diff flight-delay@1 flight-delay@2'],
      run: diff,
    },
    alias: {
      summary: 'Point an alias at a version, or remove it',
      arguments: '<model@version> <alias>',
      options: [{ flags: '--remove', help: 'remove the alias (of any version of the model)' }],
      run: (session, input) => changeAlias(session, input),
    },
    aliases: {
      summary: 'Where the aliases of a model pointed, and who moved them',
      arguments: '<model> [alias]',
      async run(session, { args: [model = '', alias] }) {
        const client = await session.client()
        const { items } = await client.registry.aliasHistory({ model, ...(alias === undefined ? {} : { alias }) })
        return {
          data: items,
          text: table(
            ['alias', 'version', 'since', 'by', 'through'],
            items.map((row) => [row.alias, row.version, moment(row.at), row.by, row.cause]),
          ),
        }
      },
    },
    export: {
      summary: 'The files of a version and what is known about it, in a folder',
      arguments: '<model@version>',
      options: [{ flags: '--to <folder>', help: 'the folder (default: the name and the number)' }],
      run: exportVersion,
    },
    show: {
      summary: 'One version with its lineage',
      arguments: '<model@version>',
      async run(session, { args: [given = ''] }) {
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
    },
    register: {
      summary: 'Register a version: a model file with its signature and where it comes from',
      arguments: '<model>',
      options: [
        { flags: '--file <model.onnx>', help: 'the model', required: true },
        { flags: '--signature <signature.json>', help: 'names and types of its inputs', required: true },
        { flags: '--service <service>', help: 'feature service that it reads' },
        { flags: '--training-set <id>', help: 'what it was trained on' },
        { flags: '--run <run>', help: 'the run that made it (in a pipeline step it is known)' },
        { flags: '--description <text>', help: 'what is new' },
        { flags: '--source <source...>', help: 'further sources it is grounded in' },
      ],
      run: register,
    },
  },
}

async function diff(session: Session, { args: [from = '', to = ''] }: CommandInput): Promise<Outcome> {
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

async function register(session: Session, { args: [model = ''], options }: Parameters<NonNullable<Command['run']>>[1]) {
  const client = await session.client()
  const signature = readSignature(session, string(options['signature']) ?? '')
  const file = string(options['file']) ?? ''
  const { digest: artifact } = await putArtifact(session, { place: resolve(session.io.cwd, file), shown: file })
  const { environment } = session.io
  const run = string(options['run']) ?? environment['KEEL_RUN']
  const code = environment['KEEL_CODE']
  const service = string(options['service'])
  const trainingSet = string(options['trainingSet'])
  const description = string(options['description'])
  const version = await client.registry.registerVersion({
    model,
    flavor: 'onnx',
    artifact,
    signature,
    ...(service === undefined ? {} : { service }),
    ...(trainingSet === undefined ? {} : { trainingSet }),
    ...(run === undefined ? {} : { run }),
    ...(code === undefined ? {} : { code }),
    ...(description === undefined ? {} : { description }),
    sources: list(options['source']),
  })
  return {
    data: version,
    text: `${model}@${version.version} registered (${artifact}).`,
    next: [`keel gate ${model}@${version.version}`],
  }
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
