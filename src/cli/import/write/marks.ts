import type { Client } from '../../../client/client.ts'
import type { Api } from '../../../contract.ts'

/** What is written down here of a run or a logged model that has arrived whole; while it stays `mark`, it is passed over. */
type Mark = { mark: string; points: number; files: number; bytes: number; to?: string }

export function writeMark({ mark, points, files, bytes, to = '' }: Mark): string {
  return [mark, points, files, bytes, to].join('|')
}

export function readMark(text: string | undefined): (Mark & { to: string }) | undefined {
  if (text === undefined) return undefined
  const [mark = '', points, files, bytes, to = ''] = text.split('|')
  return { mark, points: Number(points), files: Number(files), bytes: Number(bytes), to }
}

export async function marksOf(client: Client<Api>, ids: string[]): Promise<Map<string, string>> {
  const { items } = await client.runs.importMarks({ ids })
  return new Map(items.map(({ id, mark }) => [id, mark]))
}
