import type { Finding } from '../scan-report.ts'
import { clip } from './rules.ts'

/** One entry of an archive, with each name that a reader could give it. */
type Entry = { names: string[]; size: number; packed: number; link: string | undefined }

export type ArchiveJudge = {
  entry(entry: Entry): void
  /** Where readers differ, or nobody can read on. */
  doubt(detail: string): void
  /** What was found inside a member. */
  inside(found: Finding[]): void
  findings(fileBytes: number): Finding[]
}

const bombRatio = 200
const bombBytes = 1024 ** 3
/** Of each kind and severity: many harmless findings must not hide one that is not. */
const maxKept = 1000

/** What unpacking an archive could do to the machine that does it. Holds what it found, not what it was shown. */
export function archiveJudge(file: string): ArchiveJudge {
  const found = new Map<string, Finding>()
  let [size, packed] = [0, 0]
  const kept = new Map<string, number>()
  const keep = (finding: Finding) => {
    const [sort, key] = [`${finding.kind} ${finding.severity}`, `${finding.file}\n${finding.kind}\n${finding.detail}`]
    const count = kept.get(sort) ?? 0
    if (count >= maxKept || found.has(key)) return
    kept.set(sort, count + 1)
    found.set(key, finding)
  }
  const add = (kind: Finding['kind'], severity: Finding['severity'], detail: string) =>
    keep({ kind, severity, file, detail })
  return {
    entry(entry) {
      size += entry.size
      packed += entry.packed
      for (const name of entry.names) if (leadsOut(name)) add('traversal', 'danger', `It holds "${clip(name)}".`)
      const { link, names } = entry
      if (link === undefined) return
      const out = link === '?' || leadsOut(link)
      const where = link === '?' ? '' : ` to "${clip(link)}"`
      add('link', out ? 'danger' : 'warning', `"${clip(names[0] ?? '')}" is a link${where}.`)
    },
    doubt: (detail) => add('unreadable', 'warning', detail),
    inside: (findings) => findings.forEach(keep),
    findings(fileBytes) {
      const from = Math.min(packed, fileBytes)
      if (size > bombBytes && size > from * bombRatio) add('bomb', 'danger', `${from} bytes unpack to ${size}.`)
      return [...found.values()]
    },
  }
}

function leadsOut(name: string): boolean {
  return /^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/.test(name) || name.includes('\u0000')
}
