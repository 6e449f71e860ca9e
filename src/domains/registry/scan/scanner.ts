import { createReadStream } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { createGunzip, createInflate } from 'node:zlib'
import type { Context } from '../../../core/context.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import { type Finding, findingKinds, type ScanReport } from '../scan-report.ts'
import { archiveJudge } from './entries.ts'
import { readPickle } from './pickle.ts'
import { judgeLoader, judgePickle } from './rules.ts'
import type { Member } from './zip.ts'
import { zipShift } from './zip-shift.ts'

const unpackLimit = 4 * 1024 ** 3
const maxFindings = 200
const pickleNames = /\.(pkl|pickle|joblib|pt|pth|bin|ckpt|model|dill|p)$/i

/** Reads the files of an artifact as data and reports what loading them would do. Nothing is unpickled, unpacked or run. */
export async function scanArtifact(ctx: Context, digest: string): Promise<ScanReport> {
  const findings: Finding[] = []
  for (const { path, digest: bytes } of (await artifacts.get(ctx, { digest })).files)
    findings.push(...(await scanFile(path, await ctx.blobs.localPath(bytes))))
  const order = { danger: 0, warning: 1, info: 2 }
  const sorted = findings.sort((a, b) => order[a.severity] - order[b.severity])
  return {
    state: sorted[0]?.severity === 'danger' ? 'danger' : sorted[0]?.severity === 'warning' ? 'warning' : 'clean',
    findings: sorted.slice(0, maxFindings),
    more: Math.max(0, sorted.length - maxFindings),
  }
}

/** Refuses a version with findings that the project's policy names. */
export function refuseByPolicy(ctx: Context, model: string, { findings }: ScanReport): void {
  const refused = ctx.config.refuse.split(/[\s,]+/).filter((kind) => kind !== '')
  for (const kind of refused)
    if (!findingKinds.some((known) => known === kind))
      throw invalidInput(`The setting "refuse" names "${kind}", which no scan finds.`, {
        name: kind,
        hint: `Known: ${findingKinds.join(', ')}.`,
      })
  const hits = findings.filter(({ kind }) => refused.includes(kind))
  if (hits.length === 0) return
  const listed = hits.slice(0, 5).map(({ kind, file, detail }) => `${kind} in "${file}": ${detail}`)
  throw new AppError('refused_by_policy', `A version of "${model}" is refused: ${listed.join('; ')}.`, {
    name: model,
    hint: 'See "models: refuse:" in keel.yaml.',
  })
}

