import { AppError } from '../../core/errors.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { parse } from '../../core/validate.ts'

/** Where the comments of one pull request or merge request are, and how to speak to its forge. */
type Forge = {
  name: string
  comments: string
  one: (id: number) => string
  headers: Record<string, string>
  update: 'PATCH' | 'PUT'
}

const Comments = Type.Array(Type.Object({ id: Type.Integer(), body: Type.Union([Type.String(), Type.Null()]) }))
const GithubEvent = Type.Object({ pull_request: Type.Object({ number: Type.Integer() }) })

const pageSize = 100
const pages = 20

/** The forge of this CI run, from what its environment says; nothing outside a pull request or without a token. */
export function findForge(environment: NodeJS.ProcessEnv, readFile: (path: string) => string): Forge | undefined {
  return github(environment, readFile) ?? gitlab(environment)
}

function github(environment: NodeJS.ProcessEnv, readFile: (path: string) => string): Forge | undefined {
  const { GITHUB_TOKEN: token, GITHUB_REPOSITORY: repository, GITHUB_EVENT_PATH: event } = environment
  if (!token || !repository || !event) return undefined
  const found: unknown = JSON.parse(readFile(event))
  if (typeof found !== 'object' || found === null || !('pull_request' in found)) return undefined
  const { number } = parse(GithubEvent, found).pull_request
  const base = `${environment['GITHUB_API_URL'] ?? 'https://api.github.com'}/repos/${repository}/issues`
  return {
    name: 'GitHub',
    comments: `${base}/${number}/comments`,
    one: (id) => `${base}/comments/${id}`,
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
    update: 'PATCH',
  }
}

function gitlab(environment: NodeJS.ProcessEnv): Forge | undefined {
  const {
    KEEL_GITLAB_TOKEN: token,
    CI_API_V4_URL: api,
    CI_PROJECT_ID: project,
    CI_MERGE_REQUEST_IID: request,
  } = environment
  if (!token || !api || !project || !request) return undefined
  const comments = `${api}/projects/${project}/merge_requests/${request}/notes`
  const headers = { 'private-token': token }
  return { name: 'GitLab', comments, one: (id) => `${comments}/${id}`, headers, update: 'PUT' }
}

/** Changes the comment that carries the marker, or adds it: however often CI runs there is one. */
export async function stick(
  forge: Forge,
  { marker, body }: { marker: string; body: string },
): Promise<'changed' | 'added'> {
  const known = await findMarked(forge, marker)
  if (known === undefined) {
    await call(forge, forge.comments, 'POST', { body })
    return 'added'
  }
  await call(forge, forge.one(known), forge.update, { body })
  return 'changed'
}

async function findMarked(forge: Forge, marker: string): Promise<number | undefined> {
  for (let page = 1; page <= pages; page++) {
    const found = parse(Comments, await call(forge, `${forge.comments}?per_page=${pageSize}&page=${page}`, 'GET'))
    const marked = found.find(({ body }) => body?.startsWith(marker))
    if (marked) return marked.id
    if (found.length < pageSize) return undefined
  }
  return undefined
}

const timeoutMilliseconds = 30_000

async function call({ name, headers }: Forge, url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'keel-ci' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMilliseconds),
  })
  if (!response.ok) {
    throw new AppError('upstream_failed', `${name} answered ${response.status} to ${method} of the comment.`, {
      name: url,
      hint: 'The token needs to write comments of pull requests; without it leave --comment out.',
    })
  }
  return response.json()
}
