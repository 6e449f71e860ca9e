import { api } from '../../src/contract.ts'
import type { Operation } from '../../src/core/contract.ts'
import { typeText } from './type-text.ts'

const head = `// Made from the contract of the server.

/** What can be sent as the bytes of an upload. */
export type Bytes = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream

export type Connection = { url: string; token?: string | undefined; fetch?: typeof fetch; signal?: AbortSignal }

export type ProblemBody = {
  code: string
  status: number
  detail: string
  hint?: string
  name?: string
  issues?: { path: string; message: string }[]
  requestId?: string
}

/** What the server answered instead of a result. */
export declare class ProblemError extends Error {
  readonly problem: ProblemBody
  constructor(problem: ProblemBody)
}

/** Every operation of the server: \`client.registry.setAlias({ … })\`. Throws ProblemError for what it refuses. */
export declare function createClient(connection: Connection): Client
`

/** The types of \`evenkeel/client\`, without those of any library. */
export function clientTypes(): string {
  const domains = Object.entries(api).map(([domain, operations]) => {
    const calls = Object.entries(operations as Record<string, Operation>).map(
      ([name, operation]) => `    /** ${operation.summary}. */\n    ${name}${signatureOf(operation)}`,
    )
    return `  ${domain}: {\n${calls.join('\n')}\n  }`
  })
  return `${head}\nexport type Client = {\n${domains.join('\n')}\n}\n`
}

function signatureOf({ input, output, body, reply }: Operation): string {
  const { required = [] }: { required?: readonly string[] } = input
  const mayBeLeftOut = required.length === 0 && body !== 'bytes'
  const given = `input${mayBeLeftOut ? '?' : ''}: ${typeText(input)}`
  const result = reply === 'bytes' ? 'Response' : typeText(output)
  return `(${given}${body === 'bytes' ? ', body: Bytes' : ''}): Promise<${result}>`
}
