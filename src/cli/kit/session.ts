import { join, resolve } from 'node:path'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { type ResolvedConfig, resolveConfig } from '../../core/config.ts'
import { type Connection, connect } from './connection.ts'
import { colours, type Io } from './io.ts'
import { createProgress, type Progress } from './progress.ts'
import { findProject } from './project-folder.ts'

/** A word with the words that may follow it, and those that its options may be. */
export type Word = { name: string; summary: string; children: string[]; options: Record<string, string[]> }

/** The command line as its own commands see it. */
export type CommandLine = {
  /** Runs one command line and returns its exit code. */
  run(argv: string[], io: Io): Promise<number>
  words(): Promise<Word[]>
}

/** What a command works with: where it is, whom it talks to, how it tells. */
export type Session = {
  readonly io: Io
  readonly flags: Record<string, string | undefined>
  readonly json: boolean
  readonly commandLine: CommandLine
  /** The project's folder; the current one when there is none. */
  readonly root: string
  readonly hasProject: boolean
  settings(): Promise<ResolvedConfig>
  /** The typed client of the running server, or of the same app in this process. */
  client(): Promise<Client<Api>>
  /** The address behind the client. */
  url(): Promise<string>
  progress(title: string): Progress
  /** A line for people, on stderr. */
  say(line: string): void
  close(): Promise<void>
}

type Options = { io: Io; flags: Record<string, string | undefined>; json: boolean; commandLine: CommandLine }

export function createSession({ io, flags, json, commandLine }: Options): Session {
  const chosen = flags['project']
  const project = chosen === undefined ? findProject(io.cwd) : resolve(io.cwd, chosen)
  const root = project ?? io.cwd
  let resolved: Promise<ResolvedConfig> | undefined
  let connection: Promise<Connection> | undefined

  const session: Session = {
    io,
    flags,
    json,
    commandLine,
    root,
    hasProject: project !== undefined,
    settings() {
      resolved ??= readSettings(root, project !== undefined, flags, io.environment)
      return resolved
    },
    async client() {
      connection ??= connect(session)
      return (await connection).client
    },
    async url() {
      connection ??= connect(session)
      return (await connection).url
    },
    progress: (title) => createProgress(io, title),
    say(line) {
      io.stderr.write(`${colours(io, io.stderr)('dim', line)}\n`)
    },
    async close() {
      const opened = await connection?.catch(() => undefined)
      await opened?.close()
    },
  }
  return session
}

async function readSettings(
  root: string,
  hasProject: boolean,
  flags: Record<string, string | undefined>,
  environment: NodeJS.ProcessEnv,
): Promise<ResolvedConfig> {
  if (!hasProject) return resolveConfig({ flags, environment })
  const { readYaml } = await import('../files/yaml-file.ts')
  const { ProjectFile } = await import('../../domains/project/contract.ts')
  const file = readYaml(join(root, 'keel.yaml'), ProjectFile, 'keel.yaml')
  const { data, host, port, url, database, log, memory, egress, blobs, cache, models } = file
  return resolveConfig({
    flags,
    environment,
    file: {
      data,
      host,
      port: port?.toString(),
      url,
      database,
      log,
      memory,
      egress,
      blobs,
      cache,
      refuse: models?.refuse?.join(),
    },
  })
}
