/** How a command ends that judges: as its verdict says. */
export const exitCodeOf = { pass: 0, fail: 3, cannot_tell: 4, error: 1 } as const
