import type { FastifyInstance } from 'fastify'
import { invalidInput } from '../core/errors.ts'
import { findBigInteger, parseExactJson, repeatedName } from '../core/json/json.ts'

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
    let body: unknown
    try {
      body = parseExactJson(String(text))
    } catch (cause) {
      return done(invalidInput('The body is not JSON.', { cause }), undefined)
    }
    const name = repeatedName(String(text), body)
    if (name !== undefined) return done(writtenTwice(name), undefined)
    request.bigInteger = /\d{16}/.test(String(text)) ? findBigInteger(body) : undefined
    done(null, body)
  })
}

/** One of its values would be lost without a word. */
function writtenTwice(name: string): Error {
  return invalidInput(`The body has "${name.slice(0, 100)}" twice in one object.`, {
    name: name.slice(0, 100),
    hint: 'Leave one of its values out.',
  })
}
