import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { typed } from '../support/typing.ts'

test('somebody stores a file, shares it, checks the store, and removes what nothing names', async (t) => {
  const { url, app } = await testServer(t)
  const cwd = temporaryFolder(t)
  const type = (...words: string[]) => typed([...words, '--server', url], { cwd })
  writeFileSync(join(cwd, 'note.txt'), 'a note')
  const artifact = JSON.parse((await type('artifacts', 'put', 'note.txt', '--json')).stdout)
  const [{ digest }] = artifact.files
  const link = (await type('artifacts', 'link', digest, '--name', 'note.txt')).stdout.trim()
  assert.equal(await (await fetch(link)).text(), 'a note')

  const fine = await type('fsck')
  assert.deepEqual([fine.code, /all as named, none missing/.test(fine.stdout)], [0, true])
  const hex = digest.slice('sha256:'.length)
  const path = join(app.ctx.folder, 'blobs', hex.slice(0, 2), hex)
  chmodSync(path, 0o644)
  writeFileSync(path, 'a lie!')
  const broken = await type('fsck')
  assert.deepEqual([broken.code, broken.stdout.includes(`damaged  ${digest}`)], [1, true])

  const counted = JSON.parse((await type('gc', '--grace', '0h', '--json')).stdout)
  assert.deepEqual([counted.apply, counted.unnamed, counted.removed], [false, 1, 0])
  const removed = JSON.parse((await type('gc', '--yes', '--grace', '0h', '--json')).stdout)
  assert.deepEqual([removed.apply, removed.removed, removed.removedBytes], [true, 1, 6])
  assert.equal(await app.ctx.blobs.has(digest), false)
})

test('somebody sets up a webhook from the command line and never sees its secret again', async (t) => {
  const { url } = await testServer(t)
  const cwd = temporaryFolder(t)
  const type = (...words: string[]) => typed([...words, '--server', url], { cwd })
  const address = 'https://hooks.example.com/ci'
  const secret = 'a secret of theirs'
  const created = await type('webhooks', 'create', 'ci', address, '--event', 'delivery.*', '--secret', secret, '--json')
  const { id, signed } = JSON.parse(created.stdout)
  assert.equal(signed, true)
  assert.match(
    (await type('webhooks', 'list')).stdout,
    /ci +https:\/\/hooks\.example\.com\/ci +delivery\.\* +generic +yes +on/,
  )
  assert.match((await type('webhooks', 'off', id)).stdout, /ci is off/)
  assert.match((await type('webhooks', 'log', id)).stdout, /None/)
  const inside = await type('webhooks', 'create', 'bad', 'https://10.0.0.1/', '--event', '*')
  assert.deepEqual([inside.code, /private/.test(inside.stderr), /--egress/.test(inside.stderr)], [2, true, true])
  const shown = (await type('webhooks', 'list', '--json')).stdout + (await type('events', '--json')).stdout
  assert.equal(shown.includes(secret), false)
  assert.equal((await type('webhooks', 'remove', id)).code, 0)
})
