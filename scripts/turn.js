// Two setups of one folder at the same time would tear each other's packages down. For any Node >= 18.
import { createHash } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Waits until no other living process sets `folder` up. Children are named too: they may outlive a killed setup. */
export async function holdTurn(folder) {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  const path = join(tmpdir(), `evenkeel-setup-${name}`)
  const own = `${path}-${process.pid}`
  let told = false
  while (!take(path, own)) {
    const holder = holdersOf(path).find(alive)
    if (holder === undefined) {
      rmSync(path, { force: true })
      continue
    }
    if (!told) process.stderr.write(`Waiting for the setup that already runs here (process ${holder}) …\n`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  process.on('exit', () => rmSync(path, { force: true }))
  return {
    include: (child) => {
      writeFileSync(own, `${process.pid} ${child.pid ?? ''}`)
      renameSync(own, path)
    },
  }
}

/** A link appears together with its content, so nobody reads a half-written one. */
function take(path, own) {
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own)
  }
}

function holdersOf(path) {
  try {
    return readFileSync(path, 'utf8').split(' ').map(Number)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** A process of another user answers EPERM, which means that it lives. */
function alive(pid) {
  if (!pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
