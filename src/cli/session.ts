import { join, resolve } from 'node:path'
import type { App } from '../app.ts'
import { type Client, createClient } from '../client/client.ts'
import type { Api } from '../contract.ts'
import { type Config, type ResolvedConfig, resolveConfig } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { readOwner } from '../core/lock.ts'
import { colours, type Io } from './io.ts'
import { createProgress, type Progress } from './progress.ts'
import { demoFolder, findProject } from './project-folder.ts'

/** What a command works with: where it is, whom it talks to, how it tells. */
export type Session = {
  readonly io: Io
  readonly flags: Record<string, string | undefined>
  readonly json: boolean
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

type Connection = { client: Client<Api>; url: string; app?: App }

export function createSession(io: Io, flags: Record<string, string | undefined>, json: boolean): Session {
  const chosen = flags['project']
  const project = chosen === undefined ? findProject(io.cwd) : resolve(io.cwd, chosen)
  const root = project ?? io.cwd
  let resolved: Promise<ResolvedConfig> | undefined
  let connection: Promise<Connection> | undefined

  const session: Session = {
    io,
    flags,
    json,
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
      const { app } = (await connection?.catch(() => undefined)) ?? {}
      await app?.close()
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
  const { readYaml } = await import('./yaml-file.ts')
  const { ProjectFile } = await import('../domains/project/contract.ts')
  const file = readYaml(join(root, 'keel.yaml'), ProjectFile, 'keel.yaml')
  const { data, host, port, database, log, memory, egress, blobs, cache, models } = file
  return resolveConfig({
    flags,
    environment,
    file: {
      data,
      host,
      port: port?.toString(),
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

async function connect(session: Session): Promise<Connection> {
  const { config } = await session.settings()
  const { routesOf } = await import('../client/routes.ts')
  const { api } = await import('../contract.ts')
  const routes = routesOf(api)
  const at = (url: string): Connection => ({
    url,
    client: createClient<Api>(routes, { url, token: config.token || undefined }),
  })

  if (config.server !== '') {
    const url = config.server.replace(/\/+$/, '')
    if (!(await answers(url))) throw unreachable(url)
    return at(url)
  }
  const owner = readOwner(resolve(session.root, config.data))
  if (owner && (await answers(owner.url))) return at(owner.url)
  if (!session.hasProject) {
    const standard = `http://${config.host}:${config.port}`
    if (await answers(standard)) return at(standard)
    throw new AppError('usage', 'There is no project here and no server answers.', {
      hint: `Run "keel init" to start a project, "keel demo" to see one (it makes ${demoFolder}/), or name a server with --server.`,
    })
  }
  return inProcess(session, config, at)
}

/** No server runs: the same app, in this process, on the same folder, for as long as the command lasts. */
async function inProcess(session: Session, config: Config, at: (url: string) => Connection): Promise<Connection> {
  const { createApp } = await import('../app.ts')
  const app = await createApp({ config: { ...config, host: '127.0.0.1' }, root: session.root })
  const url = await app.listen({ port: 0 })
  return { ...at(url), app }
}

const answerMilliseconds = 3_000

export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v1/info`, { signal: AbortSignal.timeout(answerMilliseconds) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

function unreachable(url: string): AppError {
  return new AppError('unreachable', `No server answers at "${url}".`, { name: url, hint: 'Start one with "keel up".' })
}
