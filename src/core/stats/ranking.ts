import { elementAt } from './element-at.ts'

type Numbers = ArrayLike<number>

type Block = { relevant: number; size: number; last: number }

/** Items from the best score down, tied ones as one block; undefined when a relevance or a score is missing. */
function blocksOf(relevances: Numbers, scores: Numbers): Block[] | undefined {
  if (relevances.length !== scores.length) return undefined
  for (let index = 0; index < scores.length; index++) {
    if (Number.isNaN(elementAt(relevances, index)) || Number.isNaN(elementAt(scores, index))) return undefined
  }
  const order = Array.from(scores, (_, index) => index).sort((a, b) => elementAt(scores, b) - elementAt(scores, a))
  const blocks: Block[] = []
  for (const [position, item] of order.entries()) {
    const before = order[position - 1]
    const tied = before !== undefined && elementAt(scores, before) === elementAt(scores, item)
    const block = tied ? blocks.at(-1) : undefined
    const relevant = Number(elementAt(relevances, item) > 0)
    if (!block) blocks.push({ relevant, size: 1, last: position + 1 })
    else {
      block.relevant += relevant
      block.size += 1
      block.last = position + 1
    }
  }
  return blocks
}

/**
 * Mean, over the relevant items (relevance > 0) of one list, of the precision at their rank; tied items share the rank of
 * the last of them. 0 … 1, higher is better, 0 when nothing is relevant. Its mean over lists is MAP.
 * Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), section 8.4.
 */
export function averagePrecision(relevances: Numbers, scores: Numbers): number {
  const blocks = blocksOf(relevances, scores)
  if (!blocks) return Number.NaN
  let [found, total] = [0, 0]
  for (const { relevant, last } of blocks) {
    found += relevant
    total += (relevant * found) / last
  }
  return found === 0 ? 0 : total / found
}

/** One over the rank of the first relevant item of one list, ties counted last; 0 when nothing is relevant. Its mean over lists is MRR. */
export function reciprocalRank(relevances: Numbers, scores: Numbers): number {
  const blocks = blocksOf(relevances, scores)
  if (!blocks) return Number.NaN
  const first = blocks.find(({ relevant }) => relevant > 0)
  return first ? 1 / (first.last - first.relevant + 1) : 0
}
