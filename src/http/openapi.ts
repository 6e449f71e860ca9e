import type { TSchema } from 'typebox'
import type { Contract, Operation } from '../core/contract.ts'

type Json = Record<string, unknown>

/** OpenAPI 3.1 from the contract: TypeBox schemas are JSON Schema already. */
export function openApi(api: Record<string, Contract>, version: string): Json {
  const paths: Record<string, Json> = {}
  for (const [domain, operations] of Object.entries(api)) {
    for (const [name, operation] of Object.entries(operations)) {
      const path = `/api/v1${operation.path.replaceAll(/:([A-Za-z]+)/g, '{$1}')}`
      paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(domain, name, operation) }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Evenkeel', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }, {}],
  }
}

function describe(domain: string, name: string, operation: Operation): Json {
  const properties = operation.input.properties as Record<string, TSchema>
  const required = new Set((operation.input as { required?: string[] }).required ?? [])
  const inPath = new Set([...operation.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? ''))
  const urlOnly = operation.method === 'GET' || operation.method === 'DELETE' || operation.body === 'bytes'
  const parameters = Object.entries(properties)
    .filter(([key]) => inPath.has(key) || urlOnly)
    .map(([key, schema]) => ({
      name: key,
      in: inPath.has(key) ? 'path' : 'query',
      required: inPath.has(key) || required.has(key),
      schema,
    }))
  return {
    operationId: `${domain}.${name}`,
    tags: [domain],
    summary: operation.summary,
    'x-role': operation.role,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...body(operation, inPath, urlOnly),
    responses: {
      200: {
        description: 'OK',
        content:
          operation.reply === 'bytes'
            ? { '*/*': { schema: { type: 'string', format: 'binary' } } }
            : { 'application/json': { schema: operation.output } },
      },
      default: {
        description: 'A problem (RFC 9457)',
        content: { 'application/problem+json': { schema: { type: 'object' } } },
      },
    },
  }
}

function body(operation: Operation, inPath: Set<string>, urlOnly: boolean): Json {
  if (operation.body === 'bytes') {
    return { requestBody: { required: true, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } }
  }
  if (urlOnly) return {}
  const properties = Object.entries(operation.input.properties as Record<string, TSchema>).filter(
    ([key]) => !inPath.has(key),
  )
  if (properties.length === 0) return {}
  const required = ((operation.input as { required?: string[] }).required ?? []).filter((key) => !inPath.has(key))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  }
  return { requestBody: { required: required.length > 0, content: { 'application/json': { schema } } } }
}
