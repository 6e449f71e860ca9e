import { api } from '../../src/contract.ts'
import type { Operation } from '../../src/core/contract.ts'
import { code, fieldTable, table } from './markdown.ts'
import { fieldsOf } from './schemas.ts'

const head = `# API

Every operation of the server, by the name under which the command line (\`keel api <operation>\`), the typed client and OpenAPI
(\`/api/v1/openapi.json\`, with the shapes of all answers) know it. What is not in the path of a GET or DELETE stands in the query,
of the others in a JSON body; unknown fields are refused. Errors are told as in [errors](errors.md).`

export function apiPage(): string {
  const domains = Object.entries(api).map(([domain, operations]) => {
    const described = Object.entries(operations as Record<string, Operation>)
    const list = table(
      ['operation', 'request', 'role', 'what it does'],
      described.map(([name, { method, path, role, summary }]) => [
        code(`${domain}.${name}`),
        code(`${method} /api/v1${path}`),
        role,
        summary,
      ]),
    )
    return [`## ${domain}`, list, ...described.map(([name, operation]) => inputs(`${domain}.${name}`, operation))]
  })
  return [head, ...domains.flat().filter((part) => part !== '')].join('\n\n')
}

function inputs(name: string, { input, body }: Operation): string {
  const fields = fieldsOf(input)
  const bytes = body === 'bytes' ? 'The body is the bytes themselves.' : ''
  if (fields.length === 0 && bytes === '') return ''
  return [`### ${name}`, bytes, fields.length > 0 ? fieldTable(fields) : ''].filter((part) => part !== '').join('\n\n')
}
