import type { Context } from '../../core/context.ts'
import { invalid } from './errors.ts'

/**
 * A place for artifacts that a caller names. It is stored and handed to clients, never opened by the server unless it is
 * ours; a local path, or a path that climbs, would aim at somebody's machine, so it is refused.
 */
export function checkLocation({ config }: Context, location: string): void {
  if (config.localArtifacts === 'allowed') return
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase()
  if (scheme === undefined || scheme.length === 1 || scheme === 'file')
    throw invalid(`Invalid artifact location ${shortened(location)}: a path of the local machine is not accepted.`)
  if (/[?#]/.test(location) || climbs(location))
    throw invalid(`Invalid artifact location ${shortened(location)}: it must not hold "..", "?" or "#".`)
}

/** Whether a path leads upwards in any reading of its escapes. */
export function climbs(path: string): boolean {
  let read = path
  for (let depth = 0; depth < 10; depth++) {
    if (/(^|[/\\])\.\.([/\\]|$)/.test(read) || read.includes('\u0000')) return true
    const decoded = decode(read)
    if (decoded === read) return false
    read = decoded
  }
  return true
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The path of a proxied place in our tree of files; undefined for places elsewhere. */
export function proxiedPath(location: string): string | undefined {
  const match = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(location)
  return match?.[1]?.replace(/\/+$/, '')
}

export function shortened(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

/** Where a model version says that its bytes are: checked when it is named, whatever its tags claim it to be. */
export function checkSource({ config }: Context, source: string): void {
  if (config.localArtifacts === 'allowed') return
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase()
  if (scheme === undefined || scheme.length === 1 || scheme === 'file')
    throw invalid(
      `Invalid model version source: ${shortened(source)}. To use a local path as a model version source, log the model to this server and register it from there.`,
    )
  if (/[?#]/.test(source) || climbs(source))
    throw invalid(
      `Invalid model version source: ${shortened(source)}. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present.`,
    )
}
