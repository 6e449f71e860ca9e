import { run } from './cli/cli.ts'
import { readEnvironment } from './core/config.ts'

// A reader that has seen enough (`keel … | head`) closes the pipe: that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: readEnvironment(),
  cwd: process.cwd(),
})
