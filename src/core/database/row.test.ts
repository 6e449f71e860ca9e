import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '../shapes/shapes.ts'
import { flag, json, recordsOf, trustedJson } from './database.ts'

type Row = { name: string; tags: string; scan: string | null; active: number }

const Tags = Type.Object({ team: Type.String() }, { additionalProperties: false })
const rows = recordsOf<Row>()({ tags: json(Tags), scan: trustedJson<{ state: string }>(), active: flag })
const stored: Row = { name: 'late', tags: '{"team":"ops"}', scan: null, active: 1 }

test('a record has what its columns mean, and goes back as it came', () => {
  const record = rows.read(stored)
  assert.deepEqual(record, { name: 'late', tags: { team: 'ops' }, scan: null, active: true })
  assert.deepEqual(rows.write(record), stored)
})

test('some columns of a record are written without the others', () => {
  assert.deepEqual(rows.write({ active: false, scan: { state: 'clean' } }), { active: 0, scan: '{"state":"clean"}' })
})

test('fields that a later version wrote are no error; a field that is missing is', () => {
  assert.equal(rows.read({ ...stored, tags: '{"team":"ops","floor":3}' }).tags.team, 'ops')
  assert.throws(() => rows.read({ ...stored, tags: '{}' }), /"team" is missing/)
})
