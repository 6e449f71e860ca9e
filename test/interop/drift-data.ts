import { join } from 'node:path'
import type { Lake } from '../../src/core/lake.ts'

type DriftDataInput = { folder: string; seed: number; reference: number; current: number }

/** Ten columns, the second file drifted in some: normal, skewed, counts, categories. Same seed, same files. */
export async function writeDriftFiles(
  lake: Lake,
  { folder, seed, reference, current }: DriftDataInput,
): Promise<{ reference: string; current: string }> {
  const paths = { reference: join(folder, 'reference.parquet'), current: join(folder, 'current.parquet') }
  await lake.session(async (lake) => {
    for (const [name, rows, shift] of [
      ['reference', reference, 0],
      ['current', current, 1],
    ] as const) {
      await lake.writeParquet(paths[name], tableOf(rows, shift, seed * 2 + shift))
    }
  })
  return paths
}

/** Uniform numbers from a hash of row, column and seed: the same on every machine and with any number of threads. */
function tableOf(rows: number, shift: number, seed: number): string {
  const uniform = (part: number) =>
    `((hash(i * 64 + ${part} + ${seed} * 1000003::bigint) % 4294967296)::double + 0.5) / 4294967296`
  const normal = (part: number) => `sqrt(-2 * ln(${uniform(part)})) * cos(2 * pi() * ${uniform(part + 1)})`
  const numbers = Array.from({ length: 6 }, (_, index) => {
    const [center, spread] = [shift * (index % 3) * 0.12, 1 + 0.05 * index * shift]
    return `${center} + ${spread} * ${normal(index * 2)} as x${index}`
  })
  const plan = shift === 0 ? [0.4, 0.7, 0.9, 0.97] : [0.3, 0.6, 0.8, 0.95]
  const cases = plan.map((upTo, index) => `when u < ${upTo} then '${'abcd'[index]}'`).join(' ')
  return `select ${numbers.join(', ')}, exp(${0.2 * shift} + ${normal(20)}) as skewed,
    floor(${14 + shift} + 4 * ${normal(22)})::bigint as count, case ${cases} else 'e' end as plan,
    floor(3 * ${uniform(26)})::bigint as few
    from (select i, ${uniform(24)} as u from range(${rows}) t(i)) order by i`
}
