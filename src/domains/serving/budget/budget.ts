export { giveBack, lacks, provide, spentToday } from './allowance.ts'
export { type Cap, costOf, openAnswer, reserve } from './reserve.ts'
