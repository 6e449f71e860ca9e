import { type Logger, pino } from 'pino'

/** JSON lines on stderr; anything that smells of a secret is cut before it is written. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: [
          'req.headers.authorization',
          'headers.authorization',
          '*.token',
          '*.password',
          '*.secret',
          'token',
          'password',
          'secret',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination(2),
  )
}
