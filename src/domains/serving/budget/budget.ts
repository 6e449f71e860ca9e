export { giveBack, lacks, provide, spentToday } from './allowance.ts'
export { type Cap, costOf, openAnswer, type Reservation, reserve } from './reserve.ts'
