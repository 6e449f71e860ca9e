import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import { parse } from '../../core/validate.ts'
import { Signature } from '../../domains/registry/contract.ts'
import type { Command } from '../command.ts'
import { list, modelVersion, string } from '../input.ts'
import { facts, moment, table } from '../output.ts'
import type { Session } from '../session.ts'

export const command: Command = {
  summary: 'Registered models and their versions',
  commands: {
    list: {
      summary: 'Models',
      async run(session) {
        const { items } = await (await session.client()).registry.listModels({ kind: 'model' })
        return {
          data: items,
          text: table(
            ['model', 'versions', 'aliases', 'owner'],
            items.map((model) => [
              model.name,
              model.latestVersion,
              Object.entries(model.aliases)
                .map(([alias, version]) => `${alias}=v${version}`)
                .join(' '),
              model.spec?.owner,
            ]),
          ),
        }
      },
    },
    versions: {
      summary: 'Versions of a model, newest first',
      arguments: '<model>',
      async run(session, { args: [model = ''] }) {
        const { items } = await (await session.client()).registry.listVersions({ model })
        return {
          data: items,
          text: table(
            ['version', 'aliases', 'service', 'description', 'tainted by', 'created'],
            items.map((row) => [
              `v${row.version}`,
              row.aliases.join(', '),
              row.service,
              row.description,
              row.tainted.join(', '),
              moment(row.createdAt),
            ]),
          ),
        }
      },
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

async function register(session: Session, { args: [model = ''], options }: Parameters<NonNullable<Command['run']>>[1]) {
  const client = await session.client()
  const signature = readSignature(session, string(options['signature']) ?? '')
  const artifact = await upload(client, resolve(session.io.cwd, string(options['file']) ?? ''))
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

async function upload(client: Client<Api>, path: string): Promise<string> {
  let bytes: Buffer<ArrayBuffer>
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new AppError('invalid_file', `The file "${path}" cannot be read.`, { name: path, cause })
  }
  const { digest, size } = await client.artifacts.putBlob({}, bytes)
  const artifact = await client.artifacts.create({ files: [{ path: basename(path), digest, size }] })
  return artifact.digest
}
