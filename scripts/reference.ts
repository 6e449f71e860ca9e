import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileSchemas } from './reference/file-schemas.ts'
import { referencePages } from './reference/pages.ts'

const root = join(import.meta.dirname, '..')
for (const [folder, texts] of Object.entries({ 'docs/reference': await referencePages(), schemas: fileSchemas() })) {
  mkdirSync(join(root, folder), { recursive: true })
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(root, folder, name), text)
}
