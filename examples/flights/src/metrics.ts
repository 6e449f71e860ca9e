/**
 * Mean negative log likelihood in nats of labels 0 or 1 under predicted probabilities in (0, 1);
 * probabilities are kept 1e-15 away from 0 and 1.
 */
export function logLoss(labels: readonly number[], probabilities: readonly number[]): number {
  const losses = labels.map((label, row) => {
    const p = Math.min(Math.max(probabilities[row] ?? Number.NaN, 1e-15), 1 - 1e-15)
    return label === 1 ? -Math.log(p) : -Math.log1p(-p)
  })
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/**
 * Area under the ROC curve in [0, 1]: the chance that a positive scores above a negative, ties counting half
 * (the Mann-Whitney statistic). NaN when one class is missing.
 */
export function auc(labels: readonly number[], scores: readonly number[]): number {
  const order = scores.map((score, row) => ({ score, label: labels[row] ?? 0 })).sort((a, b) => a.score - b.score)
  let wins = 0
  let negativesBelow = 0
  for (let start = 0; start < order.length; ) {
    let end = start
    let positives = 0
    while (order[end]?.score === order[start]?.score && end < order.length) {
      positives += order[end]?.label ?? 0
      end += 1
    }
    const negatives = end - start - positives
    wins += positives * (negativesBelow + negatives / 2)
    negativesBelow += negatives
    start = end
  }
  return wins / (negativesBelow * (order.length - negativesBelow))
}
