import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { raw, rawJson } from '../support/raw-http.ts'
import { routesOfServer, urlOf } from '../support/routes.ts'

const canary = 'canary-4e1f7d'

/** Every disguise in which a path has led out of an artifact store, for a file beside the data folder and for the system's. */
const disguises = [
  '../canary.txt',
  '../../canary.txt',
  '..%2f..%2fcanary.txt',
  '%2e%2e/%2e%2e/canary.txt',
  '%2e%2e%2f%2e%2e%2fcanary.txt',
  '%252e%252e%252f%252e%252e%252fcanary.txt',
  '%25252e%25252e%25252fcanary.txt',
  '..\\..\\canary.txt',
  '..%5c..%5ccanary.txt',
  '..%255c..%255ccanary.txt',
  '....//....//canary.txt',
  '..;/..;/canary.txt',
  'a/../../../canary.txt',
  'a/%2e%2e/%2e%2e/%2e%2e/canary.txt',
  '/etc/passwd',
  '%2fetc%2fpasswd',
  '//etc/passwd',
  '/%2e%2e/canary.txt',
  'C:%5cwindows%5cwin.ini',
  'C:/windows/win.ini',
  'file:///etc/passwd',
  'file:%2f%2f%2fetc%2fpasswd',
  '%23/../../canary.txt',
  'a%23b',
  'a%3f/../../canary.txt',
  'a%00.txt',
  '..%00/canary.txt',
  '%c0%ae%c0%ae/canary.txt',
  '%uff0e%uff0e/canary.txt',
  '~/canary.txt',
  '%ff%fe',
  '%',
  '%zz',
]

async function guarded(t: TestContext) {
  const root = join(temporaryFolder(t), 'in', 'project')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(root, { recursive: true })
  const outside = [join(root, '..', '..'), join(root, '..'), root]
  for (const folder of outside) writeFileSync(join(folder, 'canary.txt'), canary)
  const server = await testServer(t, { root })
  const before = outside.map((folder) => readdirSync(folder).sort())
  return {
    ...server,
    unchanged() {
      assert.deepEqual(
        outside.map((folder) => readdirSync(folder).sort()),
        before,
      )
    },
  }
}

function assertHarmless(reply: { status: number; text: string }, what: string): void {
  assert.ok(
    reply.status < 500 || reply.status === 501 || reply.status === 503,
    `${what} answered ${reply.status}: ${reply.text.slice(0, 200)}`,
  )
  assert.ok(!reply.text.includes(canary) && !/root:.*:0:0:/.test(reply.text), `${what} gave a file away`)
}

test('no disguise of a path leads out, on any route that takes a path or an id, by any method', async (t) => {
  const { app, url, unchanged } = await guarded(t)
  const routes = routesOfServer(app).filter(({ pattern }) => /[:*]/.test(pattern))
  assert.ok(routes.length > 100, `only ${routes.length} routes take something`)
  for (const route of routes) {
    for (const disguise of disguises) {
      const options = route.method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: '{}' }
      const reply = await raw(url, urlOf(route, disguise), { method: route.method, ...options }).catch(
        (error: unknown) => assert.fail(`${route.method} ${urlOf(route, disguise)}: ${error}`),
      )
      assertHarmless(reply, `${route.method} ${urlOf(route, disguise)}`)
    }
  }
  unchanged()
})

test('the artifact proxy refuses every path that leads out, to read, write, list, delete and upload in parts', async (t) => {
  const { url, unchanged } = await guarded(t)
  const base = '/api/2.0/mlflow-artifacts'
  const climbing = disguises.filter(
    (text) => /canary/.test(text) && /\.\.|2e/.test(text) && !/c0|;|\.\.\.\./.test(text),
  )
  assert.ok(climbing.length >= 12)
  for (const path of climbing) {
    for (const [method, place, body] of [
      ['GET', `${base}/artifacts/${path}`, undefined],
      ['PUT', `${base}/artifacts/${path}`, 'overwritten'],
      ['DELETE', `${base}/artifacts/${path}`, undefined],
      ['GET', `${base}/artifacts?path=${path}`, undefined],
      ['GET', `${base}/presigned/${path}`, undefined],
    ] as const) {
      const reply = await raw(url, place, { method, ...(body === undefined ? {} : { body }) })
      assertHarmless(reply, `${method} ${place}`)
      assert.ok([400, 404].includes(reply.status), `${method} ${place} answered ${reply.status}`)
    }
    for (const step of ['create', 'complete', 'abort']) {
      const reply = await rawJson(url, `${base}/mpu/${step}/${path}`, {
        path: 'x',
        upload_id: 'x',
        parts: [],
        num_parts: 1,
      })
      assert.ok([400, 404].includes(reply.status), `${step} ${path} answered ${reply.status}`)
    }
  }
  const listed = await raw(url, `${base}/artifacts`)
  assert.equal(listed.text.trim(), '{}')
  unchanged()
})

test('the name of a file that is uploaded in parts cannot climb either', async (t) => {
  const { url } = await guarded(t)
  for (const path of ['..', '../..', 'a/..', '..\\..', 'C:\\..', '', '/', '%2e%2e']) {
    const reply = await rawJson(url, '/api/2.0/mlflow-artifacts/mpu/create/1/run', { path, num_parts: 1 })
    assert.equal(reply.status, 400, JSON.stringify(path))
  }
})

test('files of a run are listed and read inside the run only', async (t) => {
  const { url } = await guarded(t)
  const post = async (path: string, body: object) =>
    JSON.parse((await rawJson(url, `/api/2.0/mlflow/${path}`, body)).text)
  const ids: string[] = []
  for (const secret of ['first', 'second']) {
    const { run } = await post('runs/create', { experiment_id: '0' })
    ids.push(run.info.run_id)
    const place = `/api/2.0/mlflow-artifacts/artifacts/0/${run.info.run_id}/artifacts/${secret}.txt`
    await raw(url, place, { method: 'PUT', body: secret })
  }
  const [first = '', second = ''] = ids
  const into = `../../${second}/artifacts/second.txt`
  for (const path of [into, encodeURIComponent(into), encodeURIComponent(encodeURIComponent(into))]) {
    const read = await raw(url, `/get-artifact?run_id=${first}&path=${path}`)
    assert.ok(read.status === 400 || read.status === 404, `${path} answered ${read.status}`)
    const list = await raw(url, `/api/2.0/mlflow/artifacts/list?run_id=${first}&path=${path}`)
    assert.ok(list.status === 400 || !list.text.includes('second'), list.text)
  }
  const own = await raw(url, `/get-artifact?run_id=${first}&path=first.txt`)
  assert.deepEqual([own.status, own.text], [200, 'first'])
})
