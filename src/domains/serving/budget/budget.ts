export { giveBack, lacks, provide, spentToday } from './allowance.ts'
export { type Cap, costOfTokens, openAnswer, type Reservation, reserve } from './reserve.ts'
