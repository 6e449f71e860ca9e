import { api } from '../../src/contract.ts'
import type { Operation } from '../../src/core/contract.ts'
import { exampleCall } from './examples.ts'
import { block, code, fieldTable, table } from './markdown.ts'
import { fieldsOf } from './schemas.ts'

const head = `# API

Every operation of the server, by the name under which the command line (\`keel api <operation>\`), the typed client and OpenAPI
(\`/api/v1/openapi.json\`, with the shapes of all answers) know it. What is not in the path of a GET or DELETE stands in the query,
of the others in a JSON body; unknown fields are refused. Errors are told as in [errors](errors.md). Each operation has an example
with the least that it takes, in the words of the flights example; ids are made up.`

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

function inputs(name: string, operation: Operation): string {
  const fields = fieldsOf(operation.input)
  const bytes = operation.body === 'bytes' ? 'The body is the bytes themselves.' : ''
  const parts = [
    `### ${name}`,
    block('', [exampleCall(name, operation)]),
    bytes,
    fields.length > 0 ? fieldTable(fields) : '',
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}
