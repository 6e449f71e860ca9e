import assert from 'node:assert/strict'
import { run } from '../../src/cli/cli.ts'

type Printed = { code: number; stdout: string; stderr: string }

/** Types commands in this process, in a folder, against a server. */
export function typing({ url, cwd }: { url: string; cwd: string }) {
  async function keel(...argv: string[]): Promise<Printed> {
    let [stdout, stderr] = ['', '']
    const io = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      environment: { KEEL_SERVER: url, NO_COLOR: '1' },
      cwd,
    }
    const code = await run(argv, io)
    return { code, stdout, stderr }
  }
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
