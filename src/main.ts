import { run } from './cli/cli.ts'
import { readEnvironment } from './core/config.ts'

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: readEnvironment(),
  cwd: process.cwd(),
})