export async function scanFile(file: string, path: string): Promise<Finding[]> {
  const head = await headOf(path)
  const name = file.split('/').at(-1) ?? file
  if (name === 'MLmodel') return scanDescription(file, path)
  const shift = await zipShift(path)
  if (head.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') return scanZip(file, path, shift ?? 0)
  const appended = shift === undefined ? [] : await scanZip(file, path, shift)
  return [...appended, ...(await scanUnzipped(file, path, head))]
}

async function scanUnzipped(file: string, path: string, head: Buffer): Promise<Finding[]> {
  const name = file.split('/').at(-1) ?? file
  if (head.subarray(257, 262).toString('latin1') === 'ustar') return scanTar(file, createReadStream(path), path)
  if (head[0] === 0x1f && head[1] === 0x8b) return scanGzip(file, path)
  if (/\.tar$/i.test(name)) return scanTar(file, createReadStream(path), path)
  if (head[0] === 0x78 && pickleNames.test(name))
    return pickleFindings(file, createReadStream(path).pipe(createInflate()))
  const other = unreadable(head)
  if (other && pickleNames.test(name))
    return [{ kind: 'unreadable', severity: 'warning', file, detail: `Packed with ${other}; nobody looked inside.` }]
  const binary = head[0] === 0x80 && (head[1] ?? 9) <= 5
  const text = /\.(pkl|pickle|joblib|dill|p)$/i.test(name)
  return binary || text ? pickleFindings(file, createReadStream(path)) : []
}

/** The findings of a pickle; broken compression makes it unreadable. */
async function pickleFindings(file: string, stream: AsyncIterable<Buffer>): Promise<Finding[]> {
  try {
    return judgePickle(file, await readPickle(stream))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error
    return [{ kind: 'unreadable', severity: 'warning', file, detail: 'Its packing is damaged.' }]
  }
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const buffer = Buffer.alloc(512)
    const { bytesRead } = await file.read(buffer, 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function unreadable(head: Buffer): string | undefined {
  const start = head.subarray(0, 6).toString('latin1')
  if (start.startsWith('BZh')) return 'bzip2'
  if (start.startsWith('\u00fd7zXZ')) return 'xz'
  if (start.startsWith('\u0004"M\u0018')) return 'lz4'
  return start.startsWith('(\u00b5/\u00fd') ? 'zstd' : undefined
}

/** Python reckons places in a ZIP file from its end, others from its start: where that makes a difference, both are looked at. */
async function scanZip(file: string, path: string, shift: number): Promise<Finding[]> {
  const { zipMembers } = await import('./zip.ts')
  const judge = archiveJudge(file)
  let readable = false
  for (const start of new Set([shift, 0])) {
    try {
      for await (const member of zipMembers(path, start, judge))
        if (/\.(pkl|pickle|joblib|dill)$/i.test(member.name))
          judge.inside(await memberFindings(`${file}!${member.name}`, member))
      readable = true
    } catch (error) {
      if (!isDamage(error)) throw error
      if (start === 0 && !readable) judge.doubt('A ZIP file whose directory cannot be read to its end.')
    }
  }
  return judge.findings((await stat(path)).size)
}

async function memberFindings(file: string, { bytes }: Member): Promise<Finding[]> {
  try {
    return await pickleFindings(file, atMost(await bytes(), unpackLimit))
  } catch (error) {
    if (!isDamage(error)) throw error
    return [{ kind: 'unreadable', severity: 'warning', file, detail: 'It cannot be unpacked; nobody looked inside.' }]
  }
}

async function* atMost(stream: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let left = limit
  for await (const chunk of stream) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

/** Whether an error comes from the content, not from the disk. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && !('syscall' in error)
}

async function scanGzip(file: string, path: string): Promise<Finding[]> {
  const probe = createReadStream(path, { end: 65_535 }).pipe(createGunzip())
  let first = Buffer.alloc(0)
  try {
    for await (const chunk of probe as AsyncIterable<Buffer>) {
      first = Buffer.concat([first, chunk])
      if (first.length >= 512) break
    }
  } catch {
    if (first.length === 0)
      return [{ kind: 'unreadable', severity: 'warning', file, detail: 'It begins like gzip and is not.' }]
  }
  const unpacked = createReadStream(path).pipe(createGunzip())
  if (first.subarray(257, 262).toString('latin1') === 'ustar' || /\.(tgz|tar\.gz)$/i.test(file))
    return scanTar(file, unpacked, path)
  if (first[0] === 0x80) return pickleFindings(file, unpacked)
  unpacked.destroy()
  return []
}

async function scanTar(file: string, stream: AsyncIterable<Buffer>, path: string): Promise<Finding[]> {
  const { readTar } = await import('./tar.ts')
  const { size } = await stat(path)
  const judge = archiveJudge(file)
  const end: Finding[] = []
  try {
    const { cut, bytes } = await readTar(stream, unpackLimit, judge)
    const detail = `${size} bytes unpack to more than ${bytes - 1}; the rest was not looked at.`
    if (cut) end.push({ kind: 'bomb', severity: 'danger', file, detail })
  } catch (error) {
    if (!isDamage(error)) throw error
    judge.doubt('It ends early or is damaged; what comes after was not looked at.')
  }
  return [...judge.findings(size), ...end]
}

const maxDescription = 1024 * 1024

/** `MLmodel`, MLflow's description of a model: YAML whose `loader_module` is imported by whoever loads it. */
async function scanDescription(file: string, path: string): Promise<Finding[]> {
  const text = await readFile(path, 'utf8')
  if (text.length > maxDescription)
    return [{ kind: 'unreadable', severity: 'warning', file, detail: 'An MLmodel of more than a mebibyte.' }]
  const { parse: parseYaml } = await import('yaml')
  let described: unknown
  try {
    described = parseYaml(text, { maxAliasCount: 50 })
  } catch {
    return [{ kind: 'unreadable', severity: 'warning', file, detail: 'An MLmodel that is not YAML.' }]
  }
  const flavors = field(described, 'flavors')
  const findings: Finding[] = []
  for (const flavor of Object.values(typeof flavors === 'object' && flavors ? flavors : {})) {
    const loader = field(flavor, 'loader_module')
    const code = field(flavor, 'code')
    if (typeof loader === 'string')
      findings.push(...judgeLoader(file, loader, typeof code === 'string' ? code : undefined))
  }
  return findings
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
