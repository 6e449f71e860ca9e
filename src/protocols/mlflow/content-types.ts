import { extname } from 'node:path'

/** By the name alone: what a caller says about a file is never repeated to a browser. */
const known: Record<string, string> = {
  '.json': 'application/json',
  '.yaml': 'text/plain; charset=utf-8',
  '.yml': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.py': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.pdf': 'application/pdf',
}

export function contentTypeOf(name: string): string {
  return (
    known[extname(name).toLowerCase()] ??
    (name === 'MLmodel' ? 'text/plain; charset=utf-8' : 'application/octet-stream')
  )
}
