import type { FastifyInstance } from 'fastify'
import { invalidInput } from '../core/errors.ts'
import { findBigInteger, parseExactJson } from '../core/json/json.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the body holds an integer that a double does not hold exactly, such as `rows.0.id`. */
    bigInteger: string | undefined
  }
}

/** JSON bodies are read with every digit; names are plain keys, `__proto__` too. */
export function readJsonBodies(server: FastifyInstance): void {
  server.decorateRequest('bigInteger', undefined)
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    try {
      const body = parseExactJson(String(text))
      request.bigInteger = /\d{16}/.test(String(text)) ? findBigInteger(body) : undefined
      done(null, body)
    } catch (cause) {
      done(invalidInput('The body is not JSON.', { cause }), undefined)
    }
  })
}
