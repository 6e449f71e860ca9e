import { readFileSync } from 'node:fs'
import type { Static, TSchema } from 'typebox'
import { parseDocument } from 'yaml'
import { AppError, hasCode } from '../../core/errors.ts'
import { parse } from '../../core/validate.ts'

/** Reads one YAML file by its schema; what is wrong is told with file, line and the nearest known name. */
export function readYaml<Schema extends TSchema>(path: string, schema: Schema, shown = path): Static<Schema> {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (cause) {
    const missing = hasCode(cause, 'ENOENT')
    const message = missing ? `The file "${shown}" does not exist.` : `The file "${shown}" cannot be read.`
    throw new AppError('invalid_file', message, { name: shown, cause })
  }
  const document = parseDocument(source, { prettyErrors: true, uniqueKeys: true })
  const broken = document.errors[0]
  if (broken) {
    const line = broken.linePos?.[0].line ?? 1
    throw new AppError('invalid_file', `"${shown}" line ${line}: ${broken.message.split('\n')[0] ?? 'not YAML'}`, {
      name: shown,
    })
  }
  try {
    return parse(schema, document.toJS({ maxAliasCount: 100 }), { code: 'invalid_file', what: shown })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const path = (error.issues?.[0]?.path ?? '').split('.').filter((part) => part !== '')
    const node = path.length > 0 ? document.getIn(asKeys(path), true) : undefined
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as [number] | null) : null
    const line = range ? source.slice(0, range[0]).split('\n').length : undefined
    if (line === undefined) throw error
    throw new AppError('invalid_file', error.message.replace(shown, `${shown} line ${line}`), {
      name: error.offender,
      hint: error.hint,
      issues: error.issues,
      cause: error,
    })
  }
}

function asKeys(path: string[]): (string | number)[] {
  return path.map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
