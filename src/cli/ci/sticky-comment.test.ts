import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type TestContext, test } from 'node:test'
import { findForge, stick } from './sticky-comment.ts'

type Comment = { id: number; body: string }

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/** A forge of the test's own: comments in pages of a hundred, a token that must be right. */
async function forgeWith(t: TestContext, comments: Comment[], token: string) {
  const server = createServer(async (request, response) => {
    const { searchParams, pathname } = new URL(request.url ?? '', 'http://forge')
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const given = request.headers.authorization ?? request.headers['private-token']
    if (given !== token) return answer(401, { message: 'no' })
    if (request.method === 'GET') {
      const page = Number(searchParams.get('page'))
      return answer(200, comments.slice((page - 1) * 100, page * 100))
    }
    const { body } = JSON.parse(await read(request)) as { body: string }
    const known = comments.find(({ id }) => pathname.endsWith(`/${id}`))
    if (known) known.body = body
    else comments.push({ id: comments.length + 1, body })
    return answer(200, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

const marker = '<!-- keel-ci trips -->'

test('on GitHub the second run changes the comment of the first, even behind a hundred others', async (t) => {
  const comments = Array.from({ length: 130 }, (_, index) => ({ id: index + 1, body: 'something else' }))
  const url = await forgeWith(t, comments, 'Bearer secret')
  const environment = {
    GITHUB_TOKEN: 'secret',
    GITHUB_REPOSITORY: 'team/trips',
    GITHUB_EVENT_PATH: 'event.json',
    GITHUB_API_URL: url,
  }
  const forge = findForge(environment, () => JSON.stringify({ pull_request: { number: 7 } }))
  assert.ok(forge)
  assert.match(forge.comments, /\/repos\/team\/trips\/issues\/7\/comments$/)
  assert.equal(await stick(forge, { marker, body: `${marker}\nfirst` }), 'added')
  assert.equal(await stick(forge, { marker, body: `${marker}\nsecond` }), 'changed')
  assert.deepEqual(
    comments.filter(({ body }) => body.startsWith(marker)).map(({ body }) => body),
    [`${marker}\nsecond`],
  )
})

test('on GitLab it is a note of the merge request', async (t) => {
  const comments: Comment[] = []
  const url = await forgeWith(t, comments, 'secret')
  const environment = { KEEL_GITLAB_TOKEN: 'secret', CI_API_V4_URL: url, CI_PROJECT_ID: '3', CI_MERGE_REQUEST_IID: '9' }
  const forge = findForge(environment, () => '')
  assert.ok(forge)
  assert.match(forge.comments, /\/projects\/3\/merge_requests\/9\/notes$/)
  await stick(forge, { marker, body: `${marker}\nfirst` })
  assert.equal(await stick(forge, { marker, body: `${marker}\nsecond` }), 'changed')
  assert.equal(comments.length, 1)
})

test('outside a pull request there is nothing to comment on, and a wrong token is told as such', async (t) => {
  assert.equal(
    findForge({}, () => ''),
    undefined,
  )
  const push = { GITHUB_TOKEN: 'secret', GITHUB_REPOSITORY: 'team/trips', GITHUB_EVENT_PATH: 'event.json' }
  assert.equal(
    findForge(push, () => '{"after": "abc"}'),
    undefined,
  )
  const url = await forgeWith(t, [], 'other')
  const forge = findForge({ ...push, GITHUB_API_URL: url }, () => '{"pull_request": {"number": 1}}')
  assert.ok(forge)
  await assert.rejects(stick(forge, { marker, body: marker }), /GitHub answered 401/)
})
