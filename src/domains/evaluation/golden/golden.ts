export { getGolden, readGolden } from './golden-sets.ts'
export { type Definition, fromJsonLines, type Item, instantOf, toJsonLines } from './items.ts'
export { readProvenance } from './provenance.ts'
