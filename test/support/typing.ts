import assert from 'node:assert/strict'
import { run } from '../../src/cli/cli.ts'

type Printed = { code: number; stdout: string; stderr: string }
type Place = { cwd: string; environment?: Record<string, string> }

/** Types a command in this process, which has loaded the program already: where the process itself is not what is tested. */
export async function typed(argv: string[], { cwd, environment = {} }: Place): Promise<Printed> {
  let [stdout, stderr] = ['', '']
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    environment,
    cwd,
  }
  const code = await run(argv, io)
  return { code, stdout, stderr }
}

/** Types commands in this process, in a folder, against a server. */
export function typing({ url, cwd }: { url: string; cwd: string }) {
  const keel = (...argv: string[]) => typed(argv, { cwd, environment: { KEEL_SERVER: url, NO_COLOR: '1' } })
  /** What people read, of a command that must end well. */
  async function shown(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await keel(...argv)
    assert.equal(code, 0, `keel ${argv.join(' ')}: ${stderr}`)
    return stdout
  }
  /** What programs read, of a command that must end well. */
  async function data<Found>(...argv: string[]): Promise<Found> {
    const { code, stdout } = await keel(...argv, '--json')
    assert.equal(code, 0, `keel ${argv.join(' ')}: ${stdout}`)
    return JSON.parse(stdout) as Found
  }
  return { keel, shown, data }
}
